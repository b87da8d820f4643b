/**
 * Depthwise convolution and its weight gradient, with vectors along the channels. Also the
 * convolution of one channel to one channel, with vectors along the row.
 */
import { Opcode } from '../protocol/command';
import { DepthwiseWeightGradWord, DepthwiseWord } from '../protocol/conv';
import { address, arg, next } from './core';
import { madd, storeLanes } from './tiles';
import { firstInside, firstOutside, zeros } from './window';

/** Depthwise convolution. The weight is [taps, channels]. A chunk is an output row. */
function depthwise(p: usize): void {
  const x = address(p, DepthwiseWord.x);
  const y = address(p, DepthwiseWord.y);
  const weight = address(p, DepthwiseWord.weight);
  const bias = address(p, DepthwiseWord.bias);
  const batch = arg(p, DepthwiseWord.batch);
  const height = arg(p, DepthwiseWord.height);
  const width = arg(p, DepthwiseWord.width);
  const channels = arg(p, DepthwiseWord.channels);
  const outHeight = arg(p, DepthwiseWord.outHeight);
  const outWidth = arg(p, DepthwiseWord.outWidth);
  const yImage = arg(p, DepthwiseWord.yImage);
  const yRow = arg(p, DepthwiseWord.yRow);
  const yColumn = arg(p, DepthwiseWord.yColumn);
  const strideH = arg(p, DepthwiseWord.strideH);
  const strideW = arg(p, DepthwiseWord.strideW);
  const beforeH = arg(p, DepthwiseWord.beforeH);
  const beforeW = arg(p, DepthwiseWord.beforeW);
  const kh = arg(p, DepthwiseWord.kernelH);
  const kw = arg(p, DepthwiseWord.kernelW);
  const dilationH = arg(p, DepthwiseWord.dilationH);
  const dilationW = arg(p, DepthwiseWord.dilationW);
  const pixel = (<usize>channels) << 2;
  const tapStep = (<usize>(arg(p, DepthwiseWord.tapStepW) * channels)) << 2;
  for (let c = next(); c < batch * outHeight; c = next()) {
    const oy = c % outHeight;
    const n = c / outHeight;
    const top = oy * strideH - beforeH;
    const ky0 = firstInside(top, dilationH);
    const ky1 = max(ky0, firstOutside(top, dilationH, height, kh));
    for (let j = 0; j < channels; j += 16) {
      const lanes = min(16, channels - j);
      const added = bias == 0 ? zeros : bias + ((<usize>j) << 2);
      const b0 = v128.load(added);
      const b1 = v128.load(added, 16);
      const b2 = v128.load(added, 32);
      const b3 = v128.load(added, 48);
      for (let ox = 0; ox < outWidth; ox++) {
        const left = ox * strideW - beforeW;
        const kx0 = firstInside(left, dilationW);
        const kx1 = firstOutside(left, dilationW, width, kw);
        let s0 = f32x4.splat(0);
        let s1 = s0;
        let s2 = s0;
        let s3 = s0;
        for (let ky = ky0; ky < ky1; ky++) {
          const row = x + <usize>((n * height + top + ky * dilationH) * width + left) * pixel + ((<usize>j) << 2);
          const taps =
            (arg(p, DepthwiseWord.firstTapH) + ky * arg(p, DepthwiseWord.tapStepH)) *
              arg(p, DepthwiseWord.sourceWidth) +
            arg(p, DepthwiseWord.firstTapW);
          let w = weight + <usize>(taps + kx0 * arg(p, DepthwiseWord.tapStepW)) * pixel + ((<usize>j) << 2);
          let at = row + <usize>(kx0 * dilationW) * pixel;
          for (let kx = kx0; kx < kx1; kx++, w += tapStep, at += <usize>dilationW * pixel) {
            s0 = madd(v128.load(at), v128.load(w), s0);
            if (lanes > 4) s1 = madd(v128.load(at, 16), v128.load(w, 16), s1);
            if (lanes > 8) s2 = madd(v128.load(at, 32), v128.load(w, 32), s2);
            if (lanes > 12) s3 = madd(v128.load(at, 48), v128.load(w, 48), s3);
          }
        }
        const out = y + ((<usize>(n * yImage + oy * yRow + ox * yColumn + j)) << 2);
        storeLanes(out, f32x4.add(s0, b0), lanes);
        if (lanes > 4) storeLanes(out + 16, f32x4.add(s1, b1), lanes - 4);
        if (lanes > 8) storeLanes(out + 32, f32x4.add(s2, b2), lanes - 8);
        if (lanes > 12) storeLanes(out + 48, f32x4.add(s3, b3), lanes - 12);
      }
    }
  }
}

/**
 * The depthwise weight gradient of one part of the batch. A part is [taps, channels]. A chunk is
 * one part and one tap.
 */
function depthwiseWeightGrad(p: usize): void {
  const x = address(p, DepthwiseWeightGradWord.x);
  const g = address(p, DepthwiseWeightGradWord.g);
  const partials = address(p, DepthwiseWeightGradWord.partials);
  const parts = arg(p, DepthwiseWeightGradWord.parts);
  const batch = arg(p, DepthwiseWeightGradWord.batch);
  const height = arg(p, DepthwiseWeightGradWord.height);
  const width = arg(p, DepthwiseWeightGradWord.width);
  const channels = arg(p, DepthwiseWeightGradWord.channels);
  const outHeight = arg(p, DepthwiseWeightGradWord.outHeight);
  const outWidth = arg(p, DepthwiseWeightGradWord.outWidth);
  const strideH = arg(p, DepthwiseWeightGradWord.strideH);
  const strideW = arg(p, DepthwiseWeightGradWord.strideW);
  const kw = arg(p, DepthwiseWeightGradWord.kernelW);
  const taps = arg(p, DepthwiseWeightGradWord.kernelH) * kw;
  const pixel = (<usize>channels) << 2;
  const step = <usize>strideW * pixel;
  for (let c = next(); c < parts * taps; c = next()) {
    const part = c / taps;
    const tap = c % taps;
    const top = (tap / kw) * arg(p, DepthwiseWeightGradWord.dilationH) - arg(p, DepthwiseWeightGradWord.beforeH);
    const left = (tap % kw) * arg(p, DepthwiseWeightGradWord.dilationW) - arg(p, DepthwiseWeightGradWord.beforeW);
    const oy0 = firstInside(top, strideH);
    const oy1 = firstOutside(top, strideH, height, outHeight);
    const ox0 = firstInside(left, strideW);
    const ox1 = firstOutside(left, strideW, width, outWidth);
    const first = <i32>((<i64>batch * part) / parts);
    const last = <i32>((<i64>batch * (part + 1)) / parts);
    const into = partials + <usize>(part * taps + tap) * pixel;
    for (let j = 0; j < channels; j += 16) {
      const lanes = min(16, channels - j);
      let s0 = f32x4.splat(0);
      let s1 = s0;
      let s2 = s0;
      let s3 = s0;
      for (let n = first; n < last; n++)
        for (let oy = oy0; oy < oy1; oy++) {
          let a =
            x + <usize>((n * height + oy * strideH + top) * width + ox0 * strideW + left) * pixel + ((<usize>j) << 2);
          let b = g + <usize>((n * outHeight + oy) * outWidth + ox0) * pixel + ((<usize>j) << 2);
          for (let ox = ox0; ox < ox1; ox++, a += step, b += pixel) {
            s0 = madd(v128.load(a), v128.load(b), s0);
            if (lanes > 4) s1 = madd(v128.load(a, 16), v128.load(b, 16), s1);
            if (lanes > 8) s2 = madd(v128.load(a, 32), v128.load(b, 32), s2);
            if (lanes > 12) s3 = madd(v128.load(a, 48), v128.load(b, 48), s3);
          }
        }
      const to = into + ((<usize>j) << 2);
      storeLanes(to, s0, lanes);
      if (lanes > 4) storeLanes(to + 16, s1, lanes - 4);
      if (lanes > 8) storeLanes(to + 32, s2, lanes - 8);
      if (lanes > 12) storeLanes(to + 48, s3, lanes - 12);
    }
  }
}

/**
 * The convolution of one channel to one channel with stride 1 and dense rows of y. It computes four
 * pixels of a row at a time.
 */
function singleChannel(p: usize): void {
  const x = address(p, DepthwiseWord.x);
  const y = address(p, DepthwiseWord.y);
  const weight = address(p, DepthwiseWord.weight);
  const bias = address(p, DepthwiseWord.bias);
  const height = arg(p, DepthwiseWord.height);
  const width = arg(p, DepthwiseWord.width);
  const outHeight = arg(p, DepthwiseWord.outHeight);
  const outWidth = arg(p, DepthwiseWord.outWidth);
  const beforeH = arg(p, DepthwiseWord.beforeH);
  const beforeW = arg(p, DepthwiseWord.beforeW);
  const kh = arg(p, DepthwiseWord.kernelH);
  const kw = arg(p, DepthwiseWord.kernelW);
  const dilationH = arg(p, DepthwiseWord.dilationH);
  const dilationW = arg(p, DepthwiseWord.dilationW);
  const added = bias == 0 ? <f32>0 : load<f32>(bias);
  // The output columns whose taps are all inside the image.
  const from = firstInside(-beforeW, 1);
  const to = firstOutside((kw - 1) * dilationW - beforeW, 1, width, outWidth);
  for (let c = next(); c < arg(p, DepthwiseWord.batch) * outHeight; c = next()) {
    const oy = c % outHeight;
    const n = c / outHeight;
    const top = oy - beforeH;
    const ky0 = firstInside(top, dilationH);
    const ky1 = firstOutside(top, dilationH, height, kh);
    const out = y + ((<usize>(n * arg(p, DepthwiseWord.yImage) + oy * arg(p, DepthwiseWord.yRow))) << 2);
    let ox = 0;
    while (ox < outWidth) {
      const whole = ox >= from && ox + 4 <= to;
      const left = ox - beforeW;
      const kx0 = whole ? 0 : firstInside(left, dilationW);
      const kx1 = whole ? kw : firstOutside(left, dilationW, width, kw);
      let sum = f32x4.splat(0);
      for (let ky = ky0; ky < ky1; ky++) {
        const row = x + ((<usize>((n * height + top + ky * dilationH) * width + left)) << 2);
        const taps =
          weight +
          ((<usize>(
            ((arg(p, DepthwiseWord.firstTapH) + ky * arg(p, DepthwiseWord.tapStepH)) *
              arg(p, DepthwiseWord.sourceWidth) +
              arg(p, DepthwiseWord.firstTapW))
          )) <<
            2);
        for (let kx = kx0; kx < kx1; kx++)
          sum = madd(
            v128.load(row + ((<usize>(kx * dilationW)) << 2)),
            v128.load32_splat(taps + ((<usize>(kx * arg(p, DepthwiseWord.tapStepW))) << 2)),
            sum,
          );
      }
      storeLanes(out + ((<usize>ox) << 2), f32x4.add(sum, f32x4.splat(added)), whole ? 4 : 1);
      ox += whole ? 4 : 1;
    }
  }
}

export function dispatchDepthwise(opcode: i32, p: usize): void {
  if (opcode == Opcode.depthwise) depthwise(p);
  else if (opcode == Opcode.depthwiseWeightGrad) depthwiseWeightGrad(p);
  else if (opcode == Opcode.singleChannel) singleChannel(p);
  else unreachable();
}
