/**
 * Convolution of few pixels by a large weight, and its weight gradient. Every weight is read from
 * memory once, or written once. The pixels that a tap meets inside the image are listed, and the
 * weights of the tap are multiplied by all of them while they are in the cache.
 */
import { FewPixelsWeightGradWord, FewPixelsWord, WindowWord } from '../protocol/few-pixels';
import { Opcode } from '../protocol/command';
import { address, arg, next, scratch } from './core';
import { madd } from './tiles';
import { firstInside, firstOutside } from './window';

/** Pixels whose products with the columns are summed at a time by the weight gradient. */
const slab = 256;

/** An entry of a list of pixels: the input's element and the number of the output pixel. */
const entry = 8;

/**
 * Lists the output pixels for which a tap is inside the image, and returns their number. It is made
 * a multiple of `tile` by repeating an entry with the number of the pixel after the last one.
 */
function listPixels(p: usize, ky: i32, kx: i32, list: usize, tile: i32): i32 {
  const batch = arg(p, WindowWord.batch);
  const height = arg(p, WindowWord.height);
  const width = arg(p, WindowWord.width);
  const inner = arg(p, WindowWord.inner);
  const outHeight = arg(p, WindowWord.outHeight);
  const outWidth = arg(p, WindowWord.outWidth);
  const strideH = arg(p, WindowWord.strideH);
  const strideW = arg(p, WindowWord.strideW);
  const top = ky * arg(p, WindowWord.dilationH) - arg(p, WindowWord.beforeH);
  const left = kx * arg(p, WindowWord.dilationW) - arg(p, WindowWord.beforeW);
  const from = firstInside(left, strideW);
  const to = firstOutside(left, strideW, width, outWidth);
  const highest = firstOutside(top, strideH, height, outHeight);
  let n = 0;
  for (let image = 0; image < batch; image++)
    for (let oy = firstInside(top, strideH); oy < highest; oy++)
      for (let ox = from; ox < to; ox++, n++) {
        const at = list + <usize>(n * entry);
        store<i32>(at, ((image * height + oy * strideH + top) * width + ox * strideW + left) * inner);
        store<i32>(at, (image * outHeight + oy) * outWidth + ox, 4);
      }
  for (; n % tile != 0; n++) {
    const at = list + <usize>(n * entry);
    store<i32>(at, load<i32>(at - entry));
    store<i32>(at, batch * outHeight * outWidth, 4);
  }
  return n;
}

/** The address of the pixel of an entry in `x`. */
@inline
function source(x: usize, at: usize): usize {
  return x + ((<usize>load<i32>(at)) << 2);
}

/** The address of the pixel of an entry in an array of rows. */
@inline
function target(rows: usize, at: usize, row: usize): usize {
  return rows + <usize>load<i32>(at, 4) * row;
}

/** Copies a row of columns into panels of 16 columns. The last panel is filled up with zeros. */
function copyRow(from: usize, columns: i32, panels: usize, pitch: usize): void {
  for (; columns >= 16; columns -= 16, from += 64, panels += pitch) {
    v128.store(panels, v128.load(from));
    v128.store(panels, v128.load(from, 16), 16);
    v128.store(panels, v128.load(from, 32), 32);
    v128.store(panels, v128.load(from, 48), 48);
  }
  if (columns > 0)
    for (let i = 0; i < 16; i++, from += 4, panels += 4) store<f32>(panels, i < columns ? load<f32>(from) : <f32>0);
}

/** The first or last two elements of two vectors, alternating. */
@inline
function low(a: v128, b: v128): v128 {
  return i8x16.shuffle(a, b, 0, 1, 2, 3, 16, 17, 18, 19, 4, 5, 6, 7, 20, 21, 22, 23);
}
@inline
function high(a: v128, b: v128): v128 {
  return i8x16.shuffle(a, b, 8, 9, 10, 11, 24, 25, 26, 27, 12, 13, 14, 15, 28, 29, 30, 31);
}

/**
 * Copies rows of the weight, which are `step` apart, into panels of 16 columns. A row becomes a
 * column of a panel. A panel has `pitch` bytes.
 */
function transpose(from: usize, step: usize, rows: i32, count: i32, panels: usize, pitch: usize): void {
  for (let j = 0; j < rows; j += 4) {
    let at = panels + <usize>(j >> 4) * pitch + ((<usize>(j & 15)) << 2);
    const s1 = j + 1 < rows ? step : 0;
    const s2 = j + 2 < rows ? step * 2 : 0;
    const s3 = j + 3 < rows ? step * 3 : 0;
    let p = from + <usize>j * step;
    const end = p + ((<usize>count) << 2);
    for (; p + 16 <= end; p += 16, at += 256) {
      const r0 = v128.load(p);
      const r1 = v128.load(p + s1);
      const r2 = v128.load(p + s2);
      const r3 = v128.load(p + s3);
      const a = low(r0, r2);
      const b = low(r1, r3);
      const c = high(r0, r2);
      const d = high(r1, r3);
      v128.store(at, low(a, b));
      v128.store(at, high(a, b), 64);
      v128.store(at, low(c, d), 128);
      v128.store(at, high(c, d), 192);
    }
    for (; p < end; p += 4, at += 64) {
      store<f32>(at, load<f32>(p));
      store<f32>(at, load<f32>(p + s1), 4);
      store<f32>(at, load<f32>(p + s2), 8);
      store<f32>(at, load<f32>(p + s3), 12);
    }
  }
}

/**
 * Adds the products of entries, two at a time, and a panel to the sums of the entries. An entry has
 * `count` factors, which are `step` apart. With `fresh`, the sums begin at 0.
 */
function products(
  list: usize,
  end: usize,
  x: usize,
  step: usize,
  panel: usize,
  count: i32,
  sums: usize,
  row: usize,
  fresh: bool,
): void {
  for (; list < end; list += 2 * entry) {
    let p = source(x, list);
    const next = source(x, list + entry) - p;
    const to = target(sums, list, row);
    const other = target(sums, list + entry, row);
    let s0 = f32x4.splat(0);
    let s1 = s0;
    let s2 = s0;
    let s3 = s0;
    let t0 = s0;
    let t1 = s0;
    let t2 = s0;
    let t3 = s0;
    if (!fresh) {
      s0 = v128.load(to);
      s1 = v128.load(to, 16);
      s2 = v128.load(to, 32);
      s3 = v128.load(to, 48);
      t0 = v128.load(other);
      t1 = v128.load(other, 16);
      t2 = v128.load(other, 32);
      t3 = v128.load(other, 48);
    }
    let q = panel;
    const last = q + ((<usize>count) << 6);
    for (; q < last; p += step, q += 64) {
      const f = v128.load32_splat(p);
      const g = v128.load32_splat(p + next);
      let v = v128.load(q);
      s0 = madd(f, v, s0);
      t0 = madd(g, v, t0);
      v = v128.load(q, 16);
      s1 = madd(f, v, s1);
      t1 = madd(g, v, t1);
      v = v128.load(q, 32);
      s2 = madd(f, v, s2);
      t2 = madd(g, v, t2);
      v = v128.load(q, 48);
      s3 = madd(f, v, s3);
      t3 = madd(g, v, t3);
    }
    v128.store(to, s0);
    v128.store(to, s1, 16);
    v128.store(to, s2, 32);
    v128.store(to, s3, 48);
    v128.store(other, t0);
    v128.store(other, t1, 16);
    v128.store(other, t2, 32);
    v128.store(other, t3, 48);
  }
}

/**
 * The convolution. A chunk is a number of columns, whose sums for all pixels are in scratch memory.
 * If the products lie side by side in the weight, a sum is a vector along them. If the columns do,
 * the weights are copied into panels of 16 columns.
 */
function fewPixels(p: usize, thread: i32): void {
  const x = address(p, FewPixelsWord.x);
  const y = address(p, FewPixelsWord.y);
  const weight = address(p, FewPixelsWord.weight);
  const bias = address(p, FewPixelsWord.bias);
  const inner = arg(p, WindowWord.inner);
  const outHeight = arg(p, WindowWord.outHeight);
  const outWidth = arg(p, WindowWord.outWidth);
  const columns = arg(p, WindowWord.columns);
  const kh = arg(p, WindowWord.kernelH);
  const kw = arg(p, WindowWord.kernelW);
  const chunk = arg(p, WindowWord.chunk);
  const block = arg(p, FewPixelsWord.block);
  const tapStep = arg(p, FewPixelsWord.tapStep);
  const innerStep = arg(p, FewPixelsWord.innerStep);
  const columnStep = arg(p, FewPixelsWord.columnStep);
  const pixels = arg(p, WindowWord.batch) * outHeight * outWidth;

  const sums = scratch(thread);
  const row = (<usize>chunk) << 2;
  const list = sums + <usize>(pixels + 1) * row;
  const pitch = (<usize>block) << 6;
  const panels = (list + <usize>((pixels + 3) * entry) + 63) & ~63;
  for (let c = next(); c * chunk < columns; c = next()) {
    const first = c * chunk;
    const have = min(chunk, columns - first);
    memory.fill(sums, 0, list - sums);
    for (let k = 0; k < inner; k += block) {
      const count = min(block, inner - k);
      const xBlock = x + ((<usize>k) << 2);
      for (let tap = 0; tap < kh * kw; tap++) {
        const ky = tap / kw;
        const kx = tap % kw;
        const end = list + <usize>(listPixels(p, ky, kx, list, 2) * entry);
        const at =
          (arg(p, FewPixelsWord.firstTapH) + ky * arg(p, FewPixelsWord.tapStepH)) * arg(p, FewPixelsWord.sourceWidth) +
          arg(p, FewPixelsWord.firstTapW) +
          kx * arg(p, FewPixelsWord.tapStepW);
        const w = weight + ((<usize>(at * tapStep + first * columnStep + k * innerStep)) << 2);
        if (innerStep == 1) transpose(w, (<usize>columnStep) << 2, have, count, panels, pitch);
        else
          for (let i = 0; i < count; i++)
            copyRow(w + ((<usize>(i * innerStep)) << 2), have, panels + ((<usize>i) << 6), pitch);
        for (let j = 0; j < have; j += 16)
          products(list, end, xBlock, 4, panels + <usize>(j >> 4) * pitch, count, sums + ((<usize>j) << 2), row, false);
      }
    }
    let from = sums;
    for (let i = 0; i < pixels; i++, from += row) {
      const ox = i % outWidth;
      const oy = (i / outWidth) % outHeight;
      const n = i / (outWidth * outHeight);
      const out =
        y +
        ((<usize>(
          n * arg(p, FewPixelsWord.yImage) +
          oy * arg(p, FewPixelsWord.yRow) +
          ox * arg(p, FewPixelsWord.yColumn) +
          first
        )) <<
          2);
      for (let j = 0; j < have; j++) {
        let sum = load<f32>(from + ((<usize>j) << 2));
        if (bias != 0) sum += load<f32>(bias + ((<usize>(first + j)) << 2));
        store<f32>(out + ((<usize>j) << 2), sum);
      }
    }
  }
}

/**
 * The weight gradient. A chunk is a number of input channels of one tap. Their factors and 16
 * columns at a time are copied side by side for the pixels of the tap.
 */
function fewPixelsWeightGrad(p: usize, thread: i32): void {
  const x = address(p, FewPixelsWeightGradWord.x);
  const g = address(p, FewPixelsWeightGradWord.g);
  const to = address(p, FewPixelsWeightGradWord.to);
  const inner = arg(p, WindowWord.inner);
  const columns = arg(p, WindowWord.columns);
  const kw = arg(p, WindowWord.kernelW);
  const chunk = arg(p, WindowWord.chunk);
  const pixels = arg(p, WindowWord.batch) * arg(p, WindowWord.outHeight) * arg(p, WindowWord.outWidth);
  const blocks = (inner + chunk - 1) / chunk;
  const gPixel = (<usize>columns) << 2;

  // The panel of a slab, the sums of columns that are fewer than 16, the lists of rows and pixels,
  // the factors.
  const panel = scratch(thread);
  const aside = panel + <usize>(slab << 6);
  const rows = aside + ((<usize>chunk) << 6);
  const list = rows + <usize>(chunk * entry);
  const factors = list + <usize>(pixels * entry);
  for (let c = next(); c < arg(p, WindowWord.kernelH) * kw * blocks; c = next()) {
    const tap = c / blocks;
    const first = (c % blocks) * chunk;
    const have = min(chunk, inner - first);
    const n = listPixels(p, tap / kw, tap % kw, list, 1);
    let at = factors;
    for (let i = 0; i < have; i += 2) {
      // An odd last row is computed twice.
      const odd = i + 1 < have ? 1 : 0;
      const to = rows + <usize>(i * entry);
      store<i32>(to, i * n);
      store<i32>(to, i, 4);
      store<i32>(to, i * n + odd, entry);
      store<i32>(to, i + odd, entry + 4);
      for (let e = list; e < list + <usize>(n * entry); e += entry, at += 8) {
        const from = source(x, e) + ((<usize>(first + i)) << 2);
        store<f32>(at, load<f32>(from));
        store<f32>(at, load<f32>(from + ((<usize>odd) << 2)), 4);
      }
    }
    const end = rows + <usize>(have * entry);
    for (let j = 0; j < columns; j += 16) {
      const lanes = columns - j;
      const whole = lanes >= 16;
      const into = to + ((<usize>((tap * inner + first) * columns + j)) << 2);
      for (let s = 0; s == 0 || s < n; s += slab) {
        const count = min(slab, n - s);
        const entries = list + <usize>(s * entry);
        for (let i = 0; i < count; i++)
          copyRow(
            target(g + ((<usize>j) << 2), entries + <usize>(i * entry), gPixel),
            min(16, lanes),
            panel + ((<usize>i) << 6),
            0,
          );
        products(
          rows,
          end,
          factors + ((<usize>s) << 3),
          8,
          panel,
          count,
          whole ? into : aside,
          whole ? gPixel : 64,
          s == 0,
        );
      }
      if (!whole)
        for (let i = 0; i < have; i++)
          for (let l = 0; l < lanes; l++)
            store<f32>(into + <usize>i * gPixel + ((<usize>l) << 2), load<f32>(aside + ((<usize>(i * 16 + l)) << 2)));
    }
  }
}

export function dispatchFewPixels(opcode: i32, p: usize, thread: i32): void {
  if (opcode == Opcode.fewPixels) fewPixels(p, thread);
  else if (opcode == Opcode.fewPixelsWeightGrad) fewPixelsWeightGrad(p, thread);
  else unreachable();
}
