/** The fully connected layer. */
import { knownOptions } from '../arguments.js';
import { matmul } from '../autograd/ops/matmul.js';
import type { Parameter, Tensor } from '../tensor/tensor.js';
import { type Shape, sizeOf } from '../values/shape.js';
import { checkChannels, checkCount } from './check.js';
import { Module } from './module.js';
import { drawParameters } from './parameter.js';

/**
 * y = x·weight + bias over the last axis. The weight is [inFeatures,outFeatures], as in a
 * convolution's HWIO, and is the transpose of PyTorch's. First the weight and then the bias is
 * drawn from U(±1/√inFeatures).
 * @shape x […,inFeatures] → y […,outFeatures]
 * @gradient x: g·weightᵀ; weight: xᵀ·g; bias: Σ g
 * @throws ValueError for features out of range; ShapeError when the last axis is not inFeatures
 * @source torch.nn.Linear
 */
export class Linear extends Module {
  static override readonly title: string = 'Linear';
  readonly weight: Parameter;
  readonly bias: Parameter | null;

  constructor(
    readonly inFeatures: number,
    readonly outFeatures: number,
    options: { bias?: boolean } = {},
  ) {
    super();
    knownOptions('Linear', options, { bias: 'flag' });
    const { bias = true } = options;
    checkCount('Linear', 'inFeatures', inFeatures);
    checkCount('Linear', 'outFeatures', outFeatures);
    ({ weight: this.weight, bias: this.bias } = drawParameters([inFeatures, outFeatures], bias ? outFeatures : null));
  }

  forward(x: Tensor): Tensor {
    checkChannels('Linear', x, this.inFeatures, 1);
    const outer = x.shape.slice(0, -1);
    const y = matmul(x.reshape([sizeOf(outer), this.inFeatures]), this.weight).reshape([...outer, this.outFeatures]);
    return this.bias === null ? y : y.add(this.bias);
  }
  override describe(): string {
    return `${this.inFeatures}, ${this.outFeatures}${this.bias === null ? ', bias=false' : ''}`;
  }
  override multiplyAdds(_input: Shape, output: Shape): number {
    return sizeOf(output) * this.inFeatures;
  }
}
