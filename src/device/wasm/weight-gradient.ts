/**
 * Commands for the weight gradient of a convolution. It is summed in a fixed number of parts, so
 * that threads can share it and the order of summation never depends on them. The words of a
 * command are in the order of its enum in protocol/conv.ts.
 */
import type { Conv2dGeometry, WindowAxis } from '../../values/window.js';
import { type Encoder, onlyIf, type WasmOperand } from './commands.js';
import { worthSharingProducts } from './convolution.js';
import { thin, thinForWinograd } from './density.js';
import { fewPixelsWeightGradient } from './few-pixels.js';
import { Opcode } from './protocol/command.js';
import { scratchBytes } from './threads.js';
import { suitsWinogradGradient, winogradWeightGradient } from './winograd.js';

/**
 * The number of parts of a weight gradient: enough to share among threads, and few enough to add up
 * cheaply. It depends on the geometry alone.
 */
const partsOf = (batch: number): number => Math.min(batch, 8);

const cacheBytes = 48 * 1024;

/** A larger weight gradient over lists is not summed in parts of its size. */
const mostPartBytes = 1 << 20;
const mostTransposedBytes = 4 << 20;
/**
 * Bytes of the copy of a slab, where the columns are cut. The longer lists are worth a slower
 * cache.
 */
const cutCopyBytes = 1 << 18;

/**
 * One axis of a sparse weight gradient. Position t of g and tap k meet position t + k·dilation −
 * before of x.
 */
interface SparseAxis {
  readonly x: number;
  readonly g: number;
  readonly taps: number;
  readonly dilation: number;
  readonly before: number;
}

/** The operands of a sparse weight gradient. g is the one that is mostly zeros. */
interface SparseOperands {
  readonly x: number;
  readonly g: number;
  readonly inner: number;
  readonly columns: number;
  readonly height: SparseAxis;
  readonly width: SparseAxis;
}

/**
 * The weight gradient for operands of which one is mostly zeros. Returns false, without commands,
 * if none is, or if the sizes do not suit.
 */
export function sparseWeightGradient(
  to: Encoder,
  x: WasmOperand['buffer'],
  g: WasmOperand['buffer'],
  weight: number,
  geometry: Conv2dGeometry,
): boolean {
  const { batch, height, width, inChannels, outChannels, groups } = geometry;
  const products = batch * height.output * width.output * height.kernel * width.kernel * inChannels * outChannels;
  const most = suitsWinogradGradient(geometry) ? thinForWinograd : thin;
  if (Math.min(x.density, g.density) > most) return false;
  if (groups !== 1 || height.stride !== 1 || width.stride !== 1 || products <= worthSharingProducts) return false;
  if (g.density <= x.density) {
    const axis = ({ input, output, kernel, dilation, before }: WindowAxis): SparseAxis => ({
      ...{ x: input, g: output, taps: kernel, dilation, before },
    });
    return sparseSums(to, batch, weight, false, {
      ...{ x: x.address, g: g.address, inner: inChannels, columns: outChannels },
      ...{ height: axis(height), width: axis(width) },
    });
  }
  // The weight gradient is linear in both operands. If they change places, the taps are reversed.
  const axis = ({ input, output, kernel, dilation, before }: WindowAxis): SparseAxis => ({
    ...{ x: output, g: input, taps: kernel, dilation, before: (kernel - 1) * dilation - before },
  });
  return sparseSums(to, batch, weight, true, {
    ...{ x: g.address, g: x.address, inner: outChannels, columns: inChannels },
    ...{ height: axis(height), width: axis(width) },
  });
}

/** Emits the sums. `reversed` says that the operands have changed places. */
function sparseSums(
  to: Encoder,
  batch: number,
  weight: number,
  reversed: boolean,
  { x, g, inner, columns, height, width }: SparseOperands,
): boolean {
  if (inner < 16 || columns < 8) return false;
  const taps = height.taps * width.taps;
  const pitch = Math.ceil(inner / 16) * 16;
  const partSize = columns * taps * pitch;
  // Its transposition would take longer than the sums.
  if (!reversed && partSize * 4 > mostTransposedBytes) return false;
  // Where a part is large, threads share its columns instead of the slabs.
  const cuts = partSize * 4 > mostPartBytes ? Math.min(columns >> 3, 8) : 1;
  const lists = Math.ceil(columns / cuts);
  const paddedWidth = width.g + (width.taps - 1) * width.dilation;
  const copyBytes = (rows: number): number => (rows + (height.taps - 1) * height.dilation) * paddedWidth * pitch * 4;
  const bytes = (rows: number): number => lists * 4 + 64 + copyBytes(rows) + lists * (rows * width.g + 1) * 8;
  const mostCopyBytes = cuts > 1 ? cutCopyBytes : cacheBytes / 2;
  let slab = Math.min(height.g, 64);
  while (slab > 1 && (copyBytes(slab) > mostCopyBytes || bytes(slab) > scratchBytes)) slab--;
  if (bytes(slab) > scratchBytes) return false;
  const parts = cuts > 1 ? 1 : Math.min(batch * Math.ceil(height.g / slab), 8);
  // If the operands have changed places, the rows of a part are those of the weight.
  const direct = reversed && parts === 1 && pitch === inner;
  const partials = direct ? weight : to.temporary(parts * partSize * 4);
  to.emit(Opcode.weightGradSparse, true, [
    x,
    g,
    direct ? weight + (taps - 1) * columns * inner : partials,
    parts,
    direct ? inner : taps * pitch,
    direct ? -columns * inner : pitch,
    cuts,
    batch,
    height.x,
    width.x,
    inner,
    height.g,
    width.g,
    columns,
    height.before,
    width.before,
    height.taps,
    width.taps,
    height.dilation,
    width.dilation,
    slab,
  ]);
  if (!direct)
    to.emit(Opcode.sumSparse, parts * partSize > 65536, [
      weight,
      partials,
      parts,
      taps,
      inner,
      columns,
      Number(reversed),
    ]);
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
  const parallel = batch * height.output * width.output * taps * inner * outChannels > worthSharingProducts;
  if (fewPixelsWeightGradient(to, x, g, weight, geometry, parallel)) return;
  const size = taps * inner * outChannels;
  // If the output has few channels and the input has more, vectors run along the input's channels
  // instead.
  const swapped = columns < 16 && inner > columns;
  const rowBytes = (width.input * inChannels * height.stride + width.output * outChannels) * 4;
  const slab = Math.max(1, Math.min(height.output, Math.floor(cacheBytes / rowBytes)));
  const direct = parts === 1 && !swapped;
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
