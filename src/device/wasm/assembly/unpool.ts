/** Max unpooling, and the gather and selection kernels that read its indices. */
import { PickCode } from '../protocol/functions';
import {
  GeometryWord,
  MaxUnpool2dScatterWord,
  MaxUnpool2dWord,
  PlaneGatherWord,
  UnpoolPickWord,
} from '../protocol/pool';
import { address, arg, isInside, next } from './core';
import { storeLanes } from './tiles';

/**
 * Unpooling of windows that do not overlap and have no holes. A chunk is one row of windows. It
 * writes their cells, and the rows up to the next row of windows.
 */
export function maxUnpool2d(p: usize): void {
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
  const pixel = (<usize>channels) << 2;
  const line = <usize>width * pixel;
  // If there is a gate, a value passes only where the gate's element is positive or NaN. This is
  // relu's gradient.
  const gate = address(p, MaxUnpool2dWord.gate);
  const all = address(p, MaxUnpool2dWord.to);
  // Whether windows cover whole rows.
  const tiled = strideW == kernelW && outWidth * strideW - beforeW >= width;
  for (let c = next(); c < arg(p, GeometryWord.batch) * outHeight; c = next()) {
    const oy = c % outHeight;
    const top = oy * strideH - arg(p, GeometryWord.beforeH);
    const first = max(0, top);
    const last = min(top + kernelH, height);
    const end = oy == outHeight - 1 ? height : top + strideH;
    const image = address(p, MaxUnpool2dWord.to) + <usize>((c / outHeight) * height) * line;
    const clear = tiled ? last : first;
    memory.fill(image + <usize>clear * line, 0, <usize>(end - clear) * line);
    const values = address(p, MaxUnpool2dWord.values) + <usize>(c * outWidth) * pixel;
    const indices = address(p, MaxUnpool2dWord.indices) + <usize>(c * outWidth) * pixel;
    for (let y = first; y < last; y++)
      for (let ox = 0; ox < outWidth; ox++) {
        const left = ox * strideW - beforeW;
        for (let x = max(0, left); x < min(left + kernelW, width); x++) {
          const cell = i32x4.splat(y * width + x);
          const to = image + <usize>(y * width + x) * pixel;
          for (let j = 0; j < channels; j += 4) {
            const at = (<usize>(ox * channels + j)) << 2;
            let chosen = i32x4.eq(v128.load(indices + at), cell);
            if (gate != 0)
              chosen = v128.andnot(chosen, f32x4.le(v128.load(gate + (to - all) + ((<usize>j) << 2)), f32x4.splat(0)));
            storeLanes(to + ((<usize>j) << 2), v128.and(v128.load(values + at), chosen), channels - j);
          }
        }
      }
  }
}

/**
 * The offsets of four indices in an image, in bytes and unsigned. The indices belong to consecutive
 * channels from `channel` on.
 */
@inline
function offsetsOf(index: v128, channels: v128, channel: i32): v128 {
  return i32x4.shl(i32x4.add(i32x4.mul(index, channels), i32x4.add(i32x4.splat(channel), i32x4(0, 1, 2, 3))), 2);
}

@inline
function addTo(at: usize, value: f32): void {
  store<f32>(at, load<f32>(at) + value);
}

/**
 * Unpooling by scattering. A chunk is an image. Indices out of range are skipped. Four indices are
 * checked together, and one by one only if one of them is out of range.
 */
export function maxUnpool2dScatter(p: usize): void {
  const pixels = arg(p, MaxUnpool2dScatterWord.pixels);
  const channels = arg(p, MaxUnpool2dScatterWord.channels);
  const count = arg(p, MaxUnpool2dScatterWord.count);
  const values = address(p, MaxUnpool2dScatterWord.values);
  const indices = address(p, MaxUnpool2dScatterWord.indices);
  const limit = i32x4.splat(pixels);
  const step = i32x4.splat(channels);
  for (let c = next(); c < arg(p, MaxUnpool2dScatterWord.batch); c = next()) {
    const to = address(p, MaxUnpool2dScatterWord.to) + ((<usize>(c * pixels * channels)) << 2);
    memory.fill(to, 0, (<usize>(pixels * channels)) << 2);
    let at = (<usize>(c * count * channels)) << 2;
    for (let i = 0; i < count; i++) {
      let j = 0;
      for (; j + 4 <= channels; j += 4, at += 16) {
        const index = v128.load(indices + at);
        if (v128.any_true(i32x4.ge_u(index, limit))) break;
        const offsets = offsetsOf(index, step, j);
        addTo(to + <usize><u32>i32x4.extract_lane(offsets, 0), load<f32>(values + at));
        addTo(to + <usize><u32>i32x4.extract_lane(offsets, 1), load<f32>(values + at, 4));
        addTo(to + <usize><u32>i32x4.extract_lane(offsets, 2), load<f32>(values + at, 8));
        addTo(to + <usize><u32>i32x4.extract_lane(offsets, 3), load<f32>(values + at, 12));
      }
      for (; j < channels; j++, at += 4) {
        const index = load<i32>(indices + at);
        if (isInside(index, pixels)) addTo(to + ((<usize>(index * channels + j)) << 2), load<f32>(values + at));
      }
    }
  }
}

/**
 * Gathers elements of x by index. An index out of range gives 0. Indices are checked as in
 * maxUnpool2dScatter.
 */
export function planeGather(p: usize): void {
  const pixels = arg(p, PlaneGatherWord.pixels);
  const channels = arg(p, PlaneGatherWord.channels);
  const count = arg(p, PlaneGatherWord.count);
  const share = arg(p, PlaneGatherWord.share);
  const x = address(p, PlaneGatherWord.x);
  const indices = address(p, PlaneGatherWord.indices);
  const to = address(p, PlaneGatherWord.to);
  const cuts = (count + share - 1) / share;
  const limit = i32x4.splat(pixels);
  const step = i32x4.splat(channels);
  for (let c = next(); c < arg(p, PlaneGatherWord.batch) * cuts; c = next()) {
    const n = c / cuts;
    const first = (c % cuts) * share;
    const image = x + ((<usize>(n * pixels * channels)) << 2);
    let at = (<usize>((n * count + first) * channels)) << 2;
    for (let i = first; i < min(first + share, count); i++) {
      let j = 0;
      for (; j + 4 <= channels; j += 4, at += 16) {
        const index = v128.load(indices + at);
        if (v128.any_true(i32x4.ge_u(index, limit))) break;
        const offsets = offsetsOf(index, step, j);
        store<i32>(to + at, load<i32>(image + <usize><u32>i32x4.extract_lane(offsets, 0)));
        store<i32>(to + at, load<i32>(image + <usize><u32>i32x4.extract_lane(offsets, 1)), 4);
        store<i32>(to + at, load<i32>(image + <usize><u32>i32x4.extract_lane(offsets, 2)), 8);
        store<i32>(to + at, load<i32>(image + <usize><u32>i32x4.extract_lane(offsets, 3)), 12);
      }
      for (; j < channels; j++, at += 4) {
        const index = load<i32>(indices + at);
        store<i32>(to + at, isInside(index, pixels) ? load<i32>(image + ((<usize>(index * channels + j)) << 2)) : 0);
      }
    }
  }
}

/**
 * Selects one value per cell. A chunk is an image. Each value writes its own offset into its cell's
 * slot of `winners`, and the offset that remains wins. For `first`, the values are visited
 * backwards, so that the first one writes last.
 */
export function unpoolPick(p: usize): void {
  const pixels = arg(p, UnpoolPickWord.pixels);
  const channels = arg(p, UnpoolPickWord.channels);
  const count = arg(p, UnpoolPickWord.count);
  const pick = arg(p, UnpoolPickWord.pick);
  for (let c = next(); c < arg(p, UnpoolPickWord.batch); c = next()) {
    const winners = address(p, UnpoolPickWord.winners) + ((<usize>(c * pixels * channels)) << 2);
    const image = (<usize>(c * count * channels)) << 2;
    const values = address(p, UnpoolPickWord.values) + image;
    const indices = address(p, UnpoolPickWord.indices) + image;
    const to = address(p, UnpoolPickWord.to) + image;
    // −1 marks a cell without a value. The other policies read only slots that were written.
    if (pick == PickCode.max) memory.fill(winners, 0xff, (<usize>(pixels * channels)) << 2);
    for (let i = 0; i < count; i++) {
      let at = (<usize>((pick == PickCode.first ? count - 1 - i : i) * channels)) << 2;
      for (let j = 0; j < channels; j++, at += 4) {
        const index = load<i32>(indices + at);
        if (!isInside(index, pixels)) continue;
        const slot = winners + ((<usize>(index * channels + j)) << 2);
        if (pick != PickCode.max) {
          store<i32>(slot, <i32>(at >> 2));
          continue;
        }
        // A selection is faster than a branch here, because the winner cannot be predicted. A NaN
        // beats every number, and a number stays against an equal or smaller one.
        const holder = load<i32>(slot);
        const best = load<f32>(values + ((<usize>max(holder, 0)) << 2));
        const stays = i32(holder >= 0) & (i32(best != best) | i32(load<f32>(values + at) <= best));
        store<i32>(slot, select<i32>(holder, <i32>(at >> 2), stays));
      }
    }
    let at: usize = 0;
    for (let i = 0; i < count; i++)
      for (let j = 0; j < channels; j++, at += 4) {
        const index = load<i32>(indices + at);
        const slot = winners + ((<usize>(index * channels + j)) << 2);
        store<i32>(to + at, isInside(index, pixels) ? i32(load<i32>(slot) == <i32>(at >> 2)) : 0);
      }
  }
}
