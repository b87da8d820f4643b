/** Sequential: layers one after the other. Other containers are plain arrays in a module's fields. */
import { shown } from '../arguments.js';
import { checkTensor, isTensor } from '../autograd/graph.js';
import { ValueError } from '../errors.js';
import type { Tensor } from '../tensor/tensor.js';
import { Module } from './module.js';

/** A module that takes one tensor; of an array result (values and indices) the first goes on. */
export type Layer = Module & { forward(x: Tensor): Tensor | readonly [Tensor, ...unknown[]] };

/**
 * Feeds each layer with what the one before gave. Its fields, and so its names, are '0', '1', …
 * @shape x, as the first layer takes it → y, as the last gives it
 * @gradient through all layers
 * @throws ValueError for what is not a module
 * @source torch.nn.Sequential
 */
export class Sequential extends Module {
  readonly [index: number]: Layer;

  constructor(...layers: Layer[]) {
    super();
    layers.forEach((layer, i) => {
      if (!(layer instanceof Module))
        throw new ValueError(
          'Sequential',
          'layers must be modules',
          `layer ${i}=${shown(layer)}`,
          Array.isArray(layer)
            ? 'pass them one by one: new Sequential(...layers)'
            : 'wrap a function in a Module of its own',
        );
    });
    Object.assign(this, layers);
  }

  /** The layers in order. */
  get layers(): Layer[] {
    return this.children() as Layer[];
  }

  forward(x: Tensor): Tensor {
    let value = x;
    for (const layer of this.layers) {
      const result = layer.forward(value);
      value = isTensor(result) ? result : result?.[0];
      checkTensor('Sequential', `the result of ${layer.constructor.name}`, value);
    }
    return value;
  }
}
