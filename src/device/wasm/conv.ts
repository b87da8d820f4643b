/**
 * Commands for convolution and its two gradients. The input gradient is also computed by
 * convolutions. Input positions are grouped by their residue modulo the stride. Each group is one
 * convolution of stride 1 with the flipped taps that reach it. The weight gradient is summed in a
 * fixed number of parts, so that threads can share it and the order of summation never depends on
 * them.
 */
import type { Conv2dGeometry, WindowAxis } from '../../values/window.js';
import { type Encoder, type Family, grainOf } from './commands.js';
import { Opcode } from './protocol/command.js';
import { reduce } from './reduce.js';
import { scratchBytes } from './threads.js';

/** Fewer products than this are not worth waking another thread. */
export const worthSharingProducts = 40_000;

/**
 * One axis of a convolution as the kernel computes it. Output t reads input t·stride + j·dilation −
 * before at tap j. Tap j is the weight's tap `firstTap + j·tapStep`.
 */
interface Axis {
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
interface Convolution {
  readonly x: number;
  /** Whether x is mostly zeros. */
  readonly sparse?: boolean;
  readonly y: number;
  readonly weight: number;
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
  if (c.sparse && c.groups === 1 && c.columns >= 32 && c.inner >= 8 && c.inner <= 65536 && parallel) {
    sparseConvolution(to, c);
    return;
  }
  const oneToOne = c.inner === 1 && c.columns === 1;
  const rowWise = c.groups === 1 && c.height.stride === 1 && c.width.stride === 1 && c.yColumn === 1;
  if (oneToOne && (c.groups >= 4 || rowWise)) {
    depthwise(to, c, parallel, grain);
    return;
  }
  if (suitsWinograd(c)) {
    winograd(to, c);
    return;
  }
  // With several groups, a remainder would need panels of two widths in each group. All panels are
  // narrow then.
  const cuts =
    c.groups === 1
      ? panelsOf(c.columns)
      : [{ width: c.columns <= 2 ? 1 : c.columns % 16 === 0 ? 16 : 4, from: 0, count: c.columns }];
  for (const { width, from, count } of cuts) {
    const blocks = Math.ceil(count / width);
    const panels = to.temporary(Math.max(c.groups * blocks * width * taps * c.inner, 1) * 4);
    to.emit(
      Opcode.pack,
      c.groups * blocks > 1 && c.columns * c.groups * taps * c.inner > 8192,
      packWords(c, panels, from, count, width),
    );
    const { height, width: across } = c;
    const bias = c.bias === 0 ? 0 : c.bias + from * 4;
    const where = [
      c.x,
      c.y + from * 4,
      panels,
      bias,
      c.batch,
      height.input,
      across.input,
      c.groups * c.inner,
      c.groups,
      c.inner,
      count,
      width,
    ];
    where.push(
      height.output,
      across.output,
      c.yImage,
      c.yRow,
      c.yColumn,
      height.stride,
      across.stride,
      height.before,
      across.before,
    );
    where.push(height.taps, across.taps, height.dilation, across.dilation);
    to.emit(Opcode.convolve, parallel, where, grain);
  }
}

/** The arguments of the command that repacks the weight into panels of one width. */
function packWords(c: Convolution, panels: number, from: number, count: number, width: number): number[] {
  const words = [panels, c.weight + from * c.columnStep * 4, c.groups, count, width, c.height.taps, c.width.taps];
  words.push(
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
  );
  return words;
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
  to.emit(Opcode.pack, blocks > 1 && c.columns * size > 8192, packWords(c, panels, 0, c.columns, panelWidth));
  to.emit(Opcode.special, false, [panels, blocks * panelWidth * size, flag]);
  to.emit(Opcode.compress, true, [c.x, pixels, c.inner, lists, counts, flag]);
  const words = [
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
  ];
  words.push(c.yImage, c.yRow, c.yColumn, height.stride, width.stride, height.before, width.before);
  words.push(height.taps, width.taps, height.dilation, width.dilation, lists);
  to.emit(Opcode.convolveSparse, true, words);
}

/** With fewer products than this, Winograd's transforms cost more than they save. */
const worthTransforming = 4_000_000;

/**
 * Whether Winograd's algorithm applies: 3×3 taps with stride and dilation 1, and channels that fill
 * the vectors.
 */
function suitsWinograd({ height, width, batch, groups, inner, columns }: Convolution): boolean {
  const plain = (a: Axis): boolean => a.taps === 3 && a.stride === 1 && a.dilation === 1 && a.output >= 4;
  if (groups !== 1 || !plain(height) || !plain(width) || inner < 16 || inner % 4 !== 0 || columns % 16 !== 0)
    return false;
  return (
    winogradBytes(2, inner) <= scratchBytes &&
    batch * height.output * width.output * 9 * inner * columns > worthTransforming
  );
}

const winogradBytes = (tiles: number, inner: number): number => tiles * 16 * (inner * 4 + 64) + 16 * inner * 4;

function winograd(to: Encoder, c: Convolution): void {
  const { height, width, inner, columns } = c;
  const blocks = columns / 16;
  const panels = to.temporary(blocks * 9 * inner * 64);
  const weights = to.temporary(blocks * 16 * inner * 64);
  const flag = to.temporary(4);
  let tiles = 32;
  while (winogradBytes(tiles, inner) > scratchBytes) tiles -= 2;
  to.emit(Opcode.pack, blocks > 1 && columns * 9 * inner > 8192, packWords(c, panels, 0, columns, 16));
  to.emit(Opcode.fill, false, [flag, 1, 0]);
  to.emit(Opcode.winogradWeights, blocks > 1 && columns * 9 * inner > 8192, [panels, weights, blocks, inner, flag]);
  const words = [
    c.x,
    c.y,
    panels,
    weights,
    flag,
    c.bias,
    c.batch,
    height.input,
    width.input,
    inner,
    columns,
    height.output,
    width.output,
  ];
  words.push(c.yImage, c.yRow, c.yColumn, height.before, width.before, tiles);
  to.emit(Opcode.winograd, true, words);
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
  ];
  words.push(
    height.stride,
    width.stride,
    height.before,
    width.before,
    height.taps,
    width.taps,
    height.dilation,
    width.dilation,
  );
  words.push(height.firstTap, height.tapStep, width.firstTap, width.tapStep, c.kernelWidth);
  to.emit(c.groups === 1 ? Opcode.singleChannel : Opcode.depthwise, parallel, words, grain);
}

const forwardAxis = ({ input, output, kernel, stride, dilation, before }: WindowAxis): Axis => ({
  input,
  output,
  stride,
  before,
  taps: kernel,
  dilation,
  firstTap: 0,
  tapStep: 1,
});

const gcd = (a: number, b: number): number => (b === 0 ? a : gcd(b, a % b));

/**
 * One axis of the convolution that computes the input gradient at positions residue, residue +
 * stride, ….
 */
function gradientAxis({ input, output, kernel, stride, dilation, before }: WindowAxis, residue: number): Axis {
  const common = gcd(stride, dilation);
  const tapStep = stride / common;
  const reach = (k: number): number => residue + before - k * dilation;
  let first = 0;
  while (first < Math.min(tapStep, kernel) && reach(first) % stride !== 0) first++;
  const taps = first < Math.min(tapStep, kernel) ? Math.floor((kernel - 1 - first) / tapStep) + 1 : 0;
  const last = first + (taps - 1) * tapStep;
  return {
    input: output,
    output: Math.max(0, Math.ceil((input - residue) / stride)),
    stride: 1,
    before: taps === 0 ? 0 : -reach(last) / stride,
    taps,
    dilation: dilation / common,
    firstTap: taps === 0 ? 0 : last,
    tapStep: -tapStep,
  };
}

/**
 * The number of parts of a weight gradient: enough to share among threads, and few enough to add up
 * cheaply. It depends on the geometry alone.
 */
const partsOf = (batch: number): number => Math.min(batch, 8);

const cacheBytes = 48 * 1024;

/**
 * The weight gradient for a g that is mostly zeros. Returns false, without commands, if the sizes
 * do not suit.
 */
function sparseWeightGradient(to: Encoder, x: number, g: number, weight: number, geometry: Conv2dGeometry): boolean {
  const { batch, height, width, inChannels: inner, outChannels: columns, groups } = geometry;
  const taps = height.kernel * width.kernel;
  const products = batch * height.output * width.output * taps * inner * columns;
  if (
    groups !== 1 ||
    height.stride !== 1 ||
    width.stride !== 1 ||
    inner < 16 ||
    columns < 8 ||
    products <= worthSharingProducts
  )
    return false;
  const pitch = Math.ceil(inner / 16) * 16;
  const paddedWidth = width.output + (width.kernel - 1) * width.dilation;
  const copyBytes = (rows: number): number => (rows + (height.kernel - 1) * height.dilation) * paddedWidth * pitch * 4;
  const bytes = (rows: number): number => columns * 4 + 64 + copyBytes(rows) + columns * (rows * width.output + 1) * 8;
  let slab = Math.min(height.output, 64);
  while (slab > 1 && (copyBytes(slab) > cacheBytes / 2 || bytes(slab) > scratchBytes)) slab--;
  if (bytes(slab) > scratchBytes) return false;
  const parts = Math.min(batch * Math.ceil(height.output / slab), 8);
  const partials = to.temporary(parts * columns * taps * pitch * 4);
  const words = [
    x,
    g,
    partials,
    parts,
    batch,
    height.input,
    width.input,
    inner,
    height.output,
    width.output,
    columns,
    height.before,
    width.before,
  ];
  words.push(height.kernel, width.kernel, height.dilation, width.dilation, slab);
  to.emit(Opcode.weightGradSparse, true, words);
  to.emit(Opcode.sumSparse, parts * columns * taps * pitch > 65536, [weight, partials, parts, taps, inner, columns]);
  return true;
}

export function weightGradient(to: Encoder, x: number, g: number, weight: number, geometry: Conv2dGeometry): void {
  const { batch, height, width, inChannels, outChannels, groups } = geometry;
  const inner = inChannels / groups;
  const columns = outChannels / groups;
  const taps = height.kernel * width.kernel;
  const parts = partsOf(batch);
  const size = taps * inner * outChannels;
  // If the output has few channels and the input has more, vectors run along the input's channels
  // instead.
  const swapped = columns < 16 && inner > columns;
  const rowBytes = (width.input * inChannels * height.stride + width.output * outChannels) * 4;
  const slab = Math.max(1, Math.min(height.output, Math.floor(cacheBytes / rowBytes)));
  const direct = parts === 1 && !swapped;
  const parallel = batch * height.output * width.output * taps * inner * outChannels > worthSharingProducts;
  const partials = direct ? weight : to.temporary(parts * size * 4);
  const words = [
    x,
    g,
    partials,
    parts,
    batch,
    height.input,
    width.input,
    inChannels,
    groups,
    inner,
    height.output,
    width.output,
    columns,
    outChannels,
  ];
  words.push(
    height.stride,
    width.stride,
    height.before,
    width.before,
    height.kernel,
    width.kernel,
    height.dilation,
    width.dilation,
    swapped ? 1 : 0,
    slab,
  );
  if (inner === 1 && columns === 1 && groups >= 4) {
    const head = [x, g, partials, parts, batch, height.input, width.input, groups, height.output, width.output];
    const rest = [height.kernel, width.kernel, height.dilation, width.dilation];
    to.emit(Opcode.depthwiseWeightGrad, parallel, [
      ...head,
      height.stride,
      width.stride,
      height.before,
      width.before,
      ...rest,
    ]);
  } else to.emit(Opcode.weightGrad, parallel, words);
  if (!direct)
    to.emit(Opcode.sumPartials, parts * size > 65536, [
      weight,
      partials,
      parts,
      taps,
      inner,
      outChannels,
      swapped ? 1 : 0,
    ]);
}

export const conv: Family<'conv2d' | 'conv2dInputGrad' | 'conv2dWeightGrad' | 'conv2dParameterGrads'> = {
  conv2d(to, [x, weight, bias], { geometry }, [y]) {
    const { batch, height, width, inChannels, outChannels, groups } = geometry;
    convolution(to, {
      x: x.buffer.address,
      sparse: x.buffer.sparse,
      y: y.buffer.address,
      weight: weight.buffer.address,
      bias: bias?.buffer.address ?? 0,
      batch,
      height: forwardAxis(height),
      width: forwardAxis(width),
      groups,
      inner: inChannels / groups,
      columns: outChannels / groups,
      yImage: height.output * width.output * outChannels,
      yRow: width.output * outChannels,
      yColumn: outChannels,
      kernelWidth: width.kernel,
      tapStep: (inChannels / groups) * outChannels,
      innerStep: outChannels,
      columnStep: 1,
      groupStep: outChannels / groups,
    });
  },

  conv2dInputGrad(to, [g, weight, bias], { geometry }, [x]) {
    const { batch, height, width, inChannels, outChannels, groups } = geometry;
    for (let ry = 0; ry < height.stride; ry++)
      for (let rx = 0; rx < width.stride; rx++)
        convolution(to, {
          x: g.buffer.address,
          sparse: g.buffer.sparse,
          y: x.buffer.address + (ry * width.input + rx) * inChannels * 4,
          weight: weight.buffer.address,
          bias: bias?.buffer.address ?? 0,
          batch,
          height: gradientAxis(height, ry),
          width: gradientAxis(width, rx),
          groups,
          inner: outChannels / groups,
          columns: inChannels / groups,
          yImage: height.input * width.input * inChannels,
          yRow: height.stride * width.input * inChannels,
          yColumn: width.stride * inChannels,
          kernelWidth: width.kernel,
          tapStep: (inChannels / groups) * outChannels,
          innerStep: 1,
          columnStep: outChannels,
          groupStep: outChannels / groups,
        });
  },

  conv2dWeightGrad(to, [x, g], { geometry }, [weight]) {
    const addresses = [x.buffer.address, g.buffer.address, weight.buffer.address] as const;
    if (!g.buffer.sparse || !sparseWeightGradient(to, ...addresses, geometry))
      weightGradient(to, ...addresses, geometry);
  },

  conv2dParameterGrads(to, [x, g], { geometry, biasFrom }, [weight, bias]) {
    conv.conv2dWeightGrad(to, [x, g], { geometry }, [weight]);
    reduce.reduce(to, [biasFrom === 'x' ? x : g], { fn: 'sum', axes: [0, 1, 2] }, [bias]);
  },
};
