/**
 * Commands for one convolution: the choice of the algorithm, and the commands of each algorithm.
 * conv.ts turns the kernels into such convolutions, and matmul.ts the matrix product. The words of
 * a command are in the order of its enum in protocol/conv.ts.
 */
import { type Encoder, grainOf, onlyIf } from './commands.js';
import { thin, thinForWinograd } from './density.js';
import { fewPixels, suitsFewPixels } from './few-pixels.js';
import type { WasmBuffer } from './memory.js';
import { Opcode } from './protocol/command.js';
import { suitsWinograd, winograd } from './winograd.js';

/** For fewer pixels than this, a large weight is not packed even if x is mostly zeros. */
const fewerThanPanels = 128;

/** Fewer products than this are not worth waking another thread. */
export const worthSharingProducts = 40_000;

/**
 * One axis of a convolution as the kernel computes it. Output t reads input t·stride + j·dilation −
 * before at tap j. Tap j is the weight's tap `firstTap + j·tapStep`.
 */
export interface Axis {
  readonly input: number;
  readonly output: number;
  readonly stride: number;
  readonly before: number;
  readonly taps: number;
  readonly dilation: number;
  readonly firstTap: number;
  readonly tapStep: number;
}

/** The arguments of a convolution kernel. Sizes are in elements. */
export interface Convolution {
  readonly x: number;
  /** The share of x that is not zero. Default 1. */
  readonly density?: number;
  readonly y: number;
  readonly weight: number;
  /** The buffer of the weight. Absent if the second operand of a matrix product is the weight. */
  readonly weightBuffer?: WasmBuffer;
  readonly bias: number;
  readonly batch: number;
  readonly height: Axis;
  readonly width: Axis;
  readonly groups: number;
  readonly inner: number;
  readonly columns: number;
  readonly yImage: number;
  readonly yRow: number;
  readonly yColumn: number;
  /** Strides of the weight along kernel width, products, columns and groups. */
  readonly kernelWidth: number;
  readonly tapStep: number;
  readonly innerStep: number;
  readonly columnStep: number;
  readonly groupStep: number;
}

/**
 * Divides the columns into panels of width 16 and a remainder of width 4. One or two columns are
 * single panels.
 */
function panelsOf(columns: number): { width: number; from: number; count: number }[] {
  if (columns <= 2) return [{ width: 1, from: 0, count: columns }];
  const whole = columns - (columns % 16);
  const rest = columns - whole;
  if (rest > 12 || rest === 0) return [{ width: 16, from: 0, count: columns }];
  const tail = { width: 4, from: whole, count: rest };
  return whole === 0 ? [tail] : [{ width: 16, from: 0, count: whole }, tail];
}

export function convolution(to: Encoder, c: Convolution): void {
  const taps = c.height.taps * c.width.taps;
  const pixels = c.batch * c.height.output * c.width.output;
  if (pixels === 0) return;
  const products = pixels * taps * c.inner * c.columns * c.groups;
  const parallel = products > worthSharingProducts;
  // Eight products take about as long as one element visit.
  const grain = grainOf(products / 8, c.batch * c.height.output);
  const byWinograd = suitsWinograd(c);
  const isThin = (c.density ?? 1) <= (byWinograd ? thinForWinograd : thin);
  // Lists need the weight in panels, which takes longer than the products of few pixels.
  const worthPacking = pixels >= fewerThanPanels || !suitsFewPixels(c);
  if (isThin && worthPacking && c.groups === 1 && c.columns >= 16 && c.inner >= 8 && c.inner <= 65536 && parallel) {
    sparseConvolution(to, c);
    return;
  }
  const oneToOne = c.inner === 1 && c.columns === 1;
  const rowWise = c.groups === 1 && c.height.stride === 1 && c.width.stride === 1 && c.yColumn === 1;
  if (oneToOne && (c.groups >= 4 || rowWise)) {
    depthwise(to, c, parallel, grain);
    return;
  }
  if (byWinograd) {
    const tooLarge = winograd(to, c);
    directConvolution(onlyIf(to, tooLarge), c, parallel, grain);
    return;
  }
  directConvolution(to, c, parallel, grain);
}

/** The convolution by sums of products: by packed panels, or without them for few pixels. */
function directConvolution(to: Encoder, c: Convolution, parallel: boolean, grain: number): void {
  if (suitsFewPixels(c)) {
    fewPixels(to, c, parallel);
    return;
  }
  const taps = c.height.taps * c.width.taps;
  // With several groups, a remainder would need panels of two widths in each group. All panels are
  // narrow then.
  const cuts =
    c.groups === 1
      ? panelsOf(c.columns)
      : [{ width: c.columns <= 2 ? 1 : c.columns % 16 === 0 ? 16 : 4, from: 0, count: c.columns }];
  for (const { width, from, count } of cuts) {
    const blocks = Math.ceil(count / width);
    const panels = to.temporary(Math.max(c.groups * blocks * width * taps * c.inner, 1) * 4);
    pack(to, c.groups * blocks > 1 && c.columns * c.groups * taps * c.inner > 8192, c, panels, from, count, width);
    const { height, width: across } = c;
    const words = [
      c.x,
      c.y + from,
      panels,
      c.bias === 0 ? 0 : c.bias + from,
      c.batch,
      height.input,
      across.input,
      c.groups * c.inner,
      c.groups,
      c.inner,
      count,
      width,
      height.output,
      across.output,
      c.yImage,
      c.yRow,
      c.yColumn,
      height.stride,
      across.stride,
      height.before,
      across.before,
      height.taps,
      across.taps,
      height.dilation,
      across.dilation,
    ];
    to.emit(Opcode.convolve, parallel, words, grain);
  }
}

/** Repacks the weight into panels of one width. */
function pack(
  to: Encoder,
  parallel: boolean,
  c: Convolution,
  panels: number,
  from: number,
  count: number,
  width: number,
): void {
  to.emit(Opcode.pack, parallel, [
    panels,
    c.weight + from * c.columnStep,
    c.groups,
    count,
    width,
    c.height.taps,
    c.width.taps,
    c.height.firstTap,
    c.height.tapStep,
    c.width.firstTap,
    c.width.tapStep,
    c.kernelWidth,
    c.inner,
    c.tapStep,
    c.innerStep,
    c.columnStep,
    c.groupStep,
  ]);
}

/**
 * The convolution for an x that is mostly zeros. It uses a list of the nonzero values of each
 * pixel.
 */
function sparseConvolution(to: Encoder, c: Convolution): void {
  const { height, width } = c;
  const pixels = c.batch * height.input * width.input;
  const panelWidth = c.columns % 32 === 0 ? 32 : 16;
  const blocks = Math.ceil(c.columns / panelWidth);
  const size = height.taps * width.taps * c.inner;
  const panels = to.temporary(blocks * panelWidth * size * 4);
  const flag = to.temporary(4);
  // The compress kernel may write one entry past the end of a full list.
  const lists = to.temporary(pixels * c.inner * 2 + 2);
  const counts = to.temporary(pixels * 4);
  pack(to, blocks > 1 && c.columns * size > 8192, c, panels, 0, c.columns, panelWidth);
  to.emit(Opcode.special, false, [panels, blocks * panelWidth * size, flag]);
  to.emit(Opcode.compress, true, [c.x, pixels, c.inner, lists, counts, flag]);
  to.emit(Opcode.convolveSparse, true, [
    c.x,
    c.y,
    panels,
    c.bias,
    c.batch,
    height.input,
    width.input,
    counts,
    c.inner,
    c.columns,
    panelWidth,
    height.output,
    width.output,
    c.yImage,
    c.yRow,
    c.yColumn,
    height.stride,
    width.stride,
    height.before,
    width.before,
    height.taps,
    width.taps,
    height.dilation,
    width.dilation,
    lists,
  ]);
}

/**
 * A depthwise convolution, or one of one channel to one channel. It uses the weight without
 * repacking.
 */
function depthwise(to: Encoder, c: Convolution, parallel: boolean, grain: number): void {
  const { height, width } = c;
  const words = [
    c.x,
    c.y,
    c.weight,
    c.bias,
    c.batch,
    height.input,
    width.input,
    c.groups,
    height.output,
    width.output,
    c.yImage,
    c.yRow,
    c.yColumn,
    height.stride,
    width.stride,
    height.before,
    width.before,
    height.taps,
    width.taps,
    height.dilation,
    width.dilation,
    height.firstTap,
    height.tapStep,
    width.firstTap,
    width.tapStep,
    c.kernelWidth,
  ];
  to.emit(c.groups === 1 ? Opcode.singleChannel : Opcode.depthwise, parallel, words, grain);
}
