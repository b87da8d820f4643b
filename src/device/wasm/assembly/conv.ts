/**
 * Convolution. The weights are repacked into panels. A panel holds the weights of 16 (or 4, or 1)
 * output columns, row by row, in the order in which the kernels read the image. The products of one
 * kernel row then read consecutive memory, and image patches need not be copied. At the borders a
 * row is cut short.
 * Not here: the innermost loops (tiles.ts), the weight gradient (conv-grad.ts).
 */
import { Opcode } from '../protocol/command';
import { ConvolveWord, PackWord } from '../protocol/conv';
import { sumPartials, weightGrad } from './conv-grad';
import { address, arg, next } from './core';
import { tile1x16, tiles2x16, tiles4x1, tiles4x4 } from './tiles';
import { firstInside, firstOutside, zeros } from './window';

/** Pixels of an output row per chunk. */
const stretch = 64;

/**
 * Copies the weight into panels of one width. A chunk is a panel. Columns that a panel has beyond
 * the weight are filled with zeros.
 */
function pack(p: usize): void {
  const to = address(p, PackWord.to);
  const from = address(p, PackWord.from);
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
  const innerStep = (<usize>arg(p, PackWord.innerStep)) << 2;
  const columnStep = (<usize>arg(p, PackWord.columnStep)) << 2;
  const groupStep = arg(p, PackWord.groupStep);
  const blocks = (columns + width - 1) / width;
  for (let c = next(); c < groups * blocks; c = next()) {
    const group = c / blocks;
    const first = (c % blocks) * width;
    const have = min(width, columns - first);
    let at = to + ((<usize>(c * kh * kw * inner * width)) << 2);
    for (let y = 0; y < kh; y++)
      for (let x = 0; x < kw; x++) {
        const tap = (ky0 + y * kyStep) * sourceWidth + kx0 + x * kxStep;
        let source = from + ((<usize>(tap * tapStep + group * groupStep)) << 2) + <usize>first * columnStep;
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

/**
 * Convolution over panels of one width. A chunk is a part of an output row, for all groups and
 * panels.
 */
function convolve(p: usize): void {
  const x = address(p, ConvolveWord.x);
  const y = address(p, ConvolveWord.y);
  const panels = address(p, ConvolveWord.panels);
  const bias = address(p, ConvolveWord.bias);
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
  const yColumn = (<usize>arg(p, ConvolveWord.yColumn)) << 2;
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
  const wTap = (<usize>(inner * panelWidth)) << 2;
  const wRow = <usize>kw * wTap;
  const panelBytes = <usize>kh * wRow;
  const xRow = (<usize>(dilationH * rowFloats)) << 2;
  const xTap = (<usize>(dilationW * pixel)) << 2;
  const xNext = (<usize>(strideW * pixel)) << 2;
  // The taps of a kernel row are read as one run if the image has them side by side.
  const joined = dilationW == 1 && groups == 1;
  const stretches = (outWidth + stretch - 1) / stretch;
  // The output columns whose whole kernel row is inside the image.
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
    const xTop = x + ((<usize>((n * height + top + ky0 * dilationH) * rowFloats)) << 2);
    const yTop = y + ((<usize>(n * yImage + oy * yRow)) << 2);
    for (let b = 0; b < groups * blocks; b++) {
      const group = b / blocks;
      const column = (b % blocks) * panelWidth;
      const lanes = min(panelWidth, columns - column);
      const panel = panels + <usize>b * panelBytes + <usize>ky0 * wRow;
      const xGroup = xTop + ((<usize>(group * inner)) << 2);
      const yGroup = yTop + ((<usize>(group * columns + column)) << 2);
      // A panel may be wider than the bias. The values past its end are read, but not stored.
      const added = bias == 0 ? zeros : bias + ((<usize>(group * columns + column)) << 2);
      let ox = from;
      while (ox < to) {
        const left = ox * strideW - beforeW;
        const whole = ox >= innerFrom && ox < innerTo;
        const kx0 = whole ? 0 : firstInside(left, dilationW);
        const taps = whole ? kw : max(0, firstOutside(left, dilationW, width, kw) - kx0);
        const at = xGroup + ((<usize>((left + kx0 * dilationW) * pixel)) << 2);
        const w = panel + <usize>kx0 * wTap;
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
          if (panelWidth == 4)
            tiles4x4(run, at, xNext, w, out, yColumn, added, lanes, rows, xRow, wRow, segments, xTap, wTap, count);
          else
            tiles4x1(run, at, xNext, w, out, yColumn, load<f32>(added), rows, xRow, wRow, segments, xTap, wTap, count);
          ox += run;
        }
      }
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
