/** Adam for all parameters of one command. */
import { AdamWord, ParameterWord } from '../protocol/adam';
import { address, arg, next, number } from './core';
import { splat } from './math';
import { madd, storeLanes } from './tiles';

const block = 4096;

const parameterBytes: usize = ParameterWord.length << 2;

/** One step. Chunks are numbered across all parameters. */
export function adam(p: usize): void {
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
    const offset = (<usize>start) << 2;
    const bytes = (<usize>min(block, arg(parameter, ParameterWord.size) - start)) << 2;
    const pFrom = address(parameter, ParameterWord.p) + offset;
    const gFrom = address(parameter, ParameterWord.g) + offset;
    const mFrom = address(parameter, ParameterWord.m) + offset;
    const vFrom = address(parameter, ParameterWord.v) + offset;
    const vmaxFrom = address(parameter, ParameterWord.vmax) + offset;
    const pTo = address(parameter, ParameterWord.newP) + offset;
    const mTo = address(parameter, ParameterWord.newM) + offset;
    const vTo = address(parameter, ParameterWord.newV) + offset;
    const vmaxTo = address(parameter, ParameterWord.newVmax) + offset;
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
