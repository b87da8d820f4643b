/**
 * Commands for 3×3 convolutions by Winograd's algorithm. Tiles of x are transformed, multiplied
 * with transformed weights, and transformed back. Images with many tiles are computed in parts, so
 * that transformed tiles stay in the cache. The words of a command are in the order of its enum in
 * protocol/winograd.ts.
 */
import type { Conv2dGeometry } from '../../values/window.js';
import { type Encoder, onlyIf } from './commands.js';
import type { Axis, Convolution } from './convolution.js';
import { Opcode } from './protocol/command.js';

/** With fewer products than this, the transforms cost more than they save. */
const worthTransforming = 4_000_000;

/** Most tiles of a block. The products of a block by 16 columns take 36 · 64 bytes per tile. */
const mostTiles = 30;
/** More channels than this do not fit the scratch memory: a tile at a border is copied to it. */
const mostChannels = 2048;

/**
 * The size of the transformed tiles that are in memory at the same time, so that they stay in the
 * cache.
 */
const partBytes = 512 * 1024;
const mostPartBytes = 8 * 1024 * 1024;

const down = (outputs: number): number => Math.ceil(outputs / 4);

/**
 * Whether the transforms pay for an output of this size. A tile has 36 products for 16 pixels with
 * 9 products each, so tiles that are mostly outside the image do not save any.
 */
const fills = (batch: number, height: number, width: number, products: number): boolean =>
  down(height) * down(width) * 36 <= height * width * 9 * 0.6 && batch * height * width * products > worthTransforming;

/**
 * Whether Winograd's algorithm applies: 3×3 taps with stride and dilation 1, and enough channels.
 */
export function suitsWinograd({ height, width, batch, groups, inner, columns }: Convolution): boolean {
  const plain = (a: Axis): boolean => a.taps === 3 && a.stride === 1 && a.dilation === 1;
  return (
    groups === 1 &&
    plain(height) &&
    plain(width) &&
    fits(inner, columns) &&
    fills(batch, height.output, width.output, 9 * inner * columns)
  );
}

const fits = (inner: number, columns: number): boolean =>
  inner >= 16 && inner % 4 === 0 && inner <= mostChannels && columns >= 16;

/**
 * The distance between tiles in elements. A multiple of 512 bytes would put the same channel of all
 * tiles into the same few lines of the cache.
 */
const pitchOf = (channels: number): number => (channels % 128 === 0 ? channels + 16 : channels);

/** The tiles of images, in blocks, and in parts of a number of blocks. */
interface Tiling {
  readonly across: number;
  readonly down: number;
  readonly count: number;
  readonly block: number;
  /** Tiles per part: a multiple of `block`. */
  readonly part: number;
}

function tilingOf(batch: number, height: number, width: number, pitch: number, bytes: number): Tiling {
  const count = batch * down(height) * down(width);
  const blocks = Math.ceil(count / mostTiles);
  const block = Math.ceil(count / blocks / 2) * 2;
  return {
    across: down(width),
    down: down(height),
    count,
    block,
    part: Math.max(1, Math.floor(bytes / blockBytes(block, pitch))) * block,
  };
}

/** Calls `each` with the first tile of every part and the tile after its last. */
function byParts({ count, part }: Tiling, each: (first: number, end: number) => void): void {
  for (let first = 0; first < count; first += part) each(first, Math.min(count, first + part));
}

/** Bytes of a block of transformed tiles, whose 36 planes are 64 bytes apart. */
const blockBytes = (block: number, pitch: number): number => 36 * (block * pitch * 4 + 64);

/** Bytes of the tiles of a part. The last pair of tiles may read one tile past the end. */
const bytesOf = ({ part, block, count }: Tiling, pitch: number): number =>
  Math.ceil(Math.min(part, count) / block) * blockBytes(block, pitch) + pitch * 4;

/** Emits the transform of tiles [first, end) of x, or of a gradient. */
function transform(
  to: Encoder,
  x: number,
  tiles: number,
  height: Pick<Axis, 'input' | 'before'>,
  width: Pick<Axis, 'input' | 'before'>,
  channels: number,
  { across, down, block }: Tiling,
  first: number,
  end: number,
  gradient: boolean,
  tooLarge: number,
): void {
  to.emit(Opcode.winogradTiles, true, [
    x,
    tiles,
    height.input,
    width.input,
    channels,
    pitchOf(channels),
    height.before,
    width.before,
    down,
    across,
    first,
    end,
    block,
    Number(gradient),
    tooLarge,
  ]);
}

/** A word that becomes 1 if a number is too large for the transforms. */
function flag(to: Encoder): number {
  const word = to.temporary(4);
  to.emit(Opcode.fill, false, [word, 1, 0]);
  return word;
}

/**
 * Emits the transform of the weights, unless those of the last run are still right, and sets the
 * word at `tooLarge`. Returns the address of the transformed weights.
 */
function transformedWeights(to: Encoder, c: Convolution, blocks: number, bytes: number, tooLarge: number): number {
  const { height, width, inner, columns } = c;
  const transform = (to: Encoder, weights: number, flag: number): void => {
    to.emit(Opcode.fill, false, [flag, 1, 0]);
    to.emit(Opcode.winogradWeights, blocks > 1 && columns * 9 * inner > 8192, [
      c.weight + (height.firstTap * c.kernelWidth + width.firstTap) * c.tapStep,
      weights,
      columns,
      inner,
      height.tapStep * c.kernelWidth * c.tapStep,
      width.tapStep * c.tapStep,
      c.innerStep,
      c.columnStep,
      flag,
    ]);
  };
  // The flag of the weights is behind them.
  const kept = c.weightBuffer === undefined ? null : to.derived(c.weightBuffer, bytes + 4);
  if (kept === null) {
    const weights = to.temporary(bytes);
    transform(to, weights, tooLarge);
    return weights;
  }
  const flag = kept.address + bytes / 4;
  transform(onlyIf(to, kept.stale), kept.address, flag);
  to.emit(Opcode.fill, false, [kept.stale, 1, 0]);
  to.emit(Opcode.copy, false, [tooLarge, flag, 1]);
  return kept.address;
}

/**
 * Emits a convolution. Returns the address of a word that is not 0 afterwards if a number was too
 * large. The result is not valid then.
 */
export function winograd(to: Encoder, c: Convolution): number {
  const { height, width, inner, columns } = c;
  const blocks = Math.ceil(columns / 16);
  const weightBytes = blocks * 36 * inner * 64;
  const tooLarge = to.temporary(4);
  const weights = transformedWeights(to, c, blocks, weightBytes, tooLarge);
  const pitch = pitchOf(inner);
  const part = Math.min(mostPartBytes, Math.max(partBytes, weightBytes));
  const tiling = tilingOf(c.batch, height.output, width.output, pitch, part);
  const tiles = to.temporary(bytesOf(tiling, pitch));
  byParts(tiling, (first, end) => {
    transform(to, c.x, tiles, height, width, inner, tiling, first, end, false, tooLarge);
    to.emit(Opcode.winograd, true, [
      tiles,
      weights,
      c.y,
      c.bias,
      inner,
      columns,
      height.output,
      width.output,
      c.yImage,
      c.yRow,
      c.yColumn,
      pitch,
      tiling.down,
      tiling.across,
      first,
      end,
      tiling.block,
    ]);
  });
  return tooLarge;
}

export function suitsWinogradGradient({ height, width, batch, groups, ...channels }: Conv2dGeometry): boolean {
  const plain = (a: Conv2dGeometry['height']): boolean => a.kernel === 3 && a.stride === 1 && a.dilation === 1;
  const { inChannels: inner, outChannels: columns } = channels;
  return (
    groups === 1 &&
    plain(height) &&
    plain(width) &&
    fits(inner, columns) &&
    columns % 4 === 0 &&
    columns <= mostChannels &&
    fills(batch, height.output, width.output, 9 * inner * columns)
  );
}

/** Sides of the parts of the weight that a thread computes at a time, as in the kernel. */
const side = 32;

/** As `winograd`, for the weight gradient. */
export function winogradWeightGradient(
  to: Encoder,
  x: number,
  g: number,
  weight: number,
  { batch, height, width, inChannels: inner, outChannels: columns }: Conv2dGeometry,
): number {
  const tooLarge = flag(to);
  const pitch = pitchOf(inner);
  const gradientPitch = pitchOf(columns);
  const weightBytes = 36 * inner * columns * 4;
  const part = Math.min(mostPartBytes, Math.max(2 * partBytes, weightBytes));
  const tiling = tilingOf(batch, height.output, width.output, pitch + gradientPitch, part);
  const tiles = to.temporary(bytesOf(tiling, pitch));
  const gradients = to.temporary(bytesOf(tiling, gradientPitch));
  const isSingle = tiling.part >= tiling.count;
  const chunks = Math.ceil(inner / side) * Math.ceil(columns / side);
  const sums = isSingle ? 0 : to.temporary(chunks * 36 * side * side * 4);
  const ofGradient = { height: { input: height.output, before: 0 }, width: { input: width.output, before: 0 } };
  byParts(tiling, (first, end) => {
    transform(to, x, tiles, height, width, inner, tiling, first, end, false, tooLarge);
    transform(to, g, gradients, ofGradient.height, ofGradient.width, columns, tiling, first, end, true, tooLarge);
    to.emit(Opcode.winogradWeightGrad, true, [
      tiles,
      gradients,
      weight,
      sums,
      inner,
      columns,
      pitch,
      gradientPitch,
      end - first,
      tiling.block,
      Number(first === 0),
      Number(end === tiling.count),
    ]);
  });
  return tooLarge;
}
