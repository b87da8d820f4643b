/**
 * Convolution and its gradients over packed panels. A panel holds the weights of 16 (or 4, or 1) output columns, row by row in the order in which an image is
 * walked, so that the products of one kernel row are one run through memory: no copy of image patches is made. At the borders runs are cut short.
 */
import { Opcode } from '../protocol/command';
import { ConvolveWord, PackWord, SumPartialsWord, WeightGradWord } from '../protocol/conv';
import { arg, next } from './core';
import { outer1x16, outer2x16, outer4x4, tile1x16, tiles2x16, tiles4x1, tiles4x4 } from './tiles';

/** How many pixels of a row make one chunk. */
const stretch = 64;

/** to, from, then: groups, columns a group, width, kh, kw, ky0, kyStep, kx0, kxStep, source kw, inner, tap step, inner step, column step, group step (floats). */
function pack(p: usize): void {
  const to = <usize>arg(p, PackWord.to);
  const from = <usize>arg(p, PackWord.from);
  const groups = arg(p, PackWord.groups);
  const columns = arg(p, PackWord.columns);
  const width = arg(p, PackWord.width);
  const kh = arg(p, PackWord.kernelH);
  const kw = arg(p, PackWord.kernelW);
  const ky0 = arg(p, PackWord.firstTapH);
  const kyStep = arg(p, PackWord.tapStepH);
  const kx0 = arg(p, PackWord.firstTapW);
  const kxStep = arg(p, PackWord.tapStepW);
  const sourceWidth = arg(p, PackWord.sourceWidth);
  const inner = arg(p, PackWord.inner);
  const tapStep = arg(p, PackWord.tapStep);
  const innerStep = <usize>arg(p, PackWord.innerStep) << 2;
  const columnStep = <usize>arg(p, PackWord.columnStep) << 2;
  const groupStep = arg(p, PackWord.groupStep);
  const blocks = (columns + width - 1) / width;
  for (let c = next(); c < groups * blocks; c = next()) {
    const group = c / blocks;
    const first = (c % blocks) * width;
    const have = min(width, columns - first);
    let at = to + (<usize>(c * kh * kw * inner * width) << 2);
    for (let y = 0; y < kh; y++)
      for (let x = 0; x < kw; x++) {
        const tap = (ky0 + y * kyStep) * sourceWidth + kx0 + x * kxStep;
        let source = from + (<usize>(tap * tapStep + group * groupStep) << 2) + <usize>first * columnStep;
        for (let k = 0; k < inner; k++, source += innerStep) {
          let s = source;
          let j = 0;
          if (columnStep == 4) for (; j + 4 <= have; j += 4, s += 16, at += 16) v128.store(at, v128.load(s));
          for (; j < have; j++, s += columnStep, at += 4) store<f32>(at, load<f32>(s));
          for (; j < width; j++, at += 4) store<f32>(at, 0);
        }
      }
  }
}

/** What stands in for a bias where there is none. */
export const zeros = memory.data(128, 16);

/** Least j with j·step + start ≥ 0. */
// @ts-ignore: decorator
@inline
export function firstInside(start: i32, step: i32): i32 {
  return start >= 0 ? 0 : (step - 1 - start) / step;
}
/** Least j, at most count, with j·step + start ≥ size. */
// @ts-ignore: decorator
@inline
export function firstOutside(start: i32, step: i32, size: i32, count: i32): i32 {
  return start >= size ? 0 : min(count, (size - start + step - 1) / step);
}

/**
 * x, y, panels, bias (0: none), batch, H, W, pixel step, groups, inner, columns a group, panel width, rows, columns of output, y image, row and column step (floats), stride h and w,
 * before h and w, kh, kw, dilation h and w. One panel width for all columns.
 */
function convolve(p: usize): void {
  const x = <usize>arg(p, ConvolveWord.x);
  const y = <usize>arg(p, ConvolveWord.y);
  const panels = <usize>arg(p, ConvolveWord.panels);
  const bias = <usize>arg(p, ConvolveWord.bias);
  const batch = arg(p, ConvolveWord.batch);
  const height = arg(p, ConvolveWord.height);
  const width = arg(p, ConvolveWord.width);
  const pixel = arg(p, ConvolveWord.pixel);
  const groups = arg(p, ConvolveWord.groups);
  const inner = arg(p, ConvolveWord.inner);
  const columns = arg(p, ConvolveWord.columns);
  const panelWidth = arg(p, ConvolveWord.panelWidth);
  const outHeight = arg(p, ConvolveWord.outHeight);
  const outWidth = arg(p, ConvolveWord.outWidth);
  const yImage = arg(p, ConvolveWord.yImage);
  const yRow = arg(p, ConvolveWord.yRow);
  const yColumn = <usize>arg(p, ConvolveWord.yColumn) << 2;
  const strideH = arg(p, ConvolveWord.strideH);
  const strideW = arg(p, ConvolveWord.strideW);
  const beforeH = arg(p, ConvolveWord.beforeH);
  const beforeW = arg(p, ConvolveWord.beforeW);
  const kh = arg(p, ConvolveWord.kernelH);
  const kw = arg(p, ConvolveWord.kernelW);
  const dilationH = arg(p, ConvolveWord.dilationH);
  const dilationW = arg(p, ConvolveWord.dilationW);

  const blocks = (columns + panelWidth - 1) / panelWidth;
  const rowFloats = width * pixel;
  const wTap = inner * panelWidth * 4;
  const wRow = kw * wTap;
  const panelBytes = kh * wRow;
  const xRow = dilationH * rowFloats * 4;
  const xTap = dilationW * pixel * 4;
  const xNext = <usize>(strideW * pixel) << 2;
  // Runs join across taps where the image has them side by side.
  const joined = dilationW == 1 && groups == 1;
  const stretches = (outWidth + stretch - 1) / stretch;
  // Where whole kernels lie inside, so that no run is cut.
  const innerFrom = firstInside(-beforeW, strideW);
  const reach = (kw - 1) * dilationW - beforeW;
  const innerTo = firstOutside(reach, strideW, width, outWidth);

  for (let c = next(); c < batch * outHeight * stretches; c = next()) {
    const from = (c % stretches) * stretch;
    const to = min(from + stretch, outWidth);
    const oy = (c / stretches) % outHeight;
    const n = c / (stretches * outHeight);
    const top = oy * strideH - beforeH;
    const ky0 = firstInside(top, dilationH);
    const rows = max(0, firstOutside(top, dilationH, height, kh) - ky0);
    const xTop = x + (<usize>((n * height + top + ky0 * dilationH) * rowFloats) << 2);
    const yTop = y + (<usize>(n * yImage + oy * yRow) << 2);
    for (let b = 0; b < groups * blocks; b++) {
      const group = b / blocks;
      const column = (b % blocks) * panelWidth;
      const lanes = min(panelWidth, columns - column);
      const panel = panels + <usize>(b * panelBytes + ky0 * wRow);
      const xGroup = xTop + (<usize>(group * inner) << 2);
      const yGroup = yTop + (<usize>(group * columns + column) << 2);
      // The bias of a cut panel is read past its end, from memory that exists, and dropped.
      const added = bias == 0 ? zeros : bias + (<usize>(group * columns + column) << 2);
      let ox = from;
      while (ox < to) {
        const left = ox * strideW - beforeW;
        const whole = ox >= innerFrom && ox < innerTo;
        const kx0 = whole ? 0 : firstInside(left, dilationW);
        const taps = whole ? kw : max(0, firstOutside(left, dilationW, width, kw) - kx0);
        const at = xGroup + (<usize>((left + kx0 * dilationW) * pixel) << 2);
        const w = panel + <usize>(kx0 * wTap);
        const out = yGroup + <usize>ox * yColumn;
        const segments = joined ? 1 : taps;
        const count = joined ? taps * inner : inner;
        const run = whole ? min(innerTo, to) - ox : 1;
        if (panelWidth == 16) {
          const pairs = run >> 1;
          if (pairs > 0) {
            tiles2x16(pairs, at, xNext, w, out, yColumn, added, lanes, rows, xRow, wRow, segments, xTap, wTap, count);
            ox += pairs * 2;
          } else {
            tile1x16(at, w, out, added, lanes, rows, xRow, wRow, segments, xTap, wTap, count);
            ox++;
          }
        } else {
          if (panelWidth == 4) tiles4x4(run, at, xNext, w, out, yColumn, added, lanes, rows, xRow, wRow, segments, xTap, wTap, count);
          else tiles4x1(run, at, xNext, w, out, yColumn, load<f32>(added), rows, xRow, wRow, segments, xTap, wTap, count);
          ox += run;
        }
      }
    }
  }
}

/**
 * Σ over the pixels of one part of the batch, for one kernel row and column: x, g, partials, parts, batch, H, W, pixel step of x, groups, inner, outHeight, outWidth, columns a group,
 * pixel step of g, stride h and w, before h and w, kh, kw, dilation h and w, swapped (columns run along x and factors along g), rows of a slab.
 * A part is [kh, kw, inner, groups·columns], or [kh, kw, groups·columns, inner] when swapped.
 */
function weightGrad(p: usize): void {
  const x = <usize>arg(p, WeightGradWord.x);
  const g = <usize>arg(p, WeightGradWord.g);
  const partials = <usize>arg(p, WeightGradWord.partials);
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
  const tapFloats = inner * outChannels;
  const slabs = (outHeight + slab - 1) / slab;
  const xStep = <usize>(strideW * xPixel) << 2;
  const xRow = <usize>(strideH * width * xPixel) << 2;
  const gStep = <usize>gPixel << 2;
  const gRow = <usize>(outWidth * gPixel) << 2;
  // Few input channels: the taps of a kernel row, side by side in memory, are factors together wherever all of them are inside.
  const joined = groups == 1 && dilationW == 1 && !swapped && inner < 8;
  const whole = joined ? 1 : kw;
  const joinedFrom = firstInside(-beforeW, strideW);
  const joinedTo = firstOutside(kw - 1 - beforeW, strideW, width, outWidth);
  for (let c = next(); c < parts * kh * whole; c = next()) {
    const part = c / (kh * whole);
    const ky = (c / whole) % kh;
    const kx0 = joined ? 0 : c % whole;
    const kx1 = joined ? kw : kx0 + 1;
    const into = partials + (<usize>(((part * kh + ky) * kw + kx0) * tapFloats) << 2);
    memory.fill(into, 0, <usize>((kx1 - kx0) * tapFloats) << 2);
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
      const xTop = x + (<usize>((n * height + oy0 * strideH + top) * width * xPixel) << 2);
      const gTop = g + (<usize>((n * outHeight + oy0) * outWidth * gPixel) << 2);
      if (joined && joinedTo > joinedFrom)
        outer(xTop + (<usize>((joinedFrom * strideW - beforeW) * xPixel) << 2), xStep, xRow, kw * inner, gTop + <usize>joinedFrom * gStep, gStep, gRow, columns, rows, joinedTo - joinedFrom, into, <usize>columns << 2);
      for (let kx = kx0; kx < kx1; kx++) {
        const left = kx * dilationW - beforeW;
        const from = firstInside(left, strideW);
        const to = firstOutside(left, strideW, width, outWidth);
        const tap = into + (<usize>((kx - kx0) * tapFloats) << 2);
        // What was not added above: everything, or the pixels on either side.
        const split = joined && joinedTo > joinedFrom;
        const sides = split ? 2 : 1;
        for (let side = 0; side != sides; side++) {
          const ox = split && side == 1 ? max(from, joinedTo) : from;
          const count = (split && side == 0 ? min(to, joinedFrom) : to) - ox;
          if (count <= 0) continue;
          const xAt = xTop + (<usize>((ox * strideW + left) * xPixel) << 2);
          const gAt = gTop + <usize>ox * gStep;
          for (let group = 0; group < groups; group++) {
            const xGroup = xAt + (<usize>(group * inner) << 2);
            const gGroup = gAt + (<usize>(group * columns) << 2);
            if (swapped) outer(gGroup, gStep, gRow, columns, xGroup, xStep, xRow, inner, rows, count, tap + (<usize>(group * columns * inner) << 2), <usize>inner << 2);
            else outer(xGroup, xStep, xRow, inner, gGroup, gStep, gRow, columns, rows, count, tap + (<usize>(group * columns) << 2), <usize>outChannels << 2);
          }
        }
      }
    }
  }
}

/** to[i][j] += Σ over rows × count of a[i]·b[j]. */
function outer(a: usize, aStep: usize, aRow: usize, factors: i32, b: usize, bStep: usize, bRow: usize, columns: i32, rows: i32, count: i32, to: usize, toNext: usize): void {
  let j = 0;
  for (; j + 16 <= columns; j += 16, b += 64, to += 64) {
    let i = 0;
    let f = a;
    let t = to;
    for (; i + 2 <= factors; i += 2, f += 8, t += toNext * 2) outer2x16(f, 4, aStep, aRow, b, bStep, bRow, rows, count, t, toNext);
    if (i < factors) outer1x16(f, aStep, aRow, b, bStep, bRow, rows, count, t);
  }
  for (; j < columns; j += 4, b += 16, to += 16)
    for (let i = 0; i < factors; i += 4)
      outer4x4(a + (<usize>i << 2), 4, min(4, factors - i), aStep, aRow, b, bStep, bRow, rows, count, to + <usize>i * toNext, toNext, columns - j);
}

/** to, partials, parts, taps, inner, columns, swapped: Σ over parts, in their order, as [taps, inner, columns]. */
function sumPartials(p: usize): void {
  const to = <usize>arg(p, SumPartialsWord.to);
  const partials = <usize>arg(p, SumPartialsWord.partials);
  const parts = arg(p, SumPartialsWord.parts);
  const taps = arg(p, SumPartialsWord.taps);
  const inner = arg(p, SumPartialsWord.inner);
  const columns = arg(p, SumPartialsWord.columns);
  const swapped = arg(p, SumPartialsWord.swapped) != 0;
  const tap = inner * columns;
  const size = <usize>(taps * tap) << 2;
  for (let c = next(); c < taps; c = next()) {
    let at = <usize>(c * tap) << 2;
    const end = at + (<usize>tap << 2);
    if (swapped) {
      for (let i = 0; i < tap; i++) {
        let from = partials + (<usize>(c * tap + (i % columns) * inner + i / columns) << 2);
        let sum = load<f32>(from);
        for (let s = 1; s < parts; s++) sum += load<f32>((from += size));
        store<f32>(to + at + (<usize>i << 2), sum);
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

export function dispatchConv(opcode: i32, p: usize): void {
  switch (opcode) {
    case Opcode.pack:
      return pack(p);
    case Opcode.convolve:
      return convolve(p);
    case Opcode.weightGrad:
      return weightGrad(p);
    case Opcode.sumPartials:
      return sumPartials(p);
    default:
      unreachable();
  }
}
