/** Sigmoid cross entropy with logits, its gradient, and Adam. */
import { Opcode } from '../protocol/command';
import { arg, next, number } from './core';
import { down4, expDown4, log1pUnit4, splat } from './math';
import { madd, storeLanes } from './tiles';

const block = 4096;

/** to, logits, target, elements, posWeight. */
function bceWithLogits(p: usize): void {
  const size = arg(p, 3);
  const weight = splat(number(p, 4));
  for (let c = next(); c * block < size; c = next()) {
    const offset = <usize>(c * block) << 2;
    let to = <usize>arg(p, 0) + offset;
    let logits = <usize>arg(p, 1) + offset;
    let target = <usize>arg(p, 2) + offset;
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
  const size = arg(p, 4);
  const weight = splat(number(p, 5));
  for (let c = next(); c * block < size; c = next()) {
    const offset = <usize>(c * block) << 2;
    let to = <usize>arg(p, 0) + offset;
    let g = <usize>arg(p, 1) + offset;
    let logits = <usize>arg(p, 2) + offset;
    let target = <usize>arg(p, 3) + offset;
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
  const rate = splat(number(p, 0));
  const epsilon = splat(number(p, 1));
  const shrink = splat(number(p, 2));
  const decay = splat(number(p, 3));
  const decays = number(p, 3) != 0;
  const beta1 = splat(number(p, 4));
  const rest1 = splat(number(p, 5));
  const beta2 = splat(number(p, 6));
  const rest2 = splat(number(p, 7));
  const amsgrad = arg(p, 8) != 0;
  const end = p + 40 + <usize>arg(p, 9) * 40;
  let parameter = p + 40;
  let first = 0;
  for (let c = next(); ; c = next()) {
    for (; parameter < end; parameter += 40) {
      const blocks = (arg(parameter, 0) + block - 1) / block;
      if (c - first < blocks) break;
      first += blocks;
    }
    if (parameter == end) return;
    const start = (c - first) * block;
    const offset = <usize>start << 2;
    const bytes = <usize>min(block, arg(parameter, 0) - start) << 2;
    const pFrom = <usize>arg(parameter, 1) + offset;
    const gFrom = <usize>arg(parameter, 2) + offset;
    const mFrom = <usize>arg(parameter, 3) + offset;
    const vFrom = <usize>arg(parameter, 4) + offset;
    const vmaxFrom = <usize>arg(parameter, 5) + offset;
    const pTo = <usize>arg(parameter, 6) + offset;
    const mTo = <usize>arg(parameter, 7) + offset;
    const vTo = <usize>arg(parameter, 8) + offset;
    const vmaxTo = <usize>arg(parameter, 9) + offset;
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
