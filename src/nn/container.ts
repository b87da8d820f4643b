/**
 * Sequential: layers applied one after another. Other containers are plain arrays in a module's
 * fields.
 */
import { className, shown } from '../arguments.js';
import { checkTensor, isTensor } from '../autograd/graph.js';
import { ValueError } from '../errors.js';
import type { Tensor } from '../tensor/tensor.js';
import { Module } from './module.js';

/**
 * A module with one input tensor. If its result is an array (values and indices), the first element
 * is passed on.
 */
export type Layer = Module & { forward(x: Tensor): Tensor | readonly [Tensor, ...unknown[]] };

/** The tensor in a layer's result that the next layer gets. `name` is the layer's in messages. */
export function passOn(op: string, name: string, result: unknown): Tensor {
  const value: unknown = isTensor(result) ? result : (result as readonly unknown[] | null | undefined)?.[0];
  checkTensor(op, `the result of ${name}`, value);
  return value;
}

/**
 * Passes each layer's result to the next layer. Its fields, and so its parameters' names, are '0',
 * '1', ….
 * @shape x, as the first layer's input → y, as the last layer's output
 * @gradient through all layers
 * @throws ValueError for an argument that is not a module
 * @source torch.nn.Sequential
 */
export class Sequential extends Module {
  static override readonly title: string = 'Sequential';
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
    for (const layer of this.layers) value = passOn('Sequential', className(layer), layer.forward(value));
    return value;
  }
}
