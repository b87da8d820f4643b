/**
 * What networks around VGG16 share: its convolutions by level, the encoder, and the mirrored
 * decoder's widths. Not here: the networks (vgg16.ts, segnet.ts, deconvnet.ts, cedn.ts).
 */
import { checkNumber } from '../arguments.js';
import { relu } from '../autograd/ops/elementwise.js';
import type { PoolIndices } from '../autograd/ops/pool-indices.js';
import { maxUnpool2d } from '../autograd/ops/unpool.js';
import { ShapeError, show } from '../errors.js';
import { ReLU } from '../nn/activation.js';
import { checkChannels } from '../nn/check.js';
import { type Layer, Sequential } from '../nn/container.js';
import { Conv2d } from '../nn/conv.js';
import { BatchNorm2d } from '../nn/norm.js';
import { MaxPool2d } from '../nn/pool.js';
import type { Tensor } from '../tensor/tensor.js';

/** Options of every network here. */
export interface NetworkOptions {
  /** Channels of the images. Default 3. */
  readonly channels?: number;
  /** Factor of all widths, which are rounded to whole channels. Default 1, as published. */
  readonly width?: number;
}

/** Channels after each convolution of VGG16. A 2 × 2 max pool follows each level. */
const vgg16Levels = [
  [64, 64],
  [128, 128],
  [256, 256, 256],
  [512, 512, 512],
  [512, 512, 512],
];

/** A number of channels times a factor, at least 1. */
export const scaled = (channels: number, width: number): number => Math.max(1, Math.round(channels * width));

/** VGG16's channels by level, times a factor. */
export const vggWidths = (width: number): number[][] =>
  vgg16Levels.map((level) => level.map((channels) => scaled(channels, width)));

/**
 * The channels of a decoder that mirrors an encoder, from the deepest level up. Each level's last
 * convolution gives the channels of the level above. The uppermost gives `last`.
 */
export const mirrored = (widths: readonly (readonly number[])[], last: number): number[][] =>
  widths.map((level, i) => [...level.slice(1), widths[i - 1]?.at(-1) ?? last]).reverse();

/** Checks the options that every network has. */
export function checkNetwork(op: string, options: NetworkOptions & { readonly classes?: number }): void {
  const { channels = 3, width = 1, classes = 1 } = options;
  for (const [name, value] of Object.entries({ channels, classes }))
    checkNumber(op, name, value, (v) => Number.isInteger(v) && v >= 1 && v <= 65536, 'whole and in [1, 65536]');
  checkNumber(op, 'width', width, (v) => v > 0 && v <= 16, 'in (0, 16]');
}

/** Checks that an input is a batch of images that can be halved at every level. */
export function checkImages(op: string, x: Tensor, channels: number, levels: number): void {
  checkChannels(op, x, channels, 4);
  const least = 2 ** levels;
  if (x.rank !== 4 || x.shape.slice(1, 3).some((size) => size < least))
    throw new ShapeError(
      op,
      `input must be [N,H,W,${channels}] of at least ${least} × ${least} pixels, for ${levels} pools`,
      `input=${show(x.shape)}`,
    );
}

/** relu of a convolution's result, which nothing else reads. */
export const activate = (x: Tensor): Tensor => relu(x, { inPlace: true });

/** Makes a convolution layer from channels to channels. */
export type MakeConv = (inChannels: number, outChannels: number) => Layer;
const conv3: MakeConv = (inChannels, outChannels) => new Conv2d(inChannels, outChannels, 3, { padding: 1 });

/** Convolutions, each with batch norm, if wanted, and relu. */
export const convolutions = (inChannels: number, widths: readonly number[], norm: boolean, make = conv3): Layer[] =>
  widths.flatMap((channels, i) => [
    make(i === 0 ? inChannels : (widths[i - 1] as number), channels),
    ...(norm ? [new BatchNorm2d(channels)] : []),
    new ReLU({ inPlace: true }),
  ]);

/**
 * Levels of convolutions, each with a 2 × 2 max pool after it. With VGG16's widths the names of its
 * parameters are those of torchvision's `features`.
 */
export class VggEncoder extends Sequential {
  static override readonly title: string = 'VggEncoder';

  constructor(channels: number, widths: readonly (readonly number[])[], norm: boolean) {
    const above = (i: number): number => widths[i - 1]?.at(-1) ?? channels;
    super(...widths.flatMap((level, i) => [...convolutions(above(i), level, norm), new MaxPool2d(2)]));
  }
  override forward(x: Tensor): Tensor {
    const [features, where] = this.encode(x);
    if (!features.requiresGrad) for (const { plane } of where) plane.release();
    return features;
  }
  /**
   * The result, and where each pool found its maxima.
   * @shape x [N,H,W,channels] → [N,H/2ᴸ,W/2ᴸ,C] for L levels
   */
  encode(x: Tensor): [features: Tensor, where: PoolIndices[]] {
    const where: PoolIndices[] = [];
    let h = x;
    for (const layer of this.layers) {
      const before = h;
      if (layer instanceof MaxPool2d) {
        const [values, indices] = layer.forward(h);
        where.push(indices);
        h = values;
      } else h = layer.forward(h) as Tensor;
      // Of a frozen encoder no gradient needs it.
      if (before !== x && before !== h && !before.requiresGrad) before.release();
    }
    return [h, where];
  }
}

/** Unpools and applies a level, for each level of a decoder from the deepest up. */
export const decode = (
  features: Tensor,
  where: readonly PoolIndices[],
  levels: readonly ((unpooled: Tensor) => Tensor)[],
): Tensor => levels.reduce((h, level, i) => level(maxUnpool2d(h, where.at(-1 - i) as PoolIndices)), features);
