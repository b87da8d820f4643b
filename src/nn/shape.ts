/** Layers that only change shape. */
import { checkTensor } from '../autograd/graph.js';
import { ShapeError, show } from '../errors.js';
import type { Tensor } from '../tensor/tensor.js';
import { normalizeAxis, sizeOf } from '../values/shape.js';
import { checkAxis } from './check.js';
import { Module } from './module.js';

/**
 * Merges axes startAxis … endAxis (all but the batch by default) into one.
 * @shape x [N,H,W,C] → y [N,H·W·C]
 * @gradient g, reshaped back
 * @throws ShapeError for a bad axis
 * @source torch.nn.Flatten
 */
export class Flatten extends Module {
  static override readonly title: string = 'Flatten';

  constructor(
    readonly startAxis = 1,
    readonly endAxis = -1,
  ) {
    super();
    checkAxis('Flatten', 'startAxis', startAxis);
    checkAxis('Flatten', 'endAxis', endAxis);
  }
  forward(x: Tensor): Tensor {
    checkTensor('Flatten', 'input', x);
    const [start, end] = [
      normalizeAxis('Flatten', this.startAxis, x.rank),
      normalizeAxis('Flatten', this.endAxis, x.rank),
    ];
    if (start > end)
      throw new ShapeError(
        'Flatten',
        'startAxis must not come after endAxis',
        `startAxis=${this.startAxis}, endAxis=${this.endAxis}, input=${show(x.shape)}`,
      );
    return x.reshape([...x.shape.slice(0, start), sizeOf(x.shape.slice(start, end + 1)), ...x.shape.slice(end + 1)]);
  }
}
