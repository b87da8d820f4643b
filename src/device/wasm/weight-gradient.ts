/**
 * Commands for the weight gradient of a convolution. It is summed in a fixed number of parts, so
 * that threads can share it and the order of summation never depends on them. The words of a
 * command are in the order of its enum in protocol/conv.ts.
 */
import type { Conv2dGeometry } from '../../values/window.js';
import { type Encoder, onlyIf } from './commands.js';
import { worthSharingProducts } from './convolution.js';
import { Opcode } from './protocol/command.js';
import { scratchBytes } from './threads.js';
import { suitsWinogradGradient, winogradWeightGradient } from './winograd.js';

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
export function sparseWeightGradient(
  to: Encoder,
  x: number,
  g: number,
  weight: number,
  geometry: Conv2dGeometry,
): boolean {
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
    height.kernel,
    width.kernel,
    height.dilation,
    width.dilation,
    slab,
  ];
  to.emit(Opcode.weightGradSparse, true, words);
  to.emit(Opcode.sumSparse, parts * columns * taps * pitch > 65536, [weight, partials, parts, taps, inner, columns]);
  return true;
}

export function weightGradient(to: Encoder, x: number, g: number, weight: number, geometry: Conv2dGeometry): void {
  if (suitsWinogradGradient(geometry)) {
    const tooLarge = winogradWeightGradient(to, x, g, weight, geometry);
    // Its partial sums would take memory that is hardly ever used, so there is one part.
    directWeightGradient(onlyIf(to, tooLarge), x, g, weight, geometry, 1);
  } else directWeightGradient(to, x, g, weight, geometry, partsOf(geometry.batch));
}

/** The weight gradient as a sum of outer products. */
function directWeightGradient(
  to: Encoder,
  x: number,
  g: number,
  weight: number,
  geometry: Conv2dGeometry,
  parts: number,
): void {
  const { batch, height, width, inChannels, outChannels, groups } = geometry;
  const inner = inChannels / groups;
  const columns = outChannels / groups;
  const taps = height.kernel * width.kernel;
  const size = taps * inner * outChannels;
  // If the output has few channels and the input has more, vectors run along the input's channels
  // instead.
  const swapped = columns < 16 && inner > columns;
  const rowBytes = (width.input * inChannels * height.stride + width.output * outChannels) * 4;
  const slab = Math.max(1, Math.min(height.output, Math.floor(cacheBytes / rowBytes)));
  const direct = parts === 1 && !swapped;
  const parallel = batch * height.output * width.output * taps * inner * outChannels > worthSharingProducts;
  const partials = direct ? weight : to.temporary(parts * size * 4);
  if (inner === 1 && columns === 1 && groups >= 4)
    to.emit(Opcode.depthwiseWeightGrad, parallel, [
      x,
      g,
      partials,
      parts,
      batch,
      height.input,
      width.input,
      groups,
      height.output,
      width.output,
      height.stride,
      width.stride,
      height.before,
      width.before,
      height.kernel,
      width.kernel,
      height.dilation,
      width.dilation,
    ]);
  else
    to.emit(Opcode.weightGrad, parallel, [
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
      height.stride,
      width.stride,
      height.before,
      width.before,
      height.kernel,
      width.kernel,
      height.dilation,
      width.dilation,
      Number(swapped),
      slab,
    ]);
  if (!direct)
    to.emit(Opcode.sumPartials, parts * size > 65536, [
      weight,
      partials,
      parts,
      taps,
      inner,
      outChannels,
      Number(swapped),
    ]);
}
