/**
 * Commands for convolutions of few pixels by a large weight, and for their weight gradients. Every
 * weight is read from memory once, or written once. The words of a command are in the order of its
 * enum in protocol/few-pixels.ts.
 */
import type { Conv2dGeometry } from '../../values/window.js';
import type { Encoder } from './commands.js';
import type { Convolution } from './convolution.js';
import { Opcode } from './protocol/command.js';
import { scratchBytes } from './threads.js';

/** A weight of fewer elements than this stays in the cache. */
const largeWeight = 131_072;

const outweighs = (weight: number, pixels: number): boolean => weight >= largeWeight && weight >= 1024 * pixels;

/** The greatest chunk, a power of two up to `most`, of which `size` has at least eight. */
function chunkOf(size: number, least: number, most: number): number {
  let chunk = most;
  while (chunk > least && size < chunk * 8) chunk /= 2;
  return chunk;
}

/** The sums and panels of a chunk should stay in the cache. */
const cacheBytes = 393_216;

/**
 * The number of pixels of a convolution, the columns of a chunk, the products of a block and the
 * bytes in scratch memory.
 */
function sizesOf({ batch, height, width, columns, innerStep }: Convolution) {
  const pixels = batch * height.output * width.output;
  // Where the columns are side by side, the weight is read faster the wider the chunk is.
  let chunk = chunkOf(columns, 16, innerStep === 1 ? 64 : 512);
  const block = (): number => Math.min(512, 32768 / chunk);
  const bytes = (): number => (pixels + 3) * 8 + 64 + (pixels + 1 + block()) * chunk * 4;
  while (chunk > 32 && bytes() > cacheBytes) chunk /= 2;
  return { pixels, chunk, block: block(), bytes: bytes() };
}

/** Whether the weight of a convolution outweighs its pixels. */
export function suitsFewPixels(c: Convolution): boolean {
  const { pixels, bytes } = sizesOf(c);
  const { groups, inner, columns, innerStep, height, width } = c;
  return (
    groups === 1 &&
    (innerStep === 1 ? inner >= 32 : columns >= 16) &&
    bytes <= scratchBytes &&
    outweighs(height.taps * width.taps * inner * columns, pixels)
  );
}

export function fewPixels(to: Encoder, c: Convolution, parallel: boolean): void {
  const { height, width } = c;
  const { chunk, block } = sizesOf(c);
  to.emit(Opcode.fewPixels, parallel, [
    c.x,
    c.y,
    c.weight,
    c.batch,
    height.input,
    width.input,
    c.inner,
    height.output,
    width.output,
    c.columns,
    height.stride,
    width.stride,
    height.before,
    width.before,
    height.taps,
    width.taps,
    height.dilation,
    width.dilation,
    chunk,
    c.bias,
    block,
    c.yImage,
    c.yRow,
    c.yColumn,
    height.firstTap,
    height.tapStep,
    width.firstTap,
    width.tapStep,
    c.kernelWidth,
    c.tapStep,
    c.innerStep,
    c.columnStep,
  ]);
}

/** Whether a weight gradient of this shape outweighs its pixels. */
export const suitsFewPixelsGradient = (rows: number, columns: number, pixels: number): boolean =>
  columns >= 16 && outweighs(rows * columns, pixels);

/** Returns false, without a command, if the weight does not outweigh the pixels. */
export function fewPixelsWeightGradient(
  to: Encoder,
  x: number,
  g: number,
  weight: number,
  { batch, height, width, inChannels, outChannels, groups }: Conv2dGeometry,
  parallel: boolean,
): boolean {
  const pixels = batch * height.output * width.output;
  const rows = height.kernel * width.kernel * inChannels;
  let chunk = chunkOf(rows, 8, 128);
  const bytes = (): number => 256 * 64 + chunk * 72 + pixels * (8 + chunk * 4);
  while (chunk > 8 && bytes() > scratchBytes) chunk /= 2;
  if (groups !== 1 || bytes() > scratchBytes || !suitsFewPixelsGradient(rows, outChannels, pixels)) return false;
  to.emit(Opcode.fewPixelsWeightGrad, parallel, [
    x,
    g,
    weight,
    batch,
    height.input,
    width.input,
    inChannels,
    height.output,
    width.output,
    outChannels,
    height.stride,
    width.stride,
    height.before,
    width.before,
    height.kernel,
    width.kernel,
    height.dilation,
    width.dilation,
    chunk,
  ]);
  return true;
}
