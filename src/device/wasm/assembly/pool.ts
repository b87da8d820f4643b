/** Pools, four channels at a time: of the last four, those beyond the pixel are read and dropped. An index is y·W + x in the plane of one image and channel. */
import { Opcode } from '../protocol/command';
import {
  AvgPool2dGradWord,
  AvgPool2dWord,
  GeometryWord,
  MaxPool2dWord,
  MaxUnpool2dScatterWord,
  MaxUnpool2dWord,
  NanCode,
  PickCode,
  PlaneGatherWord,
  UnpoolPickWord,
} from '../protocol/pool';
import { firstInside, firstOutside } from './conv';
import { arg, isInside, next } from './core';
import { storeLanes } from './tiles';

/** How many taps of a window lie inside. */
// @ts-ignore: decorator
@inline
function countInside(start: i32, dilation: i32, size: i32, kernel: i32): i32 {
  return max(0, firstOutside(start, dilation, size, kernel) - firstInside(start, dilation));
}

/** The least whole number that is not below a / b, or 0 or less where a is. */
// @ts-ignore: decorator
@inline
function ceilDiv(a: i32, b: i32): i32 {
  return (a + b - 1) / b;
}

/**
 * x, values, indices. No comparison with NaN holds, so that a NaN neither replaces anything nor is replaced: `wins` lets it in after all, `stays` leaves one that comes first.
 * Both are known where this is compiled.
 */
// @ts-ignore: decorator
@inline
function maxPoolOf(p: usize, wins: bool, stays: bool): void {
  const height = arg(p, GeometryWord.height);
  const width = arg(p, GeometryWord.width);
  const channels = arg(p, GeometryWord.channels);
  const outHeight = arg(p, GeometryWord.outHeight);
  const outWidth = arg(p, GeometryWord.outWidth);
  const dilationH = arg(p, GeometryWord.dilationH);
  const dilationW = arg(p, GeometryWord.dilationW);
  const pixel = <usize>channels << 2;
  const right = <usize>dilationW * pixel;
  const below = <usize>(dilationH * width) * pixel;
  for (let c = next(); c < arg(p, GeometryWord.batch) * outHeight; c = next()) {
    const image = <usize>arg(p, MaxPool2dWord.x) + <usize>(c / outHeight * height * width) * pixel;
    const top = (c % outHeight) * arg(p, GeometryWord.strideH) - arg(p, GeometryWord.beforeH);
    const ky = firstInside(top, dilationH);
    const rows = countInside(top, dilationH, height, arg(p, GeometryWord.kernelH));
    let values = <usize>arg(p, MaxPool2dWord.values) + <usize>(c * outWidth) * pixel;
    let indices = <usize>arg(p, MaxPool2dWord.indices) + <usize>(c * outWidth) * pixel;
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
          const at = from + (<usize>j << 2);
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
          storeLanes(values + (<usize>j << 2), v128.bitselect(v, best, better), channels - j);
          storeLanes(indices + (<usize>j << 2), v128.bitselect(i3, index, better), channels - j);
        }
        continue;
      }
      const none = rows == 0 || taps == 0;
      for (let j = 0; j < channels; j += 4) {
        let best = f32x4.splat(none ? NaN : -Infinity);
        if (stays && !none) best = v128.load(from + (<usize>j << 2));
        let index = i32x4.splat(none ? 0 : cell);
        for (let y = 0; y < rows; y++) {
          let at = from + (<usize>j << 2) + <usize>y * below;
          let i = cell + y * dilationH * width;
          for (let x = 0; x < taps; x++, at += right, i += dilationW) {
            const v = v128.load(at);
            const better = isBetter(v, best, wins);
            best = v128.bitselect(v, best, better);
            index = v128.bitselect(i32x4.splat(i), index, better);
          }
        }
        storeLanes(values + (<usize>j << 2), best, channels - j);
        storeLanes(indices + (<usize>j << 2), index, channels - j);
      }
    }
  }
}

/** Four windows' first cells; −Infinity for NaN where that does not count. */
// @ts-ignore: decorator
@inline
function startOf(v: v128, nan: bool): v128 {
  return nan ? v : v128.bitselect(v, f32x4.splat(-Infinity), f32x4.eq(v, v));
}

/** Where v takes the place of the best so far. */
// @ts-ignore: decorator
@inline
function isBetter(v: v128, best: v128, nan: bool): v128 {
  return nan ? v128.or(f32x4.gt(v, best), f32x4.ne(v, v)) : f32x4.gt(v, best);
}

/** x, values, indices, and after the geometry the NaN policy. */
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

/** values, indices, to: of windows that neither overlap nor have holes. Each chunk writes the rows of one row of windows, cell by cell, and those up to the next. */
function maxUnpool2d(p: usize): void {
  const height = arg(p, GeometryWord.height);
  const width = arg(p, GeometryWord.width);
  const channels = arg(p, GeometryWord.channels);
  const outHeight = arg(p, GeometryWord.outHeight);
  const outWidth = arg(p, GeometryWord.outWidth);
  const kernelH = arg(p, GeometryWord.kernelH);
  const kernelW = arg(p, GeometryWord.kernelW);
  const strideH = arg(p, GeometryWord.strideH);
  const strideW = arg(p, GeometryWord.strideW);
  const beforeW = arg(p, GeometryWord.beforeW);
  const pixel = <usize>channels << 2;
  const line = <usize>width * pixel;
  // Where it is not 0, a value passes only where this array is positive or NaN: relu's gradient.
  const gate = <usize>arg(p, MaxUnpool2dWord.gate);
  const all = <usize>arg(p, MaxUnpool2dWord.to);
  // Whether windows cover whole rows.
  const tiled = strideW == kernelW && outWidth * strideW - beforeW >= width;
  for (let c = next(); c < arg(p, GeometryWord.batch) * outHeight; c = next()) {
    const oy = c % outHeight;
    const top = oy * strideH - arg(p, GeometryWord.beforeH);
    const first = max(0, top);
    const last = min(top + kernelH, height);
    const end = oy == outHeight - 1 ? height : top + strideH;
    const image = <usize>arg(p, MaxUnpool2dWord.to) + <usize>(c / outHeight * height) * line;
    const clear = tiled ? last : first;
    memory.fill(image + <usize>clear * line, 0, <usize>(end - clear) * line);
    const values = <usize>arg(p, MaxUnpool2dWord.values) + <usize>(c * outWidth) * pixel;
    const indices = <usize>arg(p, MaxUnpool2dWord.indices) + <usize>(c * outWidth) * pixel;
    for (let y = first; y < last; y++)
      for (let ox = 0; ox < outWidth; ox++) {
        const left = ox * strideW - beforeW;
        for (let x = max(0, left); x < min(left + kernelW, width); x++) {
          const cell = i32x4.splat(y * width + x);
          const to = image + <usize>(y * width + x) * pixel;
          for (let j = 0; j < channels; j += 4) {
            const at = <usize>(ox * channels + j) << 2;
            let chosen = i32x4.eq(v128.load(indices + at), cell);
            if (gate != 0) chosen = v128.andnot(chosen, f32x4.le(v128.load(gate + (to - all) + (<usize>j << 2)), f32x4.splat(0)));
            storeLanes(to + (<usize>j << 2), v128.and(v128.load(values + at), chosen), channels - j);
          }
        }
      }
  }
}

/** Four lanes' places in an image, in bytes, of indices of neighbouring channels from `channel` on. */
// @ts-ignore: decorator
@inline
function placesOf(index: v128, channels: v128, channel: i32): v128 {
  return i32x4.shl(i32x4.add(i32x4.mul(index, channels), i32x4.add(i32x4.splat(channel), i32x4(0, 1, 2, 3))), 2);
}

// @ts-ignore: decorator
@inline
function addTo(at: usize, value: f32): void {
  store<f32>(at, load<f32>(at) + value);
}

/**
 * values, indices, to, batch, pixels of an image of `to`, channels, pixels of an image of values. A chunk is an image. An index outside is left out:
 * four are looked at together, and one by one only where one of them is.
 */
function maxUnpool2dScatter(p: usize): void {
  const pixels = arg(p, MaxUnpool2dScatterWord.pixels);
  const channels = arg(p, MaxUnpool2dScatterWord.channels);
  const count = arg(p, MaxUnpool2dScatterWord.count);
  const values = <usize>arg(p, MaxUnpool2dScatterWord.values);
  const indices = <usize>arg(p, MaxUnpool2dScatterWord.indices);
  const limit = i32x4.splat(pixels);
  const step = i32x4.splat(channels);
  for (let c = next(); c < arg(p, MaxUnpool2dScatterWord.batch); c = next()) {
    const to = <usize>arg(p, MaxUnpool2dScatterWord.to) + (<usize>(c * pixels * channels) << 2);
    memory.fill(to, 0, <usize>(pixels * channels) << 2);
    let at = <usize>(c * count * channels) << 2;
    for (let i = 0; i < count; i++) {
      let j = 0;
      for (; j + 4 <= channels; j += 4, at += 16) {
        const index = v128.load(indices + at);
        if (v128.any_true(i32x4.ge_u(index, limit))) break;
        const place = placesOf(index, step, j);
        addTo(to + <usize>i32x4.extract_lane(place, 0), load<f32>(values + at));
        addTo(to + <usize>i32x4.extract_lane(place, 1), load<f32>(values + at, 4));
        addTo(to + <usize>i32x4.extract_lane(place, 2), load<f32>(values + at, 8));
        addTo(to + <usize>i32x4.extract_lane(place, 3), load<f32>(values + at, 12));
      }
      for (; j < channels; j++, at += 4) {
        const index = load<i32>(indices + at);
        if (isInside(index, pixels)) addTo(to + (<usize>(index * channels + j) << 2), load<f32>(values + at));
      }
    }
  }
}

/** x, indices, to, batch, pixels of an image of x, channels, pixels of an image of `to`, pixels of a chunk. An index outside gives 0; looked at as in scatter. */
function planeGather(p: usize): void {
  const pixels = arg(p, PlaneGatherWord.pixels);
  const channels = arg(p, PlaneGatherWord.channels);
  const count = arg(p, PlaneGatherWord.count);
  const share = arg(p, PlaneGatherWord.share);
  const x = <usize>arg(p, PlaneGatherWord.x);
  const indices = <usize>arg(p, PlaneGatherWord.indices);
  const to = <usize>arg(p, PlaneGatherWord.to);
  const cuts = (count + share - 1) / share;
  const limit = i32x4.splat(pixels);
  const step = i32x4.splat(channels);
  for (let c = next(); c < arg(p, PlaneGatherWord.batch) * cuts; c = next()) {
    const n = c / cuts;
    const first = (c % cuts) * share;
    const image = x + (<usize>(n * pixels * channels) << 2);
    let at = <usize>((n * count + first) * channels) << 2;
    for (let i = first; i < min(first + share, count); i++) {
      let j = 0;
      for (; j + 4 <= channels; j += 4, at += 16) {
        const index = v128.load(indices + at);
        if (v128.any_true(i32x4.ge_u(index, limit))) break;
        const place = placesOf(index, step, j);
        store<i32>(to + at, load<i32>(image + <usize>i32x4.extract_lane(place, 0)));
        store<i32>(to + at, load<i32>(image + <usize>i32x4.extract_lane(place, 1)), 4);
        store<i32>(to + at, load<i32>(image + <usize>i32x4.extract_lane(place, 2)), 8);
        store<i32>(to + at, load<i32>(image + <usize>i32x4.extract_lane(place, 3)), 12);
      }
      for (; j < channels; j++, at += 4) {
        const index = load<i32>(indices + at);
        store<i32>(to + at, isInside(index, pixels) ? load<i32>(image + (<usize>(index * channels + j) << 2)) : 0);
      }
    }
  }
}

/**
 * values, indices, to, winners, batch, pixels of an image, channels, pixels of an image of values, which one is taken. A chunk is an image: its values come one
 * after another, each to its cell's place among the winners, and whoever is there in the end is taken. For the first they come from the end.
 */
function unpoolPick(p: usize): void {
  const pixels = arg(p, UnpoolPickWord.pixels);
  const channels = arg(p, UnpoolPickWord.channels);
  const count = arg(p, UnpoolPickWord.count);
  const pick = arg(p, UnpoolPickWord.pick);
  for (let c = next(); c < arg(p, UnpoolPickWord.batch); c = next()) {
    const winners = <usize>arg(p, UnpoolPickWord.winners) + (<usize>(c * pixels * channels) << 2);
    const image = <usize>(c * count * channels) << 2;
    const values = <usize>arg(p, UnpoolPickWord.values) + image;
    const indices = <usize>arg(p, UnpoolPickWord.indices) + image;
    const to = <usize>arg(p, UnpoolPickWord.to) + image;
    // −1: nobody. Else nothing is read there that was not written before.
    if (pick == PickCode.max) memory.fill(winners, 0xff, <usize>(pixels * channels) << 2);
    for (let i = 0; i < count; i++) {
      let at = <usize>((pick == PickCode.first ? count - 1 - i : i) * channels) << 2;
      for (let j = 0; j < channels; j++, at += 4) {
        const index = load<i32>(indices + at);
        if (!isInside(index, pixels)) continue;
        const place = winners + (<usize>(index * channels + j) << 2);
        if (pick != PickCode.max) {
          store<i32>(place, <i32>at);
          continue;
        }
        // A choice and no branch: who wins cannot be foreseen. A NaN stays against all, a number against what is equal or less.
        const holder = load<i32>(place);
        const best = load<f32>(values + <usize>max(holder, 0));
        const stays = i32(holder >= 0) & (i32(best != best) | i32(load<f32>(values + at) <= best));
        store<i32>(place, select<i32>(holder, <i32>at, stays));
      }
    }
    let at: usize = 0;
    for (let i = 0; i < count; i++)
      for (let j = 0; j < channels; j++, at += 4) {
        const index = load<i32>(indices + at);
        store<i32>(to + at, isInside(index, pixels) ? i32(load<i32>(winners + (<usize>(index * channels + j) << 2)) == <i32>at) : 0);
      }
  }
}

/** x, to, whether padding counts. */
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
  const pixel = <usize>channels << 2;
  const right = <usize>dilationW * pixel;
  const below = <usize>(dilationH * width) * pixel;
  for (let c = next(); c < arg(p, GeometryWord.batch) * outHeight; c = next()) {
    const image = <usize>arg(p, AvgPool2dWord.x) + <usize>(c / outHeight * height * width) * pixel;
    const top = (c % outHeight) * arg(p, GeometryWord.strideH) - arg(p, GeometryWord.beforeH);
    const ky = firstInside(top, dilationH);
    const rows = countInside(top, dilationH, height, kernelH);
    let to = <usize>arg(p, AvgPool2dWord.to) + <usize>(c * outWidth) * pixel;
    for (let ox = 0; ox < outWidth; ox++, to += pixel) {
      const left = ox * arg(p, GeometryWord.strideW) - arg(p, GeometryWord.beforeW);
      const kx = firstInside(left, dilationW);
      const taps = countInside(left, dilationW, width, kernelW);
      const count = f64x2.splat(<f64>(arg(p, AvgPool2dWord.countIncludePad) != 0 ? kernelH * kernelW : rows * taps));
      const from = image + <usize>((top + ky * dilationH) * width + left + kx * dilationW) * pixel;
      // So few that single precision will do.
      if (rows * taps <= 16) {
        const divisor = f32x4.demote_f64x2_zero(count);
        for (let j = 0; j < channels; j += 4) {
          let s = f32x4.splat(0);
          for (let y = 0; y < rows; y++) {
            let at = from + (<usize>j << 2) + <usize>y * below;
            for (let x = 0; x < taps; x++, at += right) s = f32x4.add(s, v128.load(at));
          }
          storeLanes(to + (<usize>j << 2), f32x4.div(s, v128.shuffle<i64>(divisor, divisor, 0, 0)), channels - j);
        }
        continue;
      }
      for (let j = 0; j < channels; j += 4) {
        let s = f64x2.splat(0);
        let t = s;
        for (let y = 0; y < rows; y++) {
          let at = from + (<usize>j << 2) + <usize>y * below;
          for (let x = 0; x < taps; x++, at += right) {
            s = f64x2.add(s, f64x2.promote_low_f32x4(v128.load64_zero(at)));
            t = f64x2.add(t, f64x2.promote_low_f32x4(v128.load64_zero(at, 8)));
          }
        }
        s = f32x4.demote_f64x2_zero(f64x2.div(s, count));
        t = f32x4.demote_f64x2_zero(f64x2.div(t, count));
        storeLanes(to + (<usize>j << 2), v128.shuffle<i64>(s, t, 0, 2), channels - j);
      }
    }
  }
}

/** g, to, whether padding counts: every cell gathers from the windows that hold it. */
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
  const all = arg(p, AvgPool2dGradWord.countIncludePad) != 0;
  const pixel = <usize>channels << 2;
  for (let c = next(); c < arg(p, GeometryWord.batch) * height; c = next()) {
    const image = <usize>arg(p, AvgPool2dGradWord.g) + <usize>(c / height * outHeight * outWidth) * pixel;
    const y = (c % height) + beforeH;
    let to = <usize>arg(p, AvgPool2dGradWord.to) + <usize>(c * width) * pixel;
    for (let ix = 0; ix < width; ix++, to += pixel) {
      const x = ix + beforeW;
      let first = true;
      for (let oy = max(0, ceilDiv(y - (kernelH - 1) * dilationH, strideH)); oy <= min(outHeight - 1, y / strideH); oy++) {
        if ((y - oy * strideH) % dilationH != 0) continue;
        const rows = all ? kernelH : countInside(oy * strideH - beforeH, dilationH, height, kernelH);
        for (let ox = max(0, ceilDiv(x - (kernelW - 1) * dilationW, strideW)); ox <= min(outWidth - 1, x / strideW); ox++) {
          if ((x - ox * strideW) % dilationW != 0) continue;
          const taps = all ? kernelW : countInside(ox * strideW - beforeW, dilationW, width, kernelW);
          const count = f32x4.splat(<f32>(rows * taps));
          const from = image + <usize>(oy * outWidth + ox) * pixel;
          for (let j = 0; j < channels; j += 4) {
            const at = to + (<usize>j << 2);
            const share = f32x4.div(v128.load(from + (<usize>j << 2)), count);
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
