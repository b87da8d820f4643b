/** Sigmoid cross entropy with logits, its gradient, and Adam. */
import { Opcode } from '../protocol/command';
import { AdamWord, ParameterWord } from '../protocol/adam';
import { BceWithLogitsGradWord, BceWithLogitsWord } from '../protocol/loss';
import { arg, next, number } from './core';
import { down4, expDown4, log1pUnit4, splat } from './math';
import { madd, storeLanes } from './tiles';

const block = 4096;
const parameterBytes: usize = ParameterWord.length << 2;

/** to, logits, target, elements, posWeight. */
function bceWithLogits(p: usize): void {
  const size = arg(p, BceWithLogitsWord.size);
  const weight = splat(number(p, BceWithLogitsWord.posWeight));
  for (let c = next(); c * block < size; c = next()) {
    const offset = <usize>(c * block) << 2;
    let to = <usize>arg(p, BceWithLogitsWord.to) + offset;
    let logits = <usize>arg(p, BceWithLogitsWord.logits) + offset;
    let target = <usize>arg(p, BceWithLogitsWord.target) + offset;
    for (let count = min(block, size - c * block); count > 0; count -= 4, to += 16, logits += 16, target += 16) {
      const x = v128.load(logits);
      const z = v128.load(target);
      const negative = f32x4.sub(splat(1), z);
      const positive = f32x4.mul(weight, z);
      // Below 0, −x joins the factor of x, so that large terms do not cancel; −Infinity still gives NaN.
      const below = f32x4.pmin(x, splat(0));
      const log = f32x4.add(log1pUnit4(expDown4(down4(x))), f32x4.mul(below, splat(0)));
      const linear = f32x4.sub(f32x4.mul(f32x4.pmax(x, splat(0)), negative), f32x4.mul(below, positive));
      storeLanes(to, f32x4.add(linear, f32x4.mul(f32x4.add(negative, positive), log)), count);
    }
  }
}

/** to, g, logits, target, elements, posWeight. */
function bceWithLogitsGrad(p: usize): void {
  const size = arg(p, BceWithLogitsGradWord.size);
  const weight = splat(number(p, BceWithLogitsGradWord.posWeight));
  for (let c = next(); c * block < size; c = next()) {
    const offset = <usize>(c * block) << 2;
    let to = <usize>arg(p, BceWithLogitsGradWord.to) + offset;
    let g = <usize>arg(p, BceWithLogitsGradWord.g) + offset;
    let logits = <usize>arg(p, BceWithLogitsGradWord.logits) + offset;
    let target = <usize>arg(p, BceWithLogitsGradWord.target) + offset;
    for (let count = min(block, size - c * block); count > 0; count -= 4, to += 16, g += 16, logits += 16, target += 16) {
      const x = v128.load(logits);
      const z = v128.load(target);
      // sigmoid(x) and 1 − sigmoid(x), each exact: in their difference nothing cancels that matters.
      const e = expDown4(down4(x));
      const larger = f32x4.div(splat(1), f32x4.add(e, splat(1)));
      const smaller = f32x4.mul(e, larger);
      const below = f32x4.lt(x, splat(0));
      const negative = f32x4.mul(f32x4.sub(splat(1), z), v128.bitselect(smaller, larger, below));
      const positive = f32x4.mul(f32x4.mul(weight, z), v128.bitselect(larger, smaller, below));
      storeLanes(to, f32x4.mul(v128.load(g), f32x4.sub(negative, positive)), count);
    }
  }
}

/**
 * rate, ε, shrink, decay, β1, 1 − β1, β2, 1 − β2, amsgrad, parameters; then for each: elements, and the addresses of p, g, m, v, vmax (0: none),
 * and of what is written: p, m, v, vmax.
 */
function adam(p: usize): void {
  const rate = splat(number(p, AdamWord.rate));
  const epsilon = splat(number(p, AdamWord.epsilon));
  const shrink = splat(number(p, AdamWord.shrink));
  const decay = splat(number(p, AdamWord.decay));
  const decays = number(p, AdamWord.decay) != 0;
  const beta1 = splat(number(p, AdamWord.beta1));
  const rest1 = splat(number(p, AdamWord.rest1));
  const beta2 = splat(number(p, AdamWord.beta2));
  const rest2 = splat(number(p, AdamWord.rest2));
  const amsgrad = arg(p, AdamWord.amsgrad) != 0;
  const parameters = p + (AdamWord.parameters << 2);
  const end = parameters + <usize>arg(p, AdamWord.count) * parameterBytes;
  let parameter = parameters;
  let first = 0;
  for (let c = next(); ; c = next()) {
    for (; parameter < end; parameter += parameterBytes) {
      const blocks = (arg(parameter, ParameterWord.size) + block - 1) / block;
      if (c - first < blocks) break;
      first += blocks;
    }
    if (parameter == end) return;
    const start = (c - first) * block;
    const offset = <usize>start << 2;
    const bytes = <usize>min(block, arg(parameter, ParameterWord.size) - start) << 2;
    const pFrom = <usize>arg(parameter, ParameterWord.p) + offset;
    const gFrom = <usize>arg(parameter, ParameterWord.g) + offset;
    const mFrom = <usize>arg(parameter, ParameterWord.m) + offset;
    const vFrom = <usize>arg(parameter, ParameterWord.v) + offset;
    const vmaxFrom = <usize>arg(parameter, ParameterWord.vmax) + offset;
    const pTo = <usize>arg(parameter, ParameterWord.newP) + offset;
    const mTo = <usize>arg(parameter, ParameterWord.newM) + offset;
    const vTo = <usize>arg(parameter, ParameterWord.newV) + offset;
    const vmaxTo = <usize>arg(parameter, ParameterWord.newVmax) + offset;
    for (let i: usize = 0; i < bytes; i += 16) {
      const count = <i32>(bytes - i) >> 2;
      const value = v128.load(pFrom + i);
      let slope = v128.load(gFrom + i);
      if (decays) slope = madd(decay, value, slope);
      const moment = f32x4.add(f32x4.mul(beta1, v128.load(mFrom + i)), f32x4.mul(rest1, slope));
      const second = f32x4.add(f32x4.mul(beta2, v128.load(vFrom + i)), f32x4.mul(f32x4.mul(rest2, slope), slope));
      let scale = second;
      if (amsgrad) {
        scale = f32x4.max(v128.load(vmaxFrom + i), second);
        storeLanes(vmaxTo + i, scale, count);
      }
      storeLanes(mTo + i, moment, count);
      storeLanes(vTo + i, second, count);
      const change = f32x4.div(f32x4.mul(rate, moment), f32x4.add(f32x4.sqrt(scale), epsilon));
      storeLanes(pTo + i, f32x4.sub(f32x4.mul(shrink, value), change), count);
    }
  }
}

export function dispatchTraining(opcode: i32, p: usize): void {
  if (opcode == Opcode.bceWithLogits) bceWithLogits(p);
  else if (opcode == Opcode.bceWithLogitsGrad) bceWithLogitsGrad(p);
  else if (opcode == Opcode.adam) adam(p);
  else unreachable();
}
