/**
 * Activations without a kernel of their own, as layers, for Sequential. Not here: the operations
 * (autograd/ops/activation.ts), and the other activations (activation.ts).
 */
import { checkNumber, knownOptions, type OptionNames } from '../arguments.js';
import {
  celu,
  checkCeluAlpha,
  checkLimits,
  glu,
  hardSigmoid,
  hardSwish,
  hardTanh,
  logSigmoid,
  mish,
  prelu,
  relu6,
  selu,
  softsign,
} from '../autograd/ops/activation.js';
import { full } from '../tensor/create.js';
import type { Parameter, Tensor } from '../tensor/tensor.js';
import { attributes, checkAxis, checkCount } from './check.js';
import { Module } from './module.js';
import { owned } from './parameter.js';

/**
 * Limits x to [min, max]. It differs from clamp by its gradient at the limits.
 * @shape x [any] → y, as x
 * @gradient g where min < x < max, else 0; NaN passes g
 * @throws ValueError for min ≥ max, a NaN limit, or a dtype that is not float
 * @source torch.nn.Hardtanh
 */
export class Hardtanh extends Module {
  static override readonly title: string = 'Hardtanh';

  constructor(
    readonly min = -1,
    readonly max = 1,
  ) {
    super();
    checkLimits('Hardtanh', min, max);
  }
  forward(x: Tensor): Tensor {
    return hardTanh(x, this.min, this.max);
  }
  override describe(): string {
    return attributes({ min: this.min, max: this.max });
  }
}
/**
 * min(max(x, 0), 6).
 * @shape x [any] → y, as x
 * @gradient g where 0 < x < 6, else 0; NaN passes g
 * @throws ValueError for a dtype that is not float
 * @source torch.nn.ReLU6
 */
export class ReLU6 extends Module {
  static override readonly title: string = 'ReLU6';

  forward(x: Tensor): Tensor {
    return relu6(x);
  }
}
/**
 * relu6(x + 3)/6.
 * @shape x [any] → y, as x
 * @gradient g/6 where −3 < x < 3, else 0; NaN passes g/6
 * @throws ValueError for a dtype that is not float
 * @source torch.nn.Hardsigmoid
 */
export class Hardsigmoid extends Module {
  static override readonly title: string = 'Hardsigmoid';

  forward(x: Tensor): Tensor {
    return hardSigmoid(x);
  }
}
/**
 * x·relu6(x + 3)/6.
 * @shape x [any] → y, as x
 * @gradient 0 where x < −3, g·(x/3 + ½) where −3 ≤ x ≤ 3, else g
 * @throws ValueError for a dtype that is not float
 * @source torch.nn.Hardswish
 */
export class Hardswish extends Module {
  static override readonly title: string = 'Hardswish';

  forward(x: Tensor): Tensor {
    return hardSwish(x);
  }
}
/**
 * elu with alpha 1.6733, times 1.0507.
 * @shape x [any] → y, as x
 * @gradient g·scale where x > 0, else g·scale·alpha·eˣ
 * @throws ValueError for a dtype that is not float
 * @source torch.nn.SELU
 */
export class SELU extends Module {
  static override readonly title: string = 'SELU';

  forward(x: Tensor): Tensor {
    return selu(x);
  }
}
/**
 * x where positive, else alpha·(e^(x/alpha) − 1).
 * @shape x [any] → y, as x
 * @gradient g where x > 0, else g·e^(x/alpha)
 * @throws ValueError for an alpha that is not positive and finite, or a dtype that is not float
 * @source torch.nn.CELU
 */
export class CELU extends Module {
  static override readonly title: string = 'CELU';

  constructor(readonly alpha = 1) {
    super();
    checkCeluAlpha('CELU', alpha);
  }
  forward(x: Tensor): Tensor {
    return celu(x, this.alpha);
  }
  override describe(): string {
    return String(this.alpha);
  }
}
/**
 * x·tanh(log(1 + eˣ)).
 * @shape x [any] → y, as x
 * @gradient g·(t + x·(1 − t²)·sigmoid(x)) with t = tanh(softplus(x))
 * @throws ValueError for a dtype that is not float
 * @source torch.nn.Mish
 */
export class Mish extends Module {
  static override readonly title: string = 'Mish';

  forward(x: Tensor): Tensor {
    return mish(x);
  }
}
/**
 * x/(1 + |x|).
 * @shape x [any] → y, as x
 * @gradient g/(1 + |x|)²
 * @throws ValueError for a dtype that is not float
 * @source torch.nn.Softsign
 */
export class Softsign extends Module {
  static override readonly title: string = 'Softsign';

  forward(x: Tensor): Tensor {
    return softsign(x);
  }
}
/**
 * log(sigmoid(x)), stable.
 * @shape x [any] → y, as x
 * @gradient g·sigmoid(−x)
 * @throws ValueError for a dtype that is not float
 * @source torch.nn.LogSigmoid
 */
export class LogSigmoid extends Module {
  static override readonly title: string = 'LogSigmoid';

  forward(x: Tensor): Tensor {
    return logSigmoid(x);
  }
}
/**
 * The first half of x times the sigmoid of the second half, along an axis, the channels by default.
 * @shape x […,2·C,…] → y […,C,…]
 * @gradient a: g·sigmoid(b); b: g·a·s·(1−s) with s = sigmoid(b)
 * @throws ShapeError for a bad axis, or one of odd size
 * @source torch.nn.GLU
 */
export class GLU extends Module {
  static override readonly title: string = 'GLU';

  constructor(readonly axis = -1) {
    super();
    checkAxis('GLU', 'axis', axis);
  }
  forward(x: Tensor): Tensor {
    return glu(x, this.axis);
  }
  override describe(): string {
    return `axis=${this.axis}`;
  }
}

export interface PReLUOptions {
  /** The weight at the start. Default 0.25. */
  init?: number;
}
const preluOptions: OptionNames<PReLUOptions> = { init: 'value' };

/**
 * x where positive, else weight·x, with one learned weight for all channels, or one for each. Give
 * the weight no weight decay, which would pull it to relu.
 * @shape x […,C], weight [channels] → y, as x
 * @gradient x: g where x > 0, else weight·g; weight: Σ g·x where x ≤ 0
 * @throws ValueError for options out of range, or a dtype that is not float; ShapeError for another
 * number of channels
 * @source He et al. 2015; torch.nn.PReLU
 */
export class PReLU extends Module {
  static override readonly title: string = 'PReLU';
  readonly weight: Parameter;

  /** @param channels 1 for one weight in all, or the number of channels */
  constructor(
    readonly channels = 1,
    options: PReLUOptions = {},
  ) {
    super();
    knownOptions('PReLU', options, preluOptions);
    const { init = 0.25 } = options;
    checkCount('PReLU', 'channels', channels);
    checkNumber('PReLU', 'init', init, Number.isFinite, 'a finite number');
    this.weight = owned(full([channels], init));
  }
  forward(x: Tensor): Tensor {
    return prelu(x, this.weight);
  }
  override describe(): string {
    return String(this.channels);
  }
}
