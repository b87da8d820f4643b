/**
 * Compares gradients with finite differences, in float64 on the reference device. Every backward
 * rule is tested against it.
 */
import { checkFunction, checkNumber, knownOptions, type OptionNames } from '../arguments.js';
import { ReferenceDevice } from '../device/reference/index.js';
import { GraphError, ValueError } from '../errors.js';
import { tensor } from '../tensor/create.js';
import type { Tensor } from '../tensor/tensor.js';
import { RandomState } from '../values/random.js';
import { grad } from './backward.js';
import { checkTensors } from './graph.js';

export interface GradcheckOptions {
  /** Step of the central difference. Default 1e-6. */
  eps?: number;
  /** Absolute tolerance. Default 1e-5. */
  atol?: number;
  /** Relative tolerance. Default 1e-3. */
  rtol?: number;
  /** Seed of the projection that makes the output a scalar. Default 0. */
  seed?: number;
}

const gradcheckOptions: OptionNames<GradcheckOptions> = { eps: 'value', atol: 'value', rtol: 'value', seed: 'value' };

function checkCall(op: string, fn: Fn, inputs: readonly Tensor[], options: GradcheckOptions): void {
  checkFunction(op, 'fn', fn);
  checkTensors(op, 'inputs', inputs);
  knownOptions(op, options, gradcheckOptions);
  for (const name of ['eps', 'atol', 'rtol'] as const) {
    const value = options[name];
    if (value !== undefined) checkNumber(op, name, value, (v) => v >= 0 && v < Infinity, 'finite and not negative');
  }
}

type Fn = (...inputs: Tensor[]) => Tensor;

/** Reduces any output to a scalar by its inner product with fixed random weights. */
function project(out: Tensor, seed: number): Tensor {
  const weights = tensor(new RandomState(seed).randn(out.size), {
    shape: out.shape,
    dtype: 'float64',
    device: out.device,
  });
  return out.mul(weights).sum();
}

/**
 * Compares the gradient of `fn` with respect to every input that requires one with central
 * differences. Inputs must be float64. Choose points away from kinks and ties.
 * @shape inputs [any] → true
 * @throws GraphError with the input, the element and both values; ValueError for inputs that are
 * not float64 on the reference device, or if no input requires a gradient
 * @source torch.autograd.gradcheck
 */
export function gradcheck(fn: Fn, inputs: readonly Tensor[], options: GradcheckOptions = {}): true {
  checkCall('gradcheck', fn, inputs, options);
  const { eps = 1e-6, atol = 1e-5, rtol = 1e-3, seed = 0 } = options;
  const checked = inputs.filter((t) => t.requiresGrad);
  if (checked.length === 0)
    throw new ValueError(
      'gradcheck',
      'at least one input must require a gradient',
      'none',
      'create it with requiresGrad: true',
    );
  for (const t of checked)
    if (t.dtype !== 'float64' || !(t.device instanceof ReferenceDevice))
      throw new ValueError(
        'gradcheck',
        'inputs must be float64 on the reference device',
        `${t.dtype} on ${t.device.name}`,
        "pass dtype: 'float64'",
      );
  const analytic = grad(project(fn(...inputs), seed), checked).map((g) => g.dataSync());
  checked.forEach((input, which) => {
    const values = input.dataSync();
    for (let i = 0; i < values.length; i++) {
      const at = (shift: number): number => {
        const moved = Float64Array.from(values);
        moved[i] += shift;
        const args = inputs.map((t) =>
          t === input ? tensor(moved, { shape: t.shape, dtype: 'float64', device: t.device, requiresGrad: true }) : t,
        );
        return project(fn(...args), seed).itemSync();
      };
      const numeric = (at(eps) - at(-eps)) / (2 * eps);
      const exact = analytic[which][i];
      if (!(Math.abs(exact - numeric) <= atol + rtol * Math.abs(numeric)))
        throw new GraphError(
          'gradcheck',
          'the gradient must agree with finite differences',
          `input ${inputs.indexOf(input)}, element ${i}: gradient ${exact}, difference ${numeric}`,
        );
    }
  });
  return true;
}

/**
 * Runs gradcheck on the gradients themselves, to check second-order gradients. It differentiates
 * with respect to the inputs and the incoming gradient.
 * @shape inputs [any] → true
 * @throws as gradcheck
 * @source torch.autograd.gradgradcheck
 */
export function gradgradcheck(fn: Fn, inputs: readonly Tensor[], options: GradcheckOptions = {}): true {
  checkCall('gradgradcheck', fn, inputs, options);
  const checked = inputs.map((t) => t.requiresGrad);
  const out = fn(...inputs);
  const incoming = tensor(new RandomState((options.seed ?? 0) + 1).randn(out.size), {
    shape: out.shape,
    dtype: 'float64',
    device: out.device,
    requiresGrad: true,
  });
  const gradients: Fn = (...args) => {
    const [gradOutput, ...rest] = args;
    const wanted = rest.filter((_, i) => checked[i]);
    const weighted = fn(...rest)
      .mul(gradOutput)
      .sum();
    return grad(weighted, wanted, { createGraph: true })
      .map((g, i) => project(g, i + 2))
      .reduce((a, b) => a.add(b));
  };
  return gradcheck(gradients, [incoming, ...inputs], options);
}
