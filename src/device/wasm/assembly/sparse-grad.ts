/** The weight gradient of a convolution for a g that is mostly zeros. */
import { SumSparseWord, WeightGradSparseWord } from '../protocol/conv';
import { address, arg, next, scratch } from './core';
import { hasSpecial, sums32 } from './sparse-common';
import { madd, storeLanes } from './tiles';

/** An entry with the offset of a row in bytes from `rows`, and a value. */
@unmanaged class PairEntry {
  @inline
  size(): usize {
    return 8;
  }
  @inline
  row(e: usize, rows: usize): usize {
    return rows + <usize>load<i32>(e);
  }
  @inline
  value(e: usize, x: usize): v128 {
    return v128.load32_splat(e, 4);
  }
}

/**
 * to[16] += Σ value × x[offset…] over a list of pairs. Odd and even entries have sums of their own.
 */
function gather16(e: usize, end: usize, x: usize, to: usize): void {
  let s0 = v128.load(to);
  let s1 = v128.load(to, 16);
  let s2 = v128.load(to, 32);
  let s3 = v128.load(to, 48);
  let t0 = f32x4.splat(0);
  let t1 = t0;
  let t2 = t0;
  let t3 = t0;
  for (; e + 16 <= end; e += 16) {
    let q = x + <usize>load<i32>(e);
    let v = v128.load32_splat(e, 4);
    s0 = madd(v, v128.load(q), s0);
    s1 = madd(v, v128.load(q, 16), s1);
    s2 = madd(v, v128.load(q, 32), s2);
    s3 = madd(v, v128.load(q, 48), s3);
    q = x + <usize>load<i32>(e, 8);
    v = v128.load32_splat(e, 12);
    t0 = madd(v, v128.load(q), t0);
    t1 = madd(v, v128.load(q, 16), t1);
    t2 = madd(v, v128.load(q, 32), t2);
    t3 = madd(v, v128.load(q, 48), t3);
  }
  if (e < end) {
    const q = x + <usize>load<i32>(e);
    const v = v128.load32_splat(e, 4);
    s0 = madd(v, v128.load(q), s0);
    s1 = madd(v, v128.load(q, 16), s1);
    s2 = madd(v, v128.load(q, 32), s2);
    s3 = madd(v, v128.load(q, 48), s3);
  }
  v128.store(to, f32x4.add(s0, t0));
  v128.store(to, f32x4.add(s1, t1), 16);
  v128.store(to, f32x4.add(s2, t2), 32);
  v128.store(to, f32x4.add(s3, t3), 48);
}

/**
 * to[pitch] += Σ value × x[offset…] over a list of pairs, without the entries whose pixel is
 * outside the image. The pixel is `top` rows and `left` columns from its position in the slab.
 */
function gatherInside(
  e: usize,
  end: usize,
  x: usize,
  to: usize,
  pitch: i32,
  rowBytes: usize,
  top: i32,
  left: i32,
  height: i32,
  width: i32,
): void {
  for (; e < end; e += 8) {
    const offset = <usize>load<i32>(e);
    const iy = <i32>(offset / rowBytes) + top;
    const ix = <i32>((offset % rowBytes) / ((<usize>pitch) << 2)) + left;
    if (iy < 0 || iy >= height || ix < 0 || ix >= width) continue;
    const v = v128.load32_splat(e, 4);
    for (let i: usize = 0; i < (<usize>pitch) << 2; i += 16)
      v128.store(to + i, madd(v, v128.load(x + offset + i), v128.load(to + i)));
  }
}

/**
 * The weight gradient with stride 1 and no groups, summed in parts of the slabs. A part has a row
 * of inner rounded up to 16 for each column and tap. A chunk is a part, or a cut of its columns. A
 * slab of x is copied with zeros around it, so that every kernel position is inside the copy.
 */
export function weightGradSparse(p: usize, thread: i32): void {
  const x = address(p, WeightGradSparseWord.x);
  const g = address(p, WeightGradSparseWord.g);
  const partials = address(p, WeightGradSparseWord.partials);
  const parts = arg(p, WeightGradSparseWord.parts);
  const columnStep = arg(p, WeightGradSparseWord.columnStep);
  const tapStep = arg(p, WeightGradSparseWord.tapStep);
  const cuts = arg(p, WeightGradSparseWord.cuts);
  const batch = arg(p, WeightGradSparseWord.batch);
  const height = arg(p, WeightGradSparseWord.height);
  const width = arg(p, WeightGradSparseWord.width);
  const inner = arg(p, WeightGradSparseWord.inner);
  const outHeight = arg(p, WeightGradSparseWord.outHeight);
  const outWidth = arg(p, WeightGradSparseWord.outWidth);
  const columns = arg(p, WeightGradSparseWord.columns);
  const beforeH = arg(p, WeightGradSparseWord.beforeH);
  const beforeW = arg(p, WeightGradSparseWord.beforeW);
  const kh = arg(p, WeightGradSparseWord.kernelH);
  const kw = arg(p, WeightGradSparseWord.kernelW);
  const dilationH = arg(p, WeightGradSparseWord.dilationH);
  const dilationW = arg(p, WeightGradSparseWord.dilationW);
  const slab = arg(p, WeightGradSparseWord.slab);

  const pitch = (inner + 15) & ~15;
  const pitchBytes = (<usize>pitch) << 2;
  const paddedWidth = outWidth + (kw - 1) * dilationW;
  const taps = kh * kw;
  const partFloats = columns * taps * pitch;
  const slabs = (outHeight + slab - 1) / slab;
  const units = batch * slabs;
  // Scratch memory holds the ends of the lists, the copy, and one list per column of a cut.
  const ends = scratch(thread);
  const copy = ends + ((<usize>(columns << 2) + 63) & ~63);
  const lists = copy + <usize>((slab + (kh - 1) * dilationH) * paddedWidth) * pitchBytes;
  const listBytes = (<usize>(slab * outWidth + 1)) << 3;

  for (let c = next(); c < parts * cuts; c = next()) {
    const share = c / cuts;
    const first = ((c % cuts) * columns) / cuts;
    const own = ((c % cuts + 1) * columns) / cuts - first;
    const part = partials + ((<isize>share * partFloats + <isize>first * columnStep) << 2);
    for (let o = 0; o < own; o++)
      for (let tap = 0; tap < taps; tap++)
        memory.fill(part + ((<isize>o * columnStep + <isize>tap * tapStep) << 2), 0, pitchBytes);
    const last = <i32>((<i64>units * (share + 1)) / parts);
    for (let u = <i32>((<i64>units * share) / parts); u < last; u++) {
      const n = u / slabs;
      const oy0 = (u % slabs) * slab;
      const rows = min(slab, outHeight - oy0);
      // Copies the slab.
      const paddedRows = rows + (kh - 1) * dilationH;
      let all = false;
      let to = copy;
      for (let r = 0; r < paddedRows; r++) {
        const iy = oy0 - beforeH + r;
        const inside = iy >= 0 && iy < height;
        const x0 = inside ? max(0, min(beforeW, paddedWidth)) : paddedWidth;
        const x1 = inside ? max(x0, min(paddedWidth, width + beforeW)) : paddedWidth;
        memory.fill(to, 0, <usize>x0 * pitchBytes);
        to += <usize>x0 * pitchBytes;
        if (x1 > x0) {
          const from = x + ((<usize>(((n * height + iy) * width + x0 - beforeW) * inner)) << 2);
          all = all || hasSpecial(from, (x1 - x0) * inner);
          if (pitch == inner) memory.copy(to, from, <usize>(x1 - x0) * pitchBytes);
          else
            for (let i = 0; i < x1 - x0; i++) {
              const t = to + <usize>i * pitchBytes;
              memory.copy(t, from + ((<usize>(i * inner)) << 2), (<usize>inner) << 2);
              memory.fill(t + ((<usize>inner) << 2), 0, (<usize>(pitch - inner)) << 2);
            }
          to += <usize>(x1 - x0) * pitchBytes;
        }
        memory.fill(to, 0, <usize>(paddedWidth - x1) * pitchBytes);
        to += <usize>(paddedWidth - x1) * pitchBytes;
      }
      // Lists the nonzero values of each column of g.
      for (let o = 0; o < own; o++) store<u32>(ends + ((<usize>o) << 2), <u32>(lists + <usize>o * listBytes));
      let from = g + ((<usize>((n * outHeight + oy0) * outWidth * columns + first)) << 2);
      const rest = (<usize>(columns - own)) << 2;
      for (let r = 0; r < rows; r++) {
        let offset = <i32>(<usize>(r * paddedWidth) * pitchBytes);
        for (let i = 0; i < outWidth; i++, offset += <i32>pitchBytes, from += rest) {
          let o = 0;
          for (; o + 4 <= own; o += 4, from += 16) {
            const v = v128.load(from);
            const mask = all ? 15 : 15 ^ i32x4.bitmask(f32x4.eq(v, f32x4.splat(0)));
            if (mask == 0) continue;
            const e = ends + ((<usize>o) << 2);
            let at = load<u32>(e);
            store<i32>(at, offset);
            store<f32>(at, f32x4.extract_lane(v, 0), 4);
            store<u32>(e, at + ((mask & 1) << 3));
            at = load<u32>(e, 4);
            store<i32>(at, offset);
            store<f32>(at, f32x4.extract_lane(v, 1), 4);
            store<u32>(e, at + ((mask & 2) << 2), 4);
            at = load<u32>(e, 8);
            store<i32>(at, offset);
            store<f32>(at, f32x4.extract_lane(v, 2), 4);
            store<u32>(e, at + ((mask & 4) << 1), 8);
            at = load<u32>(e, 12);
            store<i32>(at, offset);
            store<f32>(at, f32x4.extract_lane(v, 3), 4);
            store<u32>(e, at + (mask & 8), 12);
          }
          for (; o < own; o++, from += 4) {
            const v = load<f32>(from);
            const e = ends + ((<usize>o) << 2);
            const at = load<u32>(e);
            store<i32>(at, offset);
            store<f32>(at, v, 4);
            if (all || v != 0) store<u32>(e, at + 8);
          }
        }
      }
      // Multiplies. A zero beside the image times an infinity would be NaN, so in that case entries
      // outside the image are skipped one by one.
      const careful = hasSpecial(
        g + ((<usize>((n * outHeight + oy0) * outWidth * columns)) << 2),
        rows * outWidth * columns,
      );
      for (let o = 0; o < own; o++) {
        const list = lists + <usize>o * listBytes;
        const end = <usize>load<u32>(ends + ((<usize>o) << 2));
        if (end == list) continue;
        for (let ky = 0; ky < kh; ky++)
          for (let kx = 0; kx < kw; kx++) {
            let into = part + ((<isize>o * columnStep + <isize>(ky * kw + kx) * tapStep) << 2);
            const at = copy + <usize>(ky * dilationH * paddedWidth + kx * dilationW) * pitchBytes;
            if (careful) {
              const top = oy0 - beforeH + ky * dilationH;
              gatherInside(
                list,
                end,
                at,
                into,
                pitch,
                <usize>paddedWidth * pitchBytes,
                top,
                kx * dilationW - beforeW,
                height,
                width,
              );
              continue;
            }
            let i = 0;
            for (; i + 32 <= pitch; i += 32, into += 128) sums32<PairEntry>(list, end, 0, at + ((<usize>i) << 2), into);
            if (i < pitch) gather16(list, end, at + ((<usize>i) << 2), into);
          }
      }
    }
  }
}

/** Adds the parts [columns, taps, inner rounded up to 16]. */
export function sumSparse(p: usize): void {
  const to = address(p, SumSparseWord.to);
  const partials = address(p, SumSparseWord.partials);
  const parts = arg(p, SumSparseWord.parts);
  const taps = arg(p, SumSparseWord.taps);
  const inner = arg(p, SumSparseWord.inner);
  const columns = arg(p, SumSparseWord.columns);
  const reversed = arg(p, SumSparseWord.reversed) != 0;
  const pitch = (inner + 15) & ~15;
  const size = (<usize>(columns * taps * pitch)) << 2;
  for (let tap = next(); tap < taps; tap = next())
    for (let o = 0; o < columns; o++) {
      const row = partials + ((<usize>((o * taps + tap) * pitch)) << 2);
      for (let i = 0; i < inner; i += 4) {
        let from = row + ((<usize>i) << 2);
        let sum = v128.load(from);
        for (let s = 1; s < parts; s++) sum = f32x4.add(sum, v128.load((from += size)));
        if (reversed) {
          storeLanes(to + ((<usize>(((taps - 1 - tap) * columns + o) * inner + i)) << 2), sum, inner - i);
          continue;
        }
        let at = to + ((<usize>((tap * inner + i) * columns + o)) << 2);
        const step = (<usize>columns) << 2;
        store<f32>(at, f32x4.extract_lane(sum, 0));
        if (i + 1 < inner) store<f32>((at += step), f32x4.extract_lane(sum, 1));
        if (i + 2 < inner) store<f32>((at += step), f32x4.extract_lane(sum, 2));
        if (i + 3 < inner) store<f32>((at += step), f32x4.extract_lane(sum, 3));
      }
    }
}
