/**
 * The weight gradient of convolution. It is summed in parts, and each part covers a range of the
 * batch.
 * Not here: the innermost loops (outer-tiles.ts).
 */
import { SumPartialsWord, WeightGradWord } from '../protocol/conv';
import { address, arg, next } from './core';
import { outer1x16, outer2x16, outer4x4 } from './outer-tiles';
import { firstInside, firstOutside } from './window';

/**
 * The weight gradient of one part of the batch. A chunk is one part and one kernel row, and one
 * kernel column unless the taps are joined. A part is [kernelH, kernelW, inner, groups·columns]. If
 * it is swapped, vectors run along the input channels, and a part is [kernelH, kernelW,
 * groups·columns, inner].
 */
export function weightGrad(p: usize): void {
  const x = address(p, WeightGradWord.x);
  const g = address(p, WeightGradWord.g);
  const partials = address(p, WeightGradWord.partials);
  const parts = arg(p, WeightGradWord.parts);
  const batch = arg(p, WeightGradWord.batch);
  const height = arg(p, WeightGradWord.height);
  const width = arg(p, WeightGradWord.width);
  const xPixel = arg(p, WeightGradWord.xPixel);
  const groups = arg(p, WeightGradWord.groups);
  const inner = arg(p, WeightGradWord.inner);
  const outHeight = arg(p, WeightGradWord.outHeight);
  const outWidth = arg(p, WeightGradWord.outWidth);
  const columns = arg(p, WeightGradWord.columns);
  const gPixel = arg(p, WeightGradWord.gPixel);
  const strideH = arg(p, WeightGradWord.strideH);
  const strideW = arg(p, WeightGradWord.strideW);
  const beforeH = arg(p, WeightGradWord.beforeH);
  const beforeW = arg(p, WeightGradWord.beforeW);
  const kh = arg(p, WeightGradWord.kernelH);
  const kw = arg(p, WeightGradWord.kernelW);
  const dilationH = arg(p, WeightGradWord.dilationH);
  const dilationW = arg(p, WeightGradWord.dilationW);
  const swapped = arg(p, WeightGradWord.swapped) != 0;
  const slab = arg(p, WeightGradWord.slab);

  const outChannels = groups * columns;
  const tapBytes = (<usize>(inner * outChannels)) << 2;
  const slabs = (outHeight + slab - 1) / slab;
  const xStep = (<usize>(strideW * xPixel)) << 2;
  const xRow = (<usize>(strideH * width * xPixel)) << 2;
  const gStep = (<usize>gPixel) << 2;
  const gRow = (<usize>(outWidth * gPixel)) << 2;
  // With few input channels, the taps of a kernel row are factors together wherever all of them are
  // inside the image, because they are side by side in memory.
  const joined = groups == 1 && dilationW == 1 && !swapped && inner < 8;
  const whole = joined ? 1 : kw;
  const joinedFrom = firstInside(-beforeW, strideW);
  const joinedTo = firstOutside(kw - 1 - beforeW, strideW, width, outWidth);
  for (let c = next(); c < parts * kh * whole; c = next()) {
    const part = c / (kh * whole);
    const ky = (c / whole) % kh;
    const kx0 = joined ? 0 : c % whole;
    const kx1 = joined ? kw : kx0 + 1;
    const into = partials + <usize>((part * kh + ky) * kw + kx0) * tapBytes;
    memory.fill(into, 0, <usize>(kx1 - kx0) * tapBytes);
    const top = ky * dilationH - beforeH;
    const lowest = firstInside(top, strideH);
    const highest = firstOutside(top, strideH, height, outHeight);
    const first = <i32>((<i64>batch * part) / parts);
    const last = <i32>((<i64>batch * (part + 1)) / parts);
    for (let s = first * slabs; s < last * slabs; s++) {
      const n = s / slabs;
      const oy0 = max(lowest, (s % slabs) * slab);
      const rows = min(highest, (s % slabs) * slab + slab) - oy0;
      if (rows <= 0) continue;
      const xTop = x + ((<usize>((n * height + oy0 * strideH + top) * width * xPixel)) << 2);
      const gTop = g + ((<usize>((n * outHeight + oy0) * outWidth * gPixel)) << 2);
      if (joined && joinedTo > joinedFrom)
        outer(
          xTop + ((<usize>((joinedFrom * strideW - beforeW) * xPixel)) << 2),
          xStep,
          xRow,
          kw * inner,
          gTop + <usize>joinedFrom * gStep,
          gStep,
          gRow,
          columns,
          rows,
          joinedTo - joinedFrom,
          into,
          (<usize>columns) << 2,
        );
      for (let kx = kx0; kx < kx1; kx++) {
        const left = kx * dilationW - beforeW;
        const from = firstInside(left, strideW);
        const to = firstOutside(left, strideW, width, outWidth);
        const tap = into + <usize>(kx - kx0) * tapBytes;
        // The pixels that were not added above: all of them, or those on either side.
        const split = joined && joinedTo > joinedFrom;
        const sides = split ? 2 : 1;
        for (let side = 0; side != sides; side++) {
          const ox = split && side == 1 ? max(from, joinedTo) : from;
          const count = (split && side == 0 ? min(to, joinedFrom) : to) - ox;
          if (count <= 0) continue;
          const xAt = xTop + ((<usize>((ox * strideW + left) * xPixel)) << 2);
          const gAt = gTop + <usize>ox * gStep;
          for (let group = 0; group < groups; group++) {
            const xGroup = xAt + ((<usize>(group * inner)) << 2);
            const gGroup = gAt + ((<usize>(group * columns)) << 2);
            if (swapped)
              outer(
                gGroup,
                gStep,
                gRow,
                columns,
                xGroup,
                xStep,
                xRow,
                inner,
                rows,
                count,
                tap + ((<usize>(group * columns * inner)) << 2),
                (<usize>inner) << 2,
              );
            else
              outer(
                xGroup,
                xStep,
                xRow,
                inner,
                gGroup,
                gStep,
                gRow,
                columns,
                rows,
                count,
                tap + ((<usize>(group * columns)) << 2),
                (<usize>outChannels) << 2,
              );
          }
        }
      }
    }
  }
}

/** to[i][j] += Σ a[i]·b[j] over rows × count pixels. */
function outer(
  a: usize,
  aStep: usize,
  aRow: usize,
  factors: i32,
  b: usize,
  bStep: usize,
  bRow: usize,
  columns: i32,
  rows: i32,
  count: i32,
  to: usize,
  toNext: usize,
): void {
  let j = 0;
  for (; j + 16 <= columns; j += 16, b += 64, to += 64) {
    let i = 0;
    let f = a;
    let t = to;
    for (; i + 2 <= factors; i += 2, f += 8, t += toNext * 2)
      outer2x16(f, 4, aStep, aRow, b, bStep, bRow, rows, count, t, toNext);
    if (i < factors) outer1x16(f, aStep, aRow, b, bStep, bRow, rows, count, t);
  }
  for (; j < columns; j += 4, b += 16, to += 16)
    for (let i = 0; i < factors; i += 4)
      outer4x4(
        a + ((<usize>i) << 2),
        4,
        min(4, factors - i),
        aStep,
        aRow,
        b,
        bStep,
        bRow,
        rows,
        count,
        to + <usize>i * toNext,
        toNext,
        columns - j,
      );
}

/** Adds the parts in their order. The result is [taps, inner, columns]. */
export function sumPartials(p: usize): void {
  const to = address(p, SumPartialsWord.to);
  const partials = address(p, SumPartialsWord.partials);
  const parts = arg(p, SumPartialsWord.parts);
  const taps = arg(p, SumPartialsWord.taps);
  const inner = arg(p, SumPartialsWord.inner);
  const columns = arg(p, SumPartialsWord.columns);
  const swapped = arg(p, SumPartialsWord.swapped) != 0;
  const tap = inner * columns;
  const size = (<usize>(taps * tap)) << 2;
  for (let c = next(); c < taps; c = next()) {
    let at = (<usize>(c * tap)) << 2;
    const end = at + ((<usize>tap) << 2);
    if (swapped) {
      for (let i = 0; i < tap; i++) {
        let from = partials + ((<usize>(c * tap + (i % columns) * inner + i / columns)) << 2);
        let sum = load<f32>(from);
        for (let s = 1; s < parts; s++) sum += load<f32>((from += size));
        store<f32>(to + at + ((<usize>i) << 2), sum);
      }
      continue;
    }
    for (; at + 16 <= end; at += 16) {
      let from = partials + at;
      let sum = v128.load(from);
      for (let s = 1; s < parts; s++) sum = f32x4.add(sum, v128.load((from += size)));
      v128.store(to + at, sum);
    }
    for (; at < end; at += 4) {
      let from = partials + at;
      let sum = load<f32>(from);
      for (let s = 1; s < parts; s++) sum += load<f32>((from += size));
      store<f32>(to + at, sum);
    }
  }
}
