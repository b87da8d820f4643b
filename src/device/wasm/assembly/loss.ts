/** Sigmoid cross entropy with logits, and its gradient. */
import { BceWithLogitsGradWord, BceWithLogitsWord } from '../protocol/loss';
import { address, arg, next, number } from './core';
import { down4, expDown4, log1pUnit4, splat } from './math';
import { storeLanes } from './tiles';

const block = 4096;

/** The loss of each element. */
export function bceWithLogits(p: usize): void {
  const size = arg(p, BceWithLogitsWord.size);
  const weight = splat(number(p, BceWithLogitsWord.posWeight));
  for (let c = next(); c * block < size; c = next()) {
    const offset = (<usize>(c * block)) << 2;
    let to = address(p, BceWithLogitsWord.to) + offset;
    let logits = address(p, BceWithLogitsWord.logits) + offset;
    let target = address(p, BceWithLogitsWord.target) + offset;
    for (let count = min(block, size - c * block); count > 0; count -= 4, to += 16, logits += 16, target += 16) {
      const x = v128.load(logits);
      const z = v128.load(target);
      const negative = f32x4.sub(splat(1), z);
      const positive = f32x4.mul(weight, z);
      // For x < 0, −x is added to the factor of x, so that large terms do not cancel. −Infinity
      // still gives NaN.
      const below = f32x4.pmin(x, splat(0));
      const log = f32x4.add(log1pUnit4(expDown4(down4(x))), f32x4.mul(below, splat(0)));
      const linear = f32x4.sub(f32x4.mul(f32x4.pmax(x, splat(0)), negative), f32x4.mul(below, positive));
      storeLanes(to, f32x4.add(linear, f32x4.mul(f32x4.add(negative, positive), log)), count);
    }
  }
}

/** The gradient of the loss, times g. */
export function bceWithLogitsGrad(p: usize): void {
  const size = arg(p, BceWithLogitsGradWord.size);
  const weight = splat(number(p, BceWithLogitsGradWord.posWeight));
  for (let c = next(); c * block < size; c = next()) {
    const offset = (<usize>(c * block)) << 2;
    let to = address(p, BceWithLogitsGradWord.to) + offset;
    let g = address(p, BceWithLogitsGradWord.g) + offset;
    let logits = address(p, BceWithLogitsGradWord.logits) + offset;
    let target = address(p, BceWithLogitsGradWord.target) + offset;
    for (
      let count = min(block, size - c * block);
      count > 0;
      count -= 4, to += 16, g += 16, logits += 16, target += 16
    ) {
      const x = v128.load(logits);
      const z = v128.load(target);
      // sigmoid(x) and 1 − sigmoid(x) are computed separately. Their difference then loses no
      // digits that matter.
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
