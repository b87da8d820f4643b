/**
 * A convolutional autoencoder for images, and the choice of its options by the images' size. Not
 * here: its layers (nn/), its training (train/).
 */
import { checkNumber, knownOptions, type OptionNames, shown } from '../arguments.js';
import { checkRate } from '../autograd/ops/dropout.js';
import { sigmoid } from '../autograd/ops/elementwise.js';
import { PoolIndices } from '../autograd/ops/pool-indices.js';
import { resize2d } from '../autograd/ops/resize.js';
import { maxUnpool2d } from '../autograd/ops/unpool.js';
import { ShapeError, show, ValueError } from '../errors.js';
import { ReLU } from '../nn/activation.js';
import { attributes, checkChannels } from '../nn/check.js';
import { Conv2d } from '../nn/conv.js';
import { Dropout } from '../nn/dropout.js';
import { Module } from '../nn/module.js';
import { BatchNorm2d } from '../nn/norm.js';
import { MaxPool2d } from '../nn/pool.js';
import type { Tensor } from '../tensor/tensor.js';

/** Options of ConvAutoencoder. */
export interface ConvAutoencoderOptions {
  /** Height and width of the images. @units pixels */
  readonly size: readonly [height: number, width: number];
  /** Channels of the images. */
  readonly channels: number;
  /** Channels of the output. Default: as `channels`. */
  readonly outChannels?: number;
  /** Channels after each level of the encoder. Each level halves height and width. */
  readonly widths: readonly number[];
  /** Channels of the code. Default: a quarter of the last width. */
  readonly code?: number;
  /**
   * How the decoder enlarges. 'unpool' puts each value where its level's pool found the maximum,
   * 'upsample' copies it. Default 'unpool'.
   */
  readonly decoder?: 'unpool' | 'upsample';
  /** Whether batch norm follows all convolutions but the code's and the last. Default false. */
  readonly norm?: boolean;
  /** Rate of the dropout on the code. Default 0. */
  readonly dropout?: number;
}

const optionNames: OptionNames<ConvAutoencoderOptions> = {
  size: 'value',
  channels: 'value',
  outChannels: 'value',
  widths: 'value',
  code: 'value',
  decoder: 'value',
  norm: 'flag',
  dropout: 'value',
};

/**
 * What the decoder needs to know about a level of the encoder, besides the code: where its pool
 * found the maxima, or, for the decoder 'upsample', the size of the level's input.
 */
export type AutoencoderLevel = PoolIndices | readonly [height: number, width: number];

const op = 'ConvAutoencoder';

/** A convolution, batch norm if wanted, and relu. */
class ConvBlock extends Module {
  static override readonly title: string = 'ConvBlock';
  readonly conv: Conv2d;
  readonly norm: BatchNorm2d | null;
  readonly relu = new ReLU({ inPlace: true });

  constructor(inChannels: number, outChannels: number, kernelSize: number, norm: boolean) {
    super();
    // A bias before batch norm would have no effect.
    this.conv = new Conv2d(inChannels, outChannels, kernelSize, { padding: 'same', bias: !norm });
    this.norm = norm ? new BatchNorm2d(outChannels) : null;
  }
  forward(x: Tensor): Tensor {
    const y = this.conv.forward(x);
    return this.relu.forward(this.norm === null ? y : this.norm.forward(y));
  }
}

const most = 65536;
const isCount = (value: unknown): boolean =>
  Number.isInteger(value) && (value as number) >= 1 && (value as number) <= most;
const isSize = (value: unknown): value is readonly [number, number] =>
  Array.isArray(value) && value.length === 2 && isCount(value[0]) && isCount(value[1]);

function checkCount(at: string, name: string, value: number): void {
  checkNumber(at, name, value, isCount, `whole and in [1, ${most}]`);
}
/** Checks the height and width of images. */
function checkSize(at: string, size: unknown): asserts size is readonly [number, number] {
  if (!isSize(size))
    throw new ValueError(at, `size must be [height, width], whole and in [1, ${most}]`, `size=${shown(size)}`);
}

function checkOptions(options: ConvAutoencoderOptions): void {
  knownOptions(op, options, optionNames);
  const { size, channels, outChannels = 1, widths, code = 1, decoder = 'unpool', dropout = 0 } = options;
  checkSize(op, size);
  checkCount(op, 'channels', channels);
  checkCount(op, 'outChannels', outChannels);
  if (!Array.isArray(widths) || widths.length === 0)
    throw new ValueError(
      op,
      'widths must list the channels of each level',
      `widths=${shown(widths)}`,
      'as in [16, 32]',
    );
  for (const [i, width] of widths.entries()) checkCount(op, `widths[${i}]`, width);
  checkCount(op, 'code', code);
  if (decoder !== 'unpool' && decoder !== 'upsample')
    throw new ValueError(op, "decoder must be 'unpool' or 'upsample'", `decoder=${shown(decoder)}`);
  checkRate(op, dropout);
  if (Math.min(...size) < 2 ** widths.length)
    throw new ShapeError(
      op,
      `size must be at least ${2 ** widths.length}, because each of the ${widths.length} widths halves it`,
      `size=${show(size)}`,
      'list fewer widths',
    );
}

/**
 * A convolutional autoencoder. Each level of the encoder is a convolution of 3 × 3, relu and a max
 * pool of 2 × 2. A convolution of 1 × 1 makes the code. The decoder mirrors the encoder: it widens
 * the code, and each of its levels enlarges and convolves. The output has the size of the input,
 * odd sizes too.
 *
 * The output is an image in 0 … 1, the sigmoid of `logits`. Train with mse, l1 or ssimLoss of
 * forward(x), or with bceWithLogits of logits(x). Images of another size than `size` are also
 * taken, if every level halves at least two pixels.
 * @shape x [N,H,W,channels] → y [N,H,W,outChannels]
 * @units x as it was trained, usually 0 … 1; y 0 … 1
 * @gradient of its layers; the positions of the maxima have none
 * @throws ValueError for unknown options or numbers out of range; ShapeError for images that are
 * too small for the levels or have other channels
 * @source Zeiler and Fergus 2014, "Visualizing and Understanding Convolutional Networks"
 * (unpooling); Noh, Hong and Han 2015, "Learning Deconvolution Network" (the mirrored decoder)
 */
export class ConvAutoencoder extends Module {
  static override readonly title: string = 'ConvAutoencoder';
  readonly options: ConvAutoencoderOptions;
  readonly encoder: ConvBlock[];
  readonly pool = new MaxPool2d(2);
  readonly squeeze: Conv2d;
  readonly dropout: Dropout | null;
  readonly widen: ConvBlock;
  /** The levels from the code to the image. The last level is `last`. */
  readonly decoder: ConvBlock[];
  readonly last: Conv2d;

  constructor(options: ConvAutoencoderOptions) {
    super();
    checkOptions(options);
    this.options = { ...options };
    const { channels, outChannels = channels, widths, norm = false, dropout = 0 } = options;
    const deepest = widths.at(-1) as number;
    const { code = Math.ceil(deepest / 4) } = options;
    const block = (from: number, to: number): ConvBlock => new ConvBlock(from, to, 3, norm);
    this.encoder = widths.map((width, i) => block(widths[i - 1] ?? channels, width));
    this.squeeze = new Conv2d(deepest, code, 1);
    this.dropout = dropout === 0 ? null : new Dropout(dropout);
    this.widen = new ConvBlock(code, deepest, 1, norm);
    this.decoder = widths
      .slice(1)
      .map((width, i) => block(width, widths[i] as number))
      .reverse();
    this.last = new Conv2d(widths[0] as number, outChannels, 3, { padding: 'same' });
  }

  /**
   * The code, and what `decode` needs of the levels, the first level first.
   * @shape x [N,H,W,channels] → code [N,H′,W′,code]
   */
  encode(x: Tensor): [code: Tensor, levels: AutoencoderLevel[]] {
    return encodeFor(this, `${op}.encode`, x);
  }

  /**
   * The image of a code, in 0 … 1. Without `levels`, a decoder 'upsample' makes an image of the
   * option `size`.
   * @shape code [N,H′,W′,code] → [N,H,W,outChannels]
   * @throws ValueError for a decoder 'unpool' without levels, or levels that are not encode's
   */
  decode(code: Tensor, levels?: readonly AutoencoderLevel[]): Tensor {
    return sigmoid(decodeFor(this, `${op}.decode`, code, levels));
  }
  /**
   * As decode, before the sigmoid.
   * @shape code [N,H′,W′,code] → [N,H,W,outChannels]
   */
  decodeLogits(code: Tensor, levels?: readonly AutoencoderLevel[]): Tensor {
    return decodeFor(this, `${op}.decodeLogits`, code, levels);
  }

  /**
   * The output before the sigmoid, for bceWithLogits.
   * @shape x [N,H,W,channels] → [N,H,W,outChannels]
   */
  logits(x: Tensor): Tensor {
    const at = `${op}.logits`;
    return decodeFor(this, at, ...encodeFor(this, at, x));
  }

  forward(x: Tensor): Tensor {
    const at = `${op}.forward`;
    return sigmoid(decodeFor(this, at, ...encodeFor(this, at, x)));
  }

  override describe(): string {
    const { size, widths, decoder, dropout } = this.options;
    return attributes({ size, widths, decoder, dropout: dropout === 0 ? undefined : dropout });
  }
}

/** encode, for the method `at`. */
function encodeFor(model: ConvAutoencoder, at: string, x: Tensor): [code: Tensor, levels: AutoencoderLevel[]] {
  checkChannels(at, x, model.options.channels, 4);
  const levels: AutoencoderLevel[] = [];
  let h = x;
  for (const block of model.encoder) {
    const y = block.forward(h);
    const [pooled, indices] = model.pool.forward(y);
    const [, height, width] = y.shape as readonly [number, number, number, number];
    levels.push(model.options.decoder === 'upsample' ? [height, width] : indices);
    h = pooled;
  }
  return [model.squeeze.forward(h), levels];
}

/** decodeLogits, for the method `at`. */
function decodeFor(
  model: ConvAutoencoder,
  at: string,
  code: Tensor,
  levels: readonly AutoencoderLevel[] = sizesOf(model, at),
): Tensor {
  checkChannels(at, code, model.squeeze.outChannels, 4);
  checkLevels(model, at, levels);
  const blocks = [...model.decoder, model.last];
  let h = model.widen.forward(model.dropout === null ? code : model.dropout.forward(code));
  for (const [i, level] of [...levels].reverse().entries()) {
    const large = isSize(level) ? resize2d(h, { size: level, method: 'nearest' }) : maxUnpool2d(h, level);
    h = (blocks[i] as ConvBlock | Conv2d).forward(large);
  }
  return h;
}

/** The sizes of the levels' inputs, for images of the option `size`. */
function sizesOf(model: ConvAutoencoder, at: string): AutoencoderLevel[] {
  const { size, widths, decoder } = model.options;
  if (decoder !== 'upsample')
    throw new ValueError(at, "a decoder 'unpool' needs the levels that encode returned", 'levels=undefined');
  return widths.map((_, i) => [Math.floor(size[0] / 2 ** i), Math.floor(size[1] / 2 ** i)]);
}

/** Checks that levels are as many as the model has, and of its kind. */
function checkLevels(model: ConvAutoencoder, at: string, levels: readonly AutoencoderLevel[]): void {
  const { widths, decoder } = model.options;
  const isSound = (level: unknown): boolean => (decoder === 'upsample' ? isSize(level) : level instanceof PoolIndices);
  if (!Array.isArray(levels) || levels.length !== widths.length || !levels.every(isSound))
    throw new ValueError(at, `levels must be the ${widths.length} that encode returned`, `levels=${shown(levels)}`);
}

const leastCode = 7;
const mostLevels = 4;
const firstWidth = 16;

/**
 * Options of a ConvAutoencoder for images of a size: as many levels as leave 7 × 7 pixels or more
 * for the code, at most four and at least one, with the widths 16, 32, 64 and 128.
 * @units size in pixels
 * @throws ValueError for a size or channels that are not whole and positive; ShapeError for a size
 * below 2
 */
export function autoencoderFor(
  size: readonly [height: number, width: number],
  channels: number,
): ConvAutoencoderOptions {
  const at = 'autoencoderFor';
  checkSize(at, size);
  checkCount(at, 'channels', channels);
  if (Math.min(...size) < 2)
    throw new ShapeError(at, 'size must be at least 2, because a level halves it', `size=${show(size)}`);
  const fitting = Math.floor(Math.log2(Math.min(...size) / leastCode));
  const levels = Math.min(Math.max(fitting, 1), mostLevels);
  return { size, channels, widths: Array.from({ length: levels }, (_, i) => firstWidth * 2 ** i) };
}
