/**
 * Pooling, four channels at a time. The lanes past the last channel are read, but not stored. An
 * index is y·W + x in the plane of one image and channel.
 * Not here: unpooling (unpool.ts).
 */
import { Opcode } from '../protocol/command';
import { NanCode } from '../protocol/functions';
import { AvgPool2dGradWord, AvgPool2dWord, GeometryWord, MaxPool2dWord } from '../protocol/pool';
import { address, arg, next } from './core';
import { storeLanes } from './tiles';
import { maxUnpool2d, maxUnpool2dScatter, planeGather, unpoolPick } from './unpool';
import { firstInside, firstOutside } from './window';

/** The number of taps of a window that are inside the input. */
@inline
function countInside(start: i32, dilation: i32, size: i32, kernel: i32): i32 {
  return max(0, firstOutside(start, dilation, size, kernel) - firstInside(start, dilation));
}

/** a / b rounded up for a > 0, else an integer ≤ 0. */
@inline
function ceilDiv(a: i32, b: i32): i32 {
  return (a + b - 1) / b;
}

/**
 * Max pooling. A chunk is an output row. Comparisons with NaN are false, so by default a NaN never
 * replaces a value. With `wins`, a NaN replaces any value. With `stays`, a NaN that comes first is
 * never replaced. Both are constants when this function is compiled.
 */
@inline
function maxPoolOf(p: usize, wins: bool, stays: bool): void {
  const height = arg(p, GeometryWord.height);
  const width = arg(p, GeometryWord.width);
  const channels = arg(p, GeometryWord.channels);
  const outHeight = arg(p, GeometryWord.outHeight);
  const outWidth = arg(p, GeometryWord.outWidth);
  const dilationH = arg(p, GeometryWord.dilationH);
  const dilationW = arg(p, GeometryWord.dilationW);
  const pixel = (<usize>channels) << 2;
  const right = <usize>dilationW * pixel;
  const below = <usize>(dilationH * width) * pixel;
  for (let c = next(); c < arg(p, GeometryWord.batch) * outHeight; c = next()) {
    const image = address(p, MaxPool2dWord.x) + <usize>((c / outHeight) * height * width) * pixel;
    const top = (c % outHeight) * arg(p, GeometryWord.strideH) - arg(p, GeometryWord.beforeH);
    const ky = firstInside(top, dilationH);
    const rows = countInside(top, dilationH, height, arg(p, GeometryWord.kernelH));
    let values = address(p, MaxPool2dWord.values) + <usize>(c * outWidth) * pixel;
    let indices = address(p, MaxPool2dWord.indices) + <usize>(c * outWidth) * pixel;
    for (let ox = 0; ox < outWidth; ox++, values += pixel, indices += pixel) {
      const left = ox * arg(p, GeometryWord.strideW) - arg(p, GeometryWord.beforeW);
      const kx = firstInside(left, dilationW);
      const taps = countInside(left, dilationW, width, arg(p, GeometryWord.kernelW));
      const cell = (top + ky * dilationH) * width + left + kx * dilationW;
      const from = image + <usize>cell * pixel;
      if (rows == 2 && taps == 2) {
        const i0 = i32x4.splat(cell);
        const i1 = i32x4.splat(cell + dilationW);
        const i2 = i32x4.splat(cell + dilationH * width);
        const i3 = i32x4.splat(cell + dilationH * width + dilationW);
        for (let j = 0; j < channels; j += 4) {
          const at = from + ((<usize>j) << 2);
          let best = startOf(v128.load(at), wins || stays);
          let v = v128.load(at + right);
          let better = isBetter(v, best, wins);
          best = v128.bitselect(v, best, better);
          let index = v128.bitselect(i1, i0, better);
          v = v128.load(at + below);
          better = isBetter(v, best, wins);
          best = v128.bitselect(v, best, better);
          index = v128.bitselect(i2, index, better);
          v = v128.load(at + below + right);
          better = isBetter(v, best, wins);
          storeLanes(values + ((<usize>j) << 2), v128.bitselect(v, best, better), channels - j);
          storeLanes(indices + ((<usize>j) << 2), v128.bitselect(i3, index, better), channels - j);
        }
        continue;
      }
      const none = rows == 0 || taps == 0;
      for (let j = 0; j < channels; j += 4) {
        let best = f32x4.splat(none ? NaN : -Infinity);
        if (stays && !none) best = v128.load(from + ((<usize>j) << 2));
        let index = i32x4.splat(none ? 0 : cell);
        for (let y = 0; y < rows; y++) {
          let at = from + ((<usize>j) << 2) + <usize>y * below;
          let i = cell + y * dilationH * width;
          for (let x = 0; x < taps; x++, at += right, i += dilationW) {
            const v = v128.load(at);
            const better = isBetter(v, best, wins);
            best = v128.bitselect(v, best, better);
            index = v128.bitselect(i32x4.splat(i), index, better);
          }
        }
        storeLanes(values + ((<usize>j) << 2), best, channels - j);
        storeLanes(indices + ((<usize>j) << 2), index, channels - j);
      }
    }
  }
}

/** The first cells of four windows. A NaN becomes −Infinity, unless `nan` is true. */
@inline
function startOf(v: v128, nan: bool): v128 {
  return nan ? v : v128.bitselect(v, f32x4.splat(-Infinity), f32x4.eq(v, v));
}

/** The lanes in which v replaces the best value so far. */
@inline
function isBetter(v: v128, best: v128, nan: bool): v128 {
  return nan ? v128.or(f32x4.gt(v, best), f32x4.ne(v, v)) : f32x4.gt(v, best);
}

/** Max pooling by NaN policy. */
function maxPool2d(p: usize): void {
  switch (arg(p, MaxPool2dWord.nan)) {
    case NanCode.propagate:
      return maxPoolOf(p, true, false);
    case NanCode.tf:
      return maxPoolOf(p, false, true);
    default:
      return maxPoolOf(p, false, false);
  }
}

/** Average pooling. A chunk is an output row. */
function avgPool2d(p: usize): void {
  const height = arg(p, GeometryWord.height);
  const width = arg(p, GeometryWord.width);
  const channels = arg(p, GeometryWord.channels);
  const outHeight = arg(p, GeometryWord.outHeight);
  const outWidth = arg(p, GeometryWord.outWidth);
  const kernelH = arg(p, GeometryWord.kernelH);
  const kernelW = arg(p, GeometryWord.kernelW);
  const dilationH = arg(p, GeometryWord.dilationH);
  const dilationW = arg(p, GeometryWord.dilationW);
  const divisor = arg(p, AvgPool2dWord.divisor);
  const pixel = (<usize>channels) << 2;
  const right = <usize>dilationW * pixel;
  const below = <usize>(dilationH * width) * pixel;
  for (let c = next(); c < arg(p, GeometryWord.batch) * outHeight; c = next()) {
    const image = address(p, AvgPool2dWord.x) + <usize>((c / outHeight) * height * width) * pixel;
    const top = (c % outHeight) * arg(p, GeometryWord.strideH) - arg(p, GeometryWord.beforeH);
    const ky = firstInside(top, dilationH);
    const rows = countInside(top, dilationH, height, kernelH);
    let to = address(p, AvgPool2dWord.to) + <usize>(c * outWidth) * pixel;
    for (let ox = 0; ox < outWidth; ox++, to += pixel) {
      const left = ox * arg(p, GeometryWord.strideW) - arg(p, GeometryWord.beforeW);
      const kx = firstInside(left, dilationW);
      const taps = countInside(left, dilationW, width, kernelW);
      const count = f64x2.splat(<f64>(divisor != 0 ? divisor : rows * taps));
      const from = image + <usize>((top + ky * dilationH) * width + left + kx * dilationW) * pixel;
      // A sum of so few elements is exact enough in single precision.
      if (rows * taps <= 16) {
        const divisor = f32x4.demote_f64x2_zero(count);
        for (let j = 0; j < channels; j += 4) {
          let s = f32x4.splat(0);
          for (let y = 0; y < rows; y++) {
            let at = from + ((<usize>j) << 2) + <usize>y * below;
            for (let x = 0; x < taps; x++, at += right) s = f32x4.add(s, v128.load(at));
          }
          storeLanes(to + ((<usize>j) << 2), f32x4.div(s, v128.shuffle<i64>(divisor, divisor, 0, 0)), channels - j);
        }
        continue;
      }
      for (let j = 0; j < channels; j += 4) {
        let s = f64x2.splat(0);
        let t = s;
        for (let y = 0; y < rows; y++) {
          let at = from + ((<usize>j) << 2) + <usize>y * below;
          for (let x = 0; x < taps; x++, at += right) {
            s = f64x2.add(s, f64x2.promote_low_f32x4(v128.load64_zero(at)));
            t = f64x2.add(t, f64x2.promote_low_f32x4(v128.load64_zero(at, 8)));
          }
        }
        s = f32x4.demote_f64x2_zero(f64x2.div(s, count));
        t = f32x4.demote_f64x2_zero(f64x2.div(t, count));
        storeLanes(to + ((<usize>j) << 2), v128.shuffle<i64>(s, t, 0, 2), channels - j);
      }
    }
  }
}

/** The gradient of average pooling. Every cell gathers from the windows that contain it. */
function avgPool2dGrad(p: usize): void {
  const height = arg(p, GeometryWord.height);
  const width = arg(p, GeometryWord.width);
  const channels = arg(p, GeometryWord.channels);
  const outHeight = arg(p, GeometryWord.outHeight);
  const outWidth = arg(p, GeometryWord.outWidth);
  const kernelH = arg(p, GeometryWord.kernelH);
  const kernelW = arg(p, GeometryWord.kernelW);
  const strideH = arg(p, GeometryWord.strideH);
  const strideW = arg(p, GeometryWord.strideW);
  const dilationH = arg(p, GeometryWord.dilationH);
  const dilationW = arg(p, GeometryWord.dilationW);
  const beforeH = arg(p, GeometryWord.beforeH);
  const beforeW = arg(p, GeometryWord.beforeW);
  const divisor = arg(p, AvgPool2dGradWord.divisor);
  const pixel = (<usize>channels) << 2;
  for (let c = next(); c < arg(p, GeometryWord.batch) * height; c = next()) {
    const image = address(p, AvgPool2dGradWord.g) + <usize>((c / height) * outHeight * outWidth) * pixel;
    const y = (c % height) + beforeH;
    let to = address(p, AvgPool2dGradWord.to) + <usize>(c * width) * pixel;
    for (let ix = 0; ix < width; ix++, to += pixel) {
      const x = ix + beforeW;
      let first = true;
      for (
        let oy = max(0, ceilDiv(y - (kernelH - 1) * dilationH, strideH));
        oy <= min(outHeight - 1, y / strideH);
        oy++
      ) {
        if ((y - oy * strideH) % dilationH != 0) continue;
        const rows = countInside(oy * strideH - beforeH, dilationH, height, kernelH);
        for (
          let ox = max(0, ceilDiv(x - (kernelW - 1) * dilationW, strideW));
          ox <= min(outWidth - 1, x / strideW);
          ox++
        ) {
          if ((x - ox * strideW) % dilationW != 0) continue;
          const taps = countInside(ox * strideW - beforeW, dilationW, width, kernelW);
          const count = f32x4.splat(<f32>(divisor != 0 ? divisor : rows * taps));
          const from = image + <usize>(oy * outWidth + ox) * pixel;
          for (let j = 0; j < channels; j += 4) {
            const at = to + ((<usize>j) << 2);
            const share = f32x4.div(v128.load(from + ((<usize>j) << 2)), count);
            storeLanes(at, first ? share : f32x4.add(v128.load(at), share), channels - j);
          }
          first = false;
        }
      }
      if (first) memory.fill(to, 0, pixel);
    }
  }
}

export function dispatchPool(opcode: i32, p: usize): void {
  switch (opcode) {
    case Opcode.maxPool2d:
      return maxPool2d(p);
    case Opcode.maxUnpool2d:
      return maxUnpool2d(p);
    case Opcode.maxUnpool2dScatter:
      return maxUnpool2dScatter(p);
    case Opcode.planeGather:
      return planeGather(p);
    case Opcode.unpoolPick:
      return unpoolPick(p);
    case Opcode.avgPool2d:
      return avgPool2d(p);
    case Opcode.avgPool2dGrad:
      return avgPool2dGrad(p);
    default:
      unreachable();
  }
}
