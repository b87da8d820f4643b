/**
 * Activations as layers, for Sequential. Not here: the operations (autograd/ops/elementwise.ts,
 * reduce.ts).
 */
import { checkNumber } from '../arguments.js';
import { elu, gelu, leakyRelu, relu, sigmoid, silu, softplus, tanh } from '../autograd/ops/elementwise.js';
import { softmax } from '../autograd/ops/reduce.js';
import type { Tensor } from '../tensor/tensor.js';
import { checkAxis } from './check.js';
import { Module } from './module.js';

/**
 * max(x, 0).
 * @shape x [any] → y, as x
 * @gradient g where x > 0, else 0
 * @throws ValueError for a dtype that is not float
 * @source torch.nn.ReLU
 */
export class ReLU extends Module {
  static override readonly title: string = 'ReLU';

  forward(x: Tensor): Tensor {
    return relu(x);
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
 * x·Φ(x), the exact form.
 * @shape x [any] → y, as x
 * @gradient g·(Φ(x) + x·φ(x))
 * @throws ValueError for a dtype that is not float
 * @source torch.nn.GELU
 */
export class GELU extends Module {
  static override readonly title: string = 'GELU';

  forward(x: Tensor): Tensor {
    return gelu(x);
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
 * log(1 + eˣ).
 * @shape x [any] → y, as x
 * @gradient g·sigmoid(x)
 * @throws ValueError for a dtype that is not float
 * @source torch.nn.Softplus
 */
export class Softplus extends Module {
  static override readonly title: string = 'Softplus';

  forward(x: Tensor): Tensor {
    return softplus(x);
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
