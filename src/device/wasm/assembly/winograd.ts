/**
 * 3×3 convolution of stride 1, and its weight gradient, by Winograd's algorithm, which needs 36
 * products for 16 output pixels instead of 144. It multiplies sums of inputs by sums of weights. A
 * number that is not finite, or so large that a sum could overflow, sets a flag. Commands of the
 * direct algorithm follow, and run only if the flag is set.
 * Not here: the transforms (winograd-transform.ts), the sums of the weight gradient
 * (winograd-grad.ts).
 */
import { Opcode } from '../protocol/command';
import { WinogradTilesWord, WinogradWeightsWord, WinogradWord } from '../protocol/winograd';
import { address, arg, next, scratch } from './core';
import { madd, storeLanes } from './tiles';
import { winogradWeightGrad } from './winograd-grad';
import { zeros } from './window';
import { gradientTransform, inputTransform, larger, outputTransform, weightTransform } from './winograd-transform';

/** The bits of 2⁴⁰. A number counts as too large from here on. */
const large = 0x53800000;

function flagLarge(greatest: v128, flag: usize): void {
  if (v128.any_true(i32x4.ge_s(greatest, i32x4.splat(large)))) store<i32>(flag, 1);
}

/** Four rows of four from the columns' vectors, which are `step` bytes apart. */
@inline
function transpose(from: usize, step: usize, to: usize): void {
  const c0 = v128.load(from);
  const c1 = v128.load(from + step);
  const c2 = v128.load(from + step * 2);
  const c3 = v128.load(from + step * 3);
  const low01 = v128.shuffle<f32>(c0, c1, 0, 4, 1, 5);
  const low23 = v128.shuffle<f32>(c2, c3, 0, 4, 1, 5);
  const high01 = v128.shuffle<f32>(c0, c1, 2, 6, 3, 7);
  const high23 = v128.shuffle<f32>(c2, c3, 2, 6, 3, 7);
  v128.store(to, v128.shuffle<f32>(low01, low23, 0, 1, 4, 5));
  v128.store(to, v128.shuffle<f32>(low01, low23, 2, 3, 6, 7), 64);
  v128.store(to, v128.shuffle<f32>(high01, high23, 0, 1, 4, 5), 128);
  v128.store(to, v128.shuffle<f32>(high01, high23, 2, 3, 6, 7), 192);
}

/** Transforms the weights. A chunk is a block of 16 columns. */
function winogradWeights(p: usize, thread: i32): void {
  const weight = address(p, WinogradWeightsWord.weight);
  const to = address(p, WinogradWeightsWord.to);
  const columns = arg(p, WinogradWeightsWord.columns);
  const inner = arg(p, WinogradWeightsWord.inner);
  const rowStep = arg(p, WinogradWeightsWord.rowStep);
  const tapStep = arg(p, WinogradWeightsWord.tapStep);
  const innerStep = arg(p, WinogradWeightsWord.innerStep);
  const columnStep = arg(p, WinogradWeightsWord.columnStep);
  const flag = address(p, WinogradWeightsWord.flag);
  const plane = (<usize>inner) << 6;
  // [9 taps, 4 channels, 16 columns], and the sums of one vector.
  const taps = scratch(thread);
  const sums = taps + 9 * 256;
  let greatest = i32x4.splat(0);
  for (let block = next(); block * 16 < columns; block = next()) {
    const lanes = min(16, columns - block * 16);
    for (let k = 0; k < inner; k += 4) {
      for (let tap = 0; tap < 9; tap++) {
        const from =
          weight +
          ((<usize>((tap / 3) * rowStep + (tap % 3) * tapStep + k * innerStep + block * 16 * columnStep)) << 2);
        const at = taps + ((<usize>tap) << 8);
        if (lanes == 16 && innerStep == 1)
          for (let j = 0; j < 16; j += 4)
            transpose(from + ((<usize>(j * columnStep)) << 2), (<usize>columnStep) << 2, at + ((<usize>j) << 2));
        else if (lanes == 16 && columnStep == 1)
          for (let i = 0; i < 4; i++)
            for (let j: usize = 0; j < 64; j += 16)
              v128.store(at + ((<usize>i) << 6) + j, v128.load(from + ((<usize>(i * innerStep)) << 2) + j));
        else
          for (let i = 0; i < 4; i++)
            for (let j = 0; j < 16; j++)
              store<f32>(
                at + ((<usize>(i * 16 + j)) << 2),
                j < lanes ? load<f32>(from + ((<usize>(i * innerStep + j * columnStep)) << 2)) : 0,
              );
      }
      const into = to + <usize>(block * 36) * plane + ((<usize>k) << 6);
      for (let v: usize = 0; v < 256; v += 16) {
        for (let tap: usize = 0; tap < 9; tap++) greatest = larger(greatest, v128.load(taps + v + (tap << 8)));
        for (let column: usize = 0; column < 3; column++)
          weightTransform(taps + v + (column << 8), 3 << 8, sums + (column << 4), 3 << 4);
        for (let row: usize = 0; row < 6; row++)
          weightTransform(sums + row * 48, 16, into + v + row * 6 * plane, plane);
      }
    }
  }
  flagLarge(greatest, flag);
}

/**
 * The distance in bytes between the planes of a block. It is an odd number of cache lines, because
 * a power of two would put the same tile of all planes into the same few lines of the cache.
 */
@inline
export function planeBytes(block: i32, pitch: usize): usize {
  return <usize>block * pitch + 64;
}

/** Transforms tiles of x or of a gradient. A chunk is a block of tiles. */
function winogradTiles(p: usize, thread: i32): void {
  const x = address(p, WinogradTilesWord.x);
  const to = address(p, WinogradTilesWord.to);
  const height = arg(p, WinogradTilesWord.height);
  const width = arg(p, WinogradTilesWord.width);
  const channels = arg(p, WinogradTilesWord.channels);
  const pitch = (<usize>arg(p, WinogradTilesWord.pitch)) << 2;
  const beforeH = arg(p, WinogradTilesWord.beforeH);
  const beforeW = arg(p, WinogradTilesWord.beforeW);
  const down = arg(p, WinogradTilesWord.down);
  const across = arg(p, WinogradTilesWord.across);
  const start = arg(p, WinogradTilesWord.first);
  const end = arg(p, WinogradTilesWord.end);
  const block = arg(p, WinogradTilesWord.block);
  const gradient = arg(p, WinogradTilesWord.gradient) != 0;
  const flag = address(p, WinogradTilesWord.flag);
  const side = gradient ? 4 : 6;
  const bytes = (<usize>channels) << 2;
  const plane = planeBytes(block, pitch);
  const sums = scratch(thread);
  const patch = sums + 36 * 16;
  let greatest = i32x4.splat(0);
  for (let c = next(); start + c * block < end; c = next()) {
    const first = start + c * block;
    const count = min(block, end - first);
    for (let t = 0; t < count; t++) {
      const tile = first + t;
      const iy = ((tile / across) % down) * 4 - beforeH;
      const ix = (tile % across) * 4 - beforeW;
      const n = tile / (across * down);
      let from = x + (<usize>((n * height + iy) * width + ix)) * bytes;
      let row = <usize>width * bytes;
      if (iy < 0 || iy + side > height || ix < 0 || ix + side > width) {
        const left = max(0, -ix);
        const right = max(left, min(side, width - ix));
        for (let i = 0; i < side; i++) {
          const at = patch + <usize>(i * side) * bytes;
          memory.fill(at, 0, <usize>side * bytes);
          if (iy + i >= 0 && iy + i < height)
            memory.copy(
              at + <usize>left * bytes,
              from + <usize>i * row + <usize>left * bytes,
              <usize>(right - left) * bytes,
            );
        }
        from = patch;
        row = <usize>side * bytes;
      }
      let into = to + <usize>c * 36 * plane + <usize>t * pitch;
      for (let at: usize = 0; at < bytes; at += 16, from += 16, into += 16) {
        if (gradient) {
          for (let i: usize = 0; i < 4; i++)
            greatest = gradientTransform(from + i * row, bytes, sums + i * 96, 16, greatest);
          for (let j: usize = 0; j < 6; j++)
            gradientTransform(sums + j * 16, 96, into + j * plane, 6 * plane, greatest);
        } else {
          for (let i: usize = 0; i < 6; i++)
            greatest = inputTransform(from + i * row, bytes, sums + i * 96, 16, greatest);
          for (let j: usize = 0; j < 6; j++) inputTransform(sums + j * 16, 96, into + j * plane, 6 * plane, greatest);
        }
      }
    }
  }
  flagLarge(greatest, flag);
}

/**
 * Two rows of x by 16 columns. Inner loops are too short for tiles2x16, which is up to 7 % slower.
 */
function product2x16(x: usize, xNext: usize, w: usize, to: usize, count: i32): void {
  let s0 = f32x4.splat(0);
  let s1 = s0;
  let s2 = s0;
  let s3 = s0;
  let t0 = s0;
  let t1 = s0;
  let t2 = s0;
  let t3 = s0;
  const end = x + ((<usize>count) << 2);
  for (; x < end; x += 4, w += 64) {
    const a = v128.load32_splat(x);
    const b = v128.load32_splat(x + xNext);
    let v = v128.load(w);
    s0 = madd(a, v, s0);
    t0 = madd(b, v, t0);
    v = v128.load(w, 16);
    s1 = madd(a, v, s1);
    t1 = madd(b, v, t1);
    v = v128.load(w, 32);
    s2 = madd(a, v, s2);
    t2 = madd(b, v, t2);
    v = v128.load(w, 48);
    s3 = madd(a, v, s3);
    t3 = madd(b, v, t3);
  }
  v128.store(to, s0);
  v128.store(to, s1, 16);
  v128.store(to, s2, 32);
  v128.store(to, s3, 48);
  v128.store(to, t0, 64);
  v128.store(to, t1, 80);
  v128.store(to, t2, 96);
  v128.store(to, t3, 112);
}

/** Convolution by transformed tiles and weights. A chunk is a block of tiles by 16 columns. */
function winograd(p: usize, thread: i32): void {
  const tiles = address(p, WinogradWord.tiles);
  const weights = address(p, WinogradWord.weights);
  const y = address(p, WinogradWord.y);
  const bias = address(p, WinogradWord.bias);
  const inner = arg(p, WinogradWord.inner);
  const columns = arg(p, WinogradWord.columns);
  const outHeight = arg(p, WinogradWord.outHeight);
  const outWidth = arg(p, WinogradWord.outWidth);
  const yImage = arg(p, WinogradWord.yImage);
  const yRow = arg(p, WinogradWord.yRow);
  const yColumn = arg(p, WinogradWord.yColumn);
  const pitch = (<usize>arg(p, WinogradWord.pitch)) << 2;
  const down = arg(p, WinogradWord.down);
  const across = arg(p, WinogradWord.across);
  const start = arg(p, WinogradWord.first);
  const end = arg(p, WinogradWord.end);
  const block = arg(p, WinogradWord.block);
  const tileBlocks = (end - start + block - 1) / block;
  const columnBlocks = (columns + 15) >> 4;
  const wPlane = (<usize>inner) << 6;
  const tilePlane = planeBytes(block, pitch);
  const productPlane = planeBytes(block, 64);
  const sums = scratch(thread);
  const results = sums + 24 * 16;
  const products = results + 16 * 16;
  for (let c = next(); c < tileBlocks * columnBlocks; c = next()) {
    const column = (c / tileBlocks) * 16;
    const tileBlock = c % tileBlocks;
    const first = start + tileBlock * block;
    const count = min(block, end - first);
    const lanes = columns - column;
    const added = bias == 0 ? zeros : bias + ((<usize>column) << 2);
    for (let k: usize = 0; k < 36; k++) {
      const w = weights + (<usize>(column >> 4) * 36 + k) * wPlane;
      let from = tiles + (<usize>tileBlock * 36 + k) * tilePlane;
      let to = products + k * productPlane;
      // With an odd count, the last tile is multiplied together with the memory after it, whose
      // result is not used.
      for (let t = 0; t < count; t += 2, from += pitch * 2, to += 128) product2x16(from, pitch, w, to, inner);
    }
    for (let t = 0; t < count; t++) {
      const tile = first + t;
      const ox = (tile % across) * 4;
      const oy = ((tile / across) % down) * 4;
      const n = tile / (across * down);
      const rows = min(4, outHeight - oy);
      const pixels = min(4, outWidth - ox);
      const out = y + ((<usize>(n * yImage + oy * yRow + ox * yColumn + column)) << 2);
      for (let v: i32 = 0; v < 16 && v < lanes; v += 4) {
        const at = (<usize>v) << 2;
        const from = products + ((<usize>t) << 6) + at;
        for (let i: usize = 0; i < 6; i++)
          outputTransform(from + i * 6 * productPlane, productPlane, sums + i * 64, 16);
        for (let j: usize = 0; j < 4; j++) outputTransform(sums + j * 16, 64, results + j * 16, 64);
        const plus = v128.load(added + at);
        if (rows == 4 && pixels == 4 && lanes - v >= 4) {
          const step = (<usize>yColumn) << 2;
          let to = out + at;
          for (let i: usize = 0; i < 256; i += 64, to += (<usize>yRow) << 2) {
            v128.store(to, f32x4.add(v128.load(results + i), plus));
            v128.store(to + step, f32x4.add(v128.load(results + i, 16), plus));
            v128.store(to + step * 2, f32x4.add(v128.load(results + i, 32), plus));
            v128.store(to + step * 3, f32x4.add(v128.load(results + i, 48), plus));
          }
          continue;
        }
        for (let i = 0; i < rows; i++)
          for (let j = 0; j < pixels; j++)
            storeLanes(
              out + at + ((<usize>(i * yRow + j * yColumn)) << 2),
              f32x4.add(v128.load(results + ((<usize>(i * 4 + j)) << 4)), plus),
              lanes - v,
            );
      }
    }
  }
}

export function dispatchWinograd(opcode: i32, p: usize, thread: i32): void {
  switch (opcode) {
    case Opcode.winogradWeights:
      return winogradWeights(p, thread);
    case Opcode.winogradTiles:
      return winogradTiles(p, thread);
    case Opcode.winograd:
      return winograd(p, thread);
    case Opcode.winogradWeightGrad:
      return winogradWeightGrad(p, thread);
    default:
      unreachable();
  }
}
