/**
 * Convolution of an x that is mostly zeros, for example an unpooled image. Zeros are skipped by
 * lists of the nonzero values. If the other operand contains an infinity or NaN, whose product with
 * zero is NaN, zeros are listed too.
 * Not here: the weight gradient (sparse-grad.ts).
 */
import { Opcode } from '../protocol/command';
import { CompressWord, ConvolveSparseWord, SpecialWord } from '../protocol/conv';
import { address, arg, next, scratch } from './core';
import { hasSpecial, sums32 } from './sparse-common';
import { sumSparse, weightGradSparse } from './sparse-grad';
import { madd, storeLanes } from './tiles';
import { firstInside, firstOutside, zeros } from './window';

/** Pixels per chunk of compress. */
const stretch = 256;

/** Writes 1 if any element is infinite or NaN, else 0. */
function special(p: usize): void {
  store<i32>(
    address(p, SpecialWord.to),
    hasSpecial(address(p, SpecialWord.from), arg(p, SpecialWord.size)) ? 1 : 0,
  );
}

/** Lists the channels of each pixel whose value is not zero, as 16-bit numbers. */
function compress(p: usize): void {
  const x = address(p, CompressWord.x);
  const pixels = arg(p, CompressWord.pixels);
  const channels = arg(p, CompressWord.channels);
  const lists = address(p, CompressWord.lists);
  const counts = address(p, CompressWord.counts);
  const all = load<i32>(address(p, CompressWord.flag)) != 0;
  for (let c = next(); c * stretch < pixels; c = next()) {
    const end = min(pixels, (c + 1) * stretch);
    for (let i = c * stretch; i < end; i++) {
      let from = x + ((<usize>(i * channels)) << 2);
      const list = lists + ((<usize>(i * channels)) << 1);
      let to = list;
      let k = 0;
      for (; k + 4 <= channels; k += 4, from += 16) {
        const mask = all ? 15 : 15 ^ i32x4.bitmask(f32x4.eq(v128.load(from), f32x4.splat(0)));
        if (mask == 0) continue;
        store<u16>(to, k);
        to += (<usize>(mask & 1)) << 1;
        store<u16>(to, k + 1);
        to += <usize>(mask & 2);
        store<u16>(to, k + 2);
        to += <usize>(mask & 4) >> 1;
        store<u16>(to, k + 3);
        to += <usize>(mask & 8) >> 2;
      }
      for (; k < channels; k++, from += 4) {
        store<u16>(to, k);
        if (all || load<f32>(from) != 0) to += 2;
      }
      store<i32>(counts + ((<usize>i) << 2), <i32>((to - list) >> 1));
    }
  }
}

// A class says how an entry of a list is read, so that the loop is compiled for each class
// separately.

/** An entry with a channel of 2 bytes. The value is at `x`, and the row has 32 floats at `rows`. */
@unmanaged class ChannelEntry {
  @inline
  size(): usize {
    return 2;
  }
  @inline
  row(e: usize, rows: usize): usize {
    return rows + (<usize>load<u16>(e) << 7);
  }
  @inline
  value(e: usize, x: usize): v128 {
    return v128.load32_splat(x + (<usize>load<u16>(e) << 2));
  }
}

/** to[16] += Σ x[channel] × panel row over a list of channels. */
function rows16(e: usize, end: usize, x: usize, panel: usize, to: usize): void {
  let s0 = v128.load(to);
  let s1 = v128.load(to, 16);
  let s2 = v128.load(to, 32);
  let s3 = v128.load(to, 48);
  for (; e < end; e += 2) {
    const k = <usize>load<u16>(e);
    const q = panel + (k << 6);
    const v = v128.load32_splat(x + (k << 2));
    s0 = madd(v, v128.load(q), s0);
    s1 = madd(v, v128.load(q, 16), s1);
    s2 = madd(v, v128.load(q, 32), s2);
    s3 = madd(v, v128.load(q, 48), s3);
  }
  v128.store(to, s0);
  v128.store(to, s1, 16);
  v128.store(to, s2, 32);
  v128.store(to, s3, 48);
}

/** Pixels of a row whose sums one chunk keeps in scratch memory. */
const run = 256;

/**
 * Convolution by lists. A chunk is a part of an output row. The loop over taps is outside the loop
 * over pixels, so that the weights of a tap stay in the cache.
 */
function convolveSparse(p: usize, thread: i32): void {
  const x = address(p, ConvolveSparseWord.x);
  const y = address(p, ConvolveSparseWord.y);
  const panels = address(p, ConvolveSparseWord.panels);
  const bias = address(p, ConvolveSparseWord.bias);
  const batch = arg(p, ConvolveSparseWord.batch);
  const height = arg(p, ConvolveSparseWord.height);
  const width = arg(p, ConvolveSparseWord.width);
  const counts = address(p, ConvolveSparseWord.counts);
  const inner = arg(p, ConvolveSparseWord.inner);
  const columns = arg(p, ConvolveSparseWord.columns);
  const panelWidth = arg(p, ConvolveSparseWord.panelWidth);
  const outHeight = arg(p, ConvolveSparseWord.outHeight);
  const outWidth = arg(p, ConvolveSparseWord.outWidth);
  const yImage = arg(p, ConvolveSparseWord.yImage);
  const yRow = arg(p, ConvolveSparseWord.yRow);
  const yColumn = arg(p, ConvolveSparseWord.yColumn);
  const strideH = arg(p, ConvolveSparseWord.strideH);
  const strideW = arg(p, ConvolveSparseWord.strideW);
  const beforeH = arg(p, ConvolveSparseWord.beforeH);
  const beforeW = arg(p, ConvolveSparseWord.beforeW);
  const kh = arg(p, ConvolveSparseWord.kernelH);
  const kw = arg(p, ConvolveSparseWord.kernelW);
  const dilationH = arg(p, ConvolveSparseWord.dilationH);
  const dilationW = arg(p, ConvolveSparseWord.dilationW);
  const lists = address(p, ConvolveSparseWord.lists);
  const wTap = (<usize>(inner * panelWidth)) << 2;
  const blocks = (columns + panelWidth - 1) / panelWidth;
  const sumBytes = (<usize>panelWidth) << 2;
  const sums = scratch(thread);
  const runs = (outWidth + run - 1) / run;
  for (let c = next(); c < batch * outHeight * runs; c = next()) {
    const from = (c % runs) * run;
    const to = min(outWidth, from + run);
    const oy = (c / runs) % outHeight;
    const n = c / (runs * outHeight);
    for (let b = 0; b < blocks; b++) {
      const column = b * panelWidth;
      const lanes = min(panelWidth, columns - column);
      memory.fill(sums, 0, <usize>(to - from) * sumBytes);
      for (let ky = 0; ky < kh; ky++) {
        const iy = oy * strideH + ky * dilationH - beforeH;
        if (iy < 0 || iy >= height) continue;
        for (let kx = 0; kx < kw; kx++) {
          const left = kx * dilationW - beforeW;
          const panel = panels + <usize>((b * kh + ky) * kw + kx) * wTap;
          const end = firstOutside(left, strideW, width, to);
          let ox = max(from, firstInside(left, strideW));
          let pixel = (n * height + iy) * width + left + ox * strideW;
          let sum = sums + <usize>(ox - from) * sumBytes;
          for (; ox < end; ox++, pixel += strideW, sum += sumBytes) {
            const list = lists + ((<usize>(pixel * inner)) << 1);
            const stop = list + ((<usize>load<i32>(counts + ((<usize>pixel) << 2))) << 1);
            const values = x + ((<usize>(pixel * inner)) << 2);
            if (panelWidth == 32) sums32<ChannelEntry>(list, stop, values, panel, sum);
            else rows16(list, stop, values, panel, sum);
          }
        }
      }
      const added = bias == 0 ? zeros : bias + ((<usize>column) << 2);
      let out = y + ((<usize>(n * yImage + oy * yRow + from * yColumn + column)) << 2);
      let sum = sums;
      for (let ox = from; ox < to; ox++, out += (<usize>yColumn) << 2, sum += sumBytes)
        for (let j = 0; j < lanes; j += 4)
          storeLanes(
            out + ((<usize>j) << 2),
            f32x4.add(v128.load(sum + ((<usize>j) << 2)), v128.load(added + ((<usize>j) << 2))),
            lanes - j,
          );
    }
  }
}

export function dispatchSparse(opcode: i32, p: usize, thread: i32): void {
  switch (opcode) {
    case Opcode.special:
      return special(p);
    case Opcode.compress:
      return compress(p);
    case Opcode.convolveSparse:
      return convolveSparse(p, thread);
    case Opcode.weightGradSparse:
      return weightGradSparse(p, thread);
    case Opcode.sumSparse:
      return sumSparse(p);
    default:
      unreachable();
  }
}
