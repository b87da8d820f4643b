/**
 * 3×3 convolution of stride 1 by Winograd's F(2×2, 3×3), which needs 16 products for four output
 * pixels instead of 36. It multiplies sums of up to four inputs by sums of weights. If an input is
 * infinite or so large that a sum could overflow, the tiles of its chunk are computed directly.
 * With such a weight, all tiles are.
 * @source Lavin and Gray 2016, "Fast Algorithms for Convolutional Neural Networks"
 */
import { Opcode } from '../protocol/command';
import { WinogradWeightsWord, WinogradWord } from '../protocol/conv';
import { address, arg, next, scratch } from './core';
import { madd, tile1x16 } from './tiles';
import { firstInside, firstOutside, zeros } from './window';

/** The bits of 2¹²⁰. A number counts as too large from here on. */
const large = 0x7b800000;

/**
 * Transforms the weights from panels [block][9][inner][16] to [block][16][inner][16]. The flag
 * becomes 1 if a weight is too large.
 */
function winogradWeights(p: usize): void {
  const panels = address(p, WinogradWeightsWord.panels);
  const to = address(p, WinogradWeightsWord.to);
  const blocks = arg(p, WinogradWeightsWord.blocks);
  const inner = arg(p, WinogradWeightsWord.inner);
  const flag = address(p, WinogradWeightsWord.flag);
  const step = <usize>(inner * 64);
  let greatest = i32x4.splat(0);
  const half = f32x4.splat(0.5);
  for (let b = next(); b < blocks; b = next()) {
    for (let at: usize = 0; at < step; at += 16) {
      const from = panels + <usize>b * 9 * step + at;
      const into = to + <usize>b * 16 * step + at;
      // First transforms the rows. Each of three columns becomes four, which are kept in the first
      // 12 planes of the result.
      for (let c: usize = 0; c < 3; c++) {
        const g0 = v128.load(from + c * step);
        const g1 = v128.load(from + (3 + c) * step);
        const g2 = v128.load(from + (6 + c) * step);
        greatest = i32x4.max_s(greatest, v128.and(g0, i32x4.splat(0x7fffffff)));
        greatest = i32x4.max_s(greatest, v128.and(g1, i32x4.splat(0x7fffffff)));
        greatest = i32x4.max_s(greatest, v128.and(g2, i32x4.splat(0x7fffffff)));
        const even = f32x4.mul(half, f32x4.add(g0, g2));
        const odd = f32x4.mul(half, g1);
        v128.store(into + c * step, g0);
        v128.store(into + (4 + c) * step, f32x4.add(even, odd));
        v128.store(into + (8 + c) * step, f32x4.sub(even, odd));
        v128.store(into + (12 + c) * step, g2);
      }
      for (let r: usize = 0; r < 16; r += 4) {
        const g0 = v128.load(into + r * step);
        const g1 = v128.load(into + (r + 1) * step);
        const g2 = v128.load(into + (r + 2) * step);
        const even = f32x4.mul(half, f32x4.add(g0, g2));
        const odd = f32x4.mul(half, g1);
        v128.store(into + (r + 1) * step, f32x4.add(even, odd));
        v128.store(into + (r + 2) * step, f32x4.sub(even, odd));
        v128.store(into + (r + 3) * step, g2);
      }
    }
  }
  if (v128.any_true(i32x4.ge_s(greatest, i32x4.splat(large)))) store<i32>(flag, 1);
}

@inline
function larger(a: v128, b: v128): v128 {
  return i32x4.max_s(a, v128.and(b, i32x4.splat(0x7fffffff)));
}

/** Stores the sums of one row of inputs in its four planes. */
@inline
function storeRow(into: usize, plane: usize, t0: v128, t1: v128, t2: v128, t3: v128): void {
  v128.store(into, f32x4.sub(t0, t2));
  v128.store(into + plane, f32x4.add(t1, t2));
  v128.store(into + plane * 2, f32x4.sub(t2, t1));
  v128.store(into + plane * 3, f32x4.sub(t1, t3));
}

/**
 * Transforms the 4×4 inputs of a tile to the 16 planes in which they are multiplied. Returns true
 * if an input is too large.
 */
function transformTile(x: usize, row: usize, column: usize, to: usize, plane: usize, bytes: usize): bool {
  let greatest = i32x4.splat(0);
  const far = column * 3;
  for (let at: usize = 0; at < bytes; at += 16) {
    const r0 = x + at;
    const r1 = r0 + row;
    const r2 = r1 + row;
    const r3 = r2 + row;
    let into = to + at;
    let a0 = v128.load(r0);
    let a1 = v128.load(r0 + column);
    let a2 = v128.load(r0 + column * 2);
    let a3 = v128.load(r0 + far);
    let b0 = v128.load(r2);
    let b1 = v128.load(r2 + column);
    let b2 = v128.load(r2 + column * 2);
    let b3 = v128.load(r2 + far);
    greatest = larger(larger(larger(larger(larger(larger(larger(larger(greatest, a0), a1), a2), a3), b0), b1), b2), b3);
    storeRow(into, plane, f32x4.sub(a0, b0), f32x4.sub(a1, b1), f32x4.sub(a2, b2), f32x4.sub(a3, b3));
    a0 = v128.load(r1);
    a1 = v128.load(r1 + column);
    a2 = v128.load(r1 + column * 2);
    a3 = v128.load(r1 + far);
    into += plane * 4;
    storeRow(into, plane, f32x4.add(a0, b0), f32x4.add(a1, b1), f32x4.add(a2, b2), f32x4.add(a3, b3));
    into += plane * 4;
    storeRow(into, plane, f32x4.sub(b0, a0), f32x4.sub(b1, a1), f32x4.sub(b2, a2), f32x4.sub(b3, a3));
    b0 = v128.load(r3);
    b1 = v128.load(r3 + column);
    b2 = v128.load(r3 + column * 2);
    b3 = v128.load(r3 + far);
    greatest = larger(larger(larger(larger(larger(larger(larger(larger(greatest, a0), a1), a2), a3), b0), b1), b2), b3);
    into += plane * 4;
    storeRow(into, plane, f32x4.sub(a0, b0), f32x4.sub(a1, b1), f32x4.sub(a2, b2), f32x4.sub(a3, b3));
  }
  return v128.any_true(i32x4.ge_s(greatest, i32x4.splat(large)));
}

/**
 * Two rows of x by 16 columns. This is a tile of its own, because convolutions would take 3 to 7 %
 * longer with tiles2x16, which is made for longer runs.
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

/**
 * Transforms 16 products to the four pixels of a tile, for 16 columns. Pixels outside the image are
 * not stored.
 */
function finishTile(
  from: usize,
  plane: usize,
  y: usize,
  row: usize,
  column: usize,
  rows: i32,
  columns: i32,
  bias: usize,
): void {
  for (let at: usize = 0; at < 64; at += 16) {
    let p = from + at;
    let m0 = v128.load(p);
    let m1 = v128.load(p + plane);
    let m2 = v128.load(p + plane * 2);
    let m3 = v128.load(p + plane * 3);
    const a0 = f32x4.add(f32x4.add(m0, m1), m2);
    const b0 = f32x4.sub(f32x4.sub(m1, m2), m3);
    p += plane * 4;
    m0 = v128.load(p);
    m1 = v128.load(p + plane);
    m2 = v128.load(p + plane * 2);
    m3 = v128.load(p + plane * 3);
    const a1 = f32x4.add(f32x4.add(m0, m1), m2);
    const b1 = f32x4.sub(f32x4.sub(m1, m2), m3);
    p += plane * 4;
    m0 = v128.load(p);
    m1 = v128.load(p + plane);
    m2 = v128.load(p + plane * 2);
    m3 = v128.load(p + plane * 3);
    const a2 = f32x4.add(f32x4.add(m0, m1), m2);
    const b2 = f32x4.sub(f32x4.sub(m1, m2), m3);
    p += plane * 4;
    m0 = v128.load(p);
    m1 = v128.load(p + plane);
    m2 = v128.load(p + plane * 2);
    m3 = v128.load(p + plane * 3);
    const a3 = f32x4.add(f32x4.add(m0, m1), m2);
    const b3 = f32x4.sub(f32x4.sub(m1, m2), m3);
    const v = v128.load(bias + at);
    const out = y + at;
    v128.store(out, f32x4.add(v, f32x4.add(f32x4.add(a0, a1), a2)));
    if (columns > 1) v128.store(out + column, f32x4.add(v, f32x4.add(f32x4.add(b0, b1), b2)));
    if (rows > 1) {
      v128.store(out + row, f32x4.add(v, f32x4.sub(f32x4.sub(a1, a2), a3)));
      if (columns > 1) v128.store(out + row + column, f32x4.add(v, f32x4.sub(f32x4.sub(b1, b2), b3)));
    }
  }
}

/** Convolution by transformed weights. A chunk is a number of tiles. */
function winograd(p: usize, thread: i32): void {
  const x = address(p, WinogradWord.x);
  const y = address(p, WinogradWord.y);
  const panels = address(p, WinogradWord.panels);
  const weights = address(p, WinogradWord.weights);
  const allDirect = load<i32>(address(p, WinogradWord.flag)) != 0;
  const bias = address(p, WinogradWord.bias);
  const batch = arg(p, WinogradWord.batch);
  const height = arg(p, WinogradWord.height);
  const width = arg(p, WinogradWord.width);
  const inner = arg(p, WinogradWord.inner);
  const columns = arg(p, WinogradWord.columns);
  const outHeight = arg(p, WinogradWord.outHeight);
  const outWidth = arg(p, WinogradWord.outWidth);
  const yImage = arg(p, WinogradWord.yImage);
  const yRow = arg(p, WinogradWord.yRow);
  const yColumn = arg(p, WinogradWord.yColumn);
  const beforeH = arg(p, WinogradWord.beforeH);
  const beforeW = arg(p, WinogradWord.beforeW);
  const chunk = arg(p, WinogradWord.chunk);

  const down = (outHeight + 1) >> 1;
  const across = (outWidth + 1) >> 1;
  const tiles = batch * down * across;
  const blocks = columns >> 4;
  const bytes = (<usize>inner) << 2;
  const plane = <usize>chunk * bytes;
  const image = scratch(thread);
  const products = image + plane * 16;
  const productPlane = (<usize>chunk) << 6;
  const patch = products + productPlane * 16;
  const xRow = <usize>width * bytes;

  for (let c = next(); c * chunk < tiles; c = next()) {
    const first = c * chunk;
    const count = min(chunk, tiles - first);
    let direct = allDirect;
    if (!direct)
      for (let t = 0; t < count; t++) {
        const tile = first + t;
        const tx = tile % across;
        const ty = (tile / across) % down;
        const n = tile / (across * down);
        const iy = ty * 2 - beforeH;
        const ix = tx * 2 - beforeW;
        const from = x + ((n * height + iy) * width + ix) * inner * 4;
        const to = image + <usize>t * bytes;
        if (iy >= 0 && iy + 4 <= height && ix >= 0 && ix + 4 <= width) {
          if (transformTile(from, xRow, bytes, to, plane, bytes)) direct = true;
          continue;
        }
        for (let i = 0; i < 4; i++)
          for (let j = 0; j < 4; j++) {
            const at = patch + <usize>(i * 4 + j) * bytes;
            if (iy + i >= 0 && iy + i < height && ix + j >= 0 && ix + j < width)
              memory.copy(at, from + <usize>i * xRow + <usize>j * bytes, bytes);
            else memory.fill(at, 0, bytes);
          }
        if (transformTile(patch, bytes * 4, bytes, to, plane, bytes)) direct = true;
      }
    for (let b = 0; b < blocks; b++) {
      const added = bias == 0 ? zeros : bias + ((<usize>b) << 6);
      if (!direct)
        for (let k = 0; k < 16; k++) {
          const w = weights + <usize>((b * 16 + k) * inner) * 64;
          const from = image + <usize>k * plane;
          const to = products + <usize>k * productPlane;
          // With an odd count, the last tile is multiplied together with the memory after it, whose
          // result is not used.
          for (let t = 0; t < count; t += 2)
            product2x16(from + <usize>t * bytes, bytes, w, to + ((<usize>t) << 6), inner);
        }
      for (let t = 0; t < count; t++) {
        const tile = first + t;
        const ox = (tile % across) * 2;
        const oy = ((tile / across) % down) * 2;
        const n = tile / (across * down);
        const out = y + ((<usize>(n * yImage + oy * yRow + ox * yColumn + b * 16)) << 2);
        const rows = min(2, outHeight - oy);
        const pixels = min(2, outWidth - ox);
        if (direct) {
          for (let i = 0; i < rows; i++)
            for (let j = 0; j < pixels; j++) {
              const top = oy + i - beforeH;
              const left = ox + j - beforeW;
              const ky = firstInside(top, 1);
              const kx = firstInside(left, 1);
              const kRows = max(0, firstOutside(top, 1, height, 3) - ky);
              const taps = max(0, firstOutside(left, 1, width, 3) - kx);
              const at = x + ((n * height + top + ky) * width + left + kx) * inner * 4;
              const w = panels + <usize>(((b * 3 + ky) * 3 + kx) * inner * 64);
              tile1x16(
                at,
                w,
                out + ((<usize>(i * yRow + j * yColumn)) << 2),
                added,
                16,
                kRows,
                <i32>xRow,
                3 * inner * 64,
                1,
                0,
                0,
                taps * inner,
              );
            }
        } else
          finishTile(
            products + ((<usize>t) << 6),
            productPlane,
            out,
            (<usize>yRow) << 2,
            (<usize>yColumn) << 2,
            rows,
            pixels,
            added,
          );
      }
    }
  }
}

export function dispatchWinograd(opcode: i32, p: usize, thread: i32): void {
  if (opcode == Opcode.winogradWeights) winogradWeights(p);
  else if (opcode == Opcode.winograd) winograd(p, thread);
  else unreachable();
}
