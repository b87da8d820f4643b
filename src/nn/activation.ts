/**
 * Activations as layers, for Sequential. Not here: the operations (autograd/ops/elementwise.ts,
 * activation.ts, reduce.ts), and the layers of operations without a kernel
 * (activation-composed.ts).
 */
import { checkNumber, knownOptions } from '../arguments.js';
import {
  checkApproximate,
  checkSoftplus,
  type GeluOptions,
  gelu,
  geluOptions,
  type SoftplusOptions,
  softplus,
  softplusOptions,
} from '../autograd/ops/activation.js';
import {
  elu,
  leakyRelu,
  type ReluOptions,
  relu,
  reluOptions,
  sigmoid,
  silu,
  tanh,
} from '../autograd/ops/elementwise.js';
import { softmax } from '../autograd/ops/reduce.js';
import type { Tensor } from '../tensor/tensor.js';
import { attributes, checkAxis, unless } from './check.js';
import { Module } from './module.js';

/**
 * max(x, 0). With `inPlace`, x ends, as in the function relu.
 * @shape x [any] → y, as x
 * @gradient g where x > 0, else 0
 * @throws ValueError for a dtype that is not float; GraphError as relu
 * @source torch.nn.ReLU
 */
export class ReLU extends Module {
  static override readonly title: string = 'ReLU';
  readonly inPlace: boolean;

  constructor(options: ReluOptions = {}) {
    super();
    knownOptions('ReLU', options, reluOptions);
    this.inPlace = options.inPlace ?? false;
  }
  forward(x: Tensor): Tensor {
    return relu(x, { inPlace: this.inPlace });
  }
  override describe(): string {
    return attributes({ inPlace: unless(false, this.inPlace) });
  }
}
/**
 * x where positive, else slope·x.
 * @shape x [any] → y, as x
 * @gradient g where x > 0, else slope·g
 * @throws ValueError for a NaN slope or a dtype that is not float
 * @source torch.nn.LeakyReLU
 */
export class LeakyReLU extends Module {
  static override readonly title: string = 'LeakyReLU';

  constructor(readonly slope = 0.01) {
    super();
    checkNumber('LeakyReLU', 'slope', slope, () => true, 'a number');
  }
  forward(x: Tensor): Tensor {
    return leakyRelu(x, this.slope);
  }
  override describe(): string {
    return String(this.slope);
  }
}
/**
 * x where positive, else alpha·(eˣ − 1).
 * @shape x [any] → y, as x
 * @gradient g where x > 0, else g·alpha·eˣ
 * @throws ValueError for a NaN alpha or a dtype that is not float
 * @source torch.nn.ELU
 */
export class ELU extends Module {
  static override readonly title: string = 'ELU';

  constructor(readonly alpha = 1) {
    super();
    checkNumber('ELU', 'alpha', alpha, () => true, 'a number');
  }
  forward(x: Tensor): Tensor {
    return elu(x, this.alpha);
  }
  override describe(): string {
    return String(this.alpha);
  }
}
/**
 * x·Φ(x), exactly or with approximate: 'tanh'.
 * @shape x [any] → y, as x
 * @gradient g·(Φ(x) + x·Φ′(x))
 * @throws ValueError for a dtype that is not float, or another name for approximate
 * @source torch.nn.GELU
 */
export class GELU extends Module {
  static override readonly title: string = 'GELU';
  readonly approximate: 'none' | 'tanh';

  constructor(options: GeluOptions = {}) {
    super();
    knownOptions('GELU', options, geluOptions);
    const { approximate = 'none' } = options;
    checkApproximate('GELU', approximate);
    this.approximate = approximate;
  }
  forward(x: Tensor): Tensor {
    return gelu(x, { approximate: this.approximate });
  }
  override describe(): string {
    return this.approximate === 'none' ? '' : `approximate=${this.approximate}`;
  }
}
/**
 * x·sigmoid(x).
 * @shape x [any] → y, as x
 * @gradient g·s·(1 + x·(1−s))
 * @throws ValueError for a dtype that is not float
 * @source torch.nn.SiLU
 */
export class SiLU extends Module {
  static override readonly title: string = 'SiLU';

  forward(x: Tensor): Tensor {
    return silu(x);
  }
}
/**
 * 1/(1 + e⁻ˣ).
 * @shape x [any] → y, as x
 * @gradient g·s·(1−s)
 * @throws ValueError for a dtype that is not float
 * @source torch.nn.Sigmoid
 */
export class Sigmoid extends Module {
  static override readonly title: string = 'Sigmoid';

  forward(x: Tensor): Tensor {
    return sigmoid(x);
  }
}
/**
 * Hyperbolic tangent.
 * @shape x [any] → y, as x
 * @gradient g·(1−y²)
 * @throws ValueError for a dtype that is not float
 * @source torch.nn.Tanh
 */
export class Tanh extends Module {
  static override readonly title: string = 'Tanh';

  forward(x: Tensor): Tensor {
    return tanh(x);
  }
}
/**
 * log(1 + e^(beta·x))/beta. The threshold is Infinity by default, and 20 in PyTorch.
 * @shape x [any] → y, as x
 * @gradient g·sigmoid(beta·x); g where beta·x exceeds a threshold
 * @throws ValueError for a beta that is 0 or not finite, a NaN threshold, or a dtype that is not
 * float
 * @source torch.nn.Softplus
 */
export class Softplus extends Module {
  static override readonly title: string = 'Softplus';
  readonly beta: number;
  readonly threshold: number;

  constructor(options: SoftplusOptions = {}) {
    super();
    knownOptions('Softplus', options, softplusOptions);
    const { beta = 1, threshold = Infinity } = options;
    checkSoftplus('Softplus', beta, threshold);
    this.beta = beta;
    this.threshold = threshold;
  }
  forward(x: Tensor): Tensor {
    return softplus(x, { beta: this.beta, threshold: this.threshold });
  }
  override describe(): string {
    const { beta, threshold } = this;
    return attributes({
      beta: beta === 1 ? undefined : beta,
      threshold: threshold === Infinity ? undefined : threshold,
    });
  }
}
/**
 * eˣ/Σ eˣ along an axis, the channels by default.
 * @shape x [any] → y, as x
 * @gradient y·(g − Σ g·y)
 * @throws ShapeError for a bad axis
 * @source torch.nn.Softmax
 */
export class Softmax extends Module {
  static override readonly title: string = 'Softmax';

  constructor(readonly axis = -1) {
    super();
    checkAxis('Softmax', 'axis', axis);
  }
  forward(x: Tensor): Tensor {
    return softmax(x, this.axis);
  }
  override describe(): string {
    return `axis=${this.axis}`;
  }
}
