/** Adam and AdamW. One kernel updates all parameters. */
import { updateInPlace } from '../autograd/in-place.js';
import type { AdamAttrs } from '../device/device.js';
import { ValueError } from '../errors.js';
import type { Tensor } from '../tensor/tensor.js';
import { checkBetas } from './moments.js';
import {
  checkNotNegative,
  type Entry,
  Optimizer,
  type OptimizerOptions,
  type OptimizerParams,
  slot,
} from './optimizer.js';

export interface AdamOptions extends OptimizerOptions {
  /** Decay of the running means of g and g². Default [0.9, 0.999]. */
  betas: readonly [number, number];
  /** Added to the root of the second moment. Default 1e-8. */
  eps: number;
  /**
   * For Adam, this times the parameter is added to the gradient. For AdamW, the parameter shrinks
   * by lr times this. Default 0; for AdamW 0.01.
   */
  weightDecay: number;
  /** Whether to divide by the largest second moment so far. Default false. */
  amsgrad: boolean;
  /**
   * Where ε is added: 'torch' outside the bias correction (default), 'tf' inside ("epsilon hat").
   */
  form: AdamAttrs['form'];
}

const defaults: AdamOptions = {
  lr: 1e-3,
  betas: [0.9, 0.999],
  eps: 1e-8,
  weightDecay: 0,
  amsgrad: false,
  form: 'torch',
};

/** The common base of Adam and AdamW. They differ in where weight decay is applied. */
abstract class AdamFamily extends Optimizer<AdamOptions> {
  protected abstract readonly decoupled: boolean;

  protected checkOptions(op: string, { lr, betas, eps, weightDecay, form }: AdamOptions): void {
    checkNotNegative(op, { lr, eps, weightDecay });
    checkBetas(op, betas);
    if (form !== 'torch' && form !== 'tf') throw new ValueError(op, "form must be 'torch' or 'tf'", `form=${form}`);
  }
  protected slots({ amsgrad }: AdamOptions): readonly string[] {
    return amsgrad ? ['m', 'v', 'vmax'] : ['m', 'v'];
  }
  /** Runs one kernel for all parameters of a device that have taken the same number of steps. */
  protected update(entries: readonly Entry[], options: AdamOptions): void {
    const { lr, betas, eps, weightDecay, amsgrad, form } = options;
    const slots = this.slots(options);
    const alike: [Entry, ...Entry[]][] = [];
    for (const entry of entries) {
      const fellows = alike.find(
        ([first]) => first.parameter.device === entry.parameter.device && first.state.step === entry.state.step,
      );
      if (fellows === undefined) alike.push([entry]);
      else fellows.push(entry);
    }
    for (const together of alike) {
      const attrs: AdamAttrs = {
        form,
        lr,
        beta1: betas[0],
        beta2: betas[1],
        eps,
        weightDecay,
        decoupled: this.decoupled,
        amsgrad,
        step: together[0].state.step,
      };
      const inputs: Tensor[] = [];
      const changed: Tensor[] = [];
      for (const { parameter, grad, state } of together) {
        const moments = slots.map((name) => slot(state, name, parameter));
        inputs.push(parameter, grad, ...moments);
        changed.push(parameter, ...moments);
      }
      updateInPlace('adam', inputs, attrs, changed);
    }
  }
}

/**
 * Takes steps of about lr in every element, independent of the gradient's size.
 * form 'torch' is p −= lr·m̂/(√v̂ + ε). form 'tf' is p −= lr·√(1−β₂ᵗ)/(1−β₁ᵗ)·m/(√v + ε).
 * @throws ValueError for no parameters, duplicates, or options out of range
 * @source Kingma and Ba 2015; torch.optim.Adam; tf.compat.v1.train.AdamOptimizer
 */
export class Adam extends AdamFamily {
  protected readonly decoupled = false;

  constructor(params: OptimizerParams<AdamOptions>, options: Partial<AdamOptions> = {}) {
    super('Adam', params, defaults, options);
  }
}

/**
 * Adam with a weight decay that does not enter the moments.
 * @throws ValueError for no parameters, duplicates, or options out of range
 * @source Loshchilov and Hutter 2019; torch.optim.AdamW
 */
export class AdamW extends AdamFamily {
  protected readonly decoupled = true;

  constructor(params: OptimizerParams<AdamOptions>, options: Partial<AdamOptions> = {}) {
    super('AdamW', params, { ...defaults, weightDecay: 0.01 }, options);
  }
}
