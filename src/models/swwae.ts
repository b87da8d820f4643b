/** A stacked what-where autoencoder. */
import { checkText, knownOptions, type OptionNames } from '../arguments.js';
import { relu } from '../autograd/ops/elementwise.js';
import type { PoolIndices } from '../autograd/ops/pool-indices.js';
import { maxUnpool2d } from '../autograd/ops/unpool.js';
import { ValueError } from '../errors.js';
import { checkChannels } from '../nn/check.js';
import { Conv2d, ConvTranspose2d } from '../nn/conv.js';
import { Module } from '../nn/module.js';
import { MaxPool2d } from '../nn/pool.js';
import type { Tensor } from '../tensor/tensor.js';
import { checkNetwork, type NetworkOptions, scaled } from './vgg.js';

/** Options of Swwae. */
export interface SwwaeOptions extends NetworkOptions {
  /** Default 1. */
  readonly channels?: number;
  /**
   * The encoder in the paper's notation: `(16)5c` is a convolution of 5 × 5 to 16 channels, and
   * `2p` a max pool of 2 × 2. Default '(16)5c-(32)3c-2p'.
   */
  readonly layers?: string;
}

const swwaeOptions: OptionNames<SwwaeOptions> = { channels: 'value', width: 'value', layers: 'value' };

/** What a level passes up (what), and the places of the pool's maxima (where). */
export interface WhatWhere {
  /** The states after every layer, the last of which is the code. */
  readonly what: readonly Tensor[];
  /** By layer; undefined for a convolution. */
  readonly where: readonly (PoolIndices | undefined)[];
}

/** The layers of the notation: a convolution has channels, a pool has none. */
function parse(layers: string): { channels: number | undefined; size: number }[] {
  checkText('Swwae', 'layers', layers);
  return layers.split('-').map((text) => {
    const [, channels, kernel, window] = /^(?:\(([1-9]\d*)\)([1-9]\d*)c|([1-9]\d*)p)$/.exec(text) ?? [];
    const size = Number(kernel ?? window);
    if (!(size < 2 ** 16) || (kernel !== undefined && size % 2 === 0))
      throw new ValueError(
        'Swwae',
        'layers must be convolutions of odd sizes, and pools, joined by -',
        `'${text}'`,
        "as in '(16)5c-(32)3c-2p'",
      );
    return { channels: channels === undefined ? undefined : Number(channels), size };
  });
}

/**
 * A stacked what-where autoencoder. Pools pass their values up, what, and their places across to
 * the decoder, where. The decoder mirrors the encoder with unpooling and transposed convolutions,
 * relu after all but the last.
 * @shape x [N,H,W,channels] → y, as x
 * @throws ValueError for options out of range; ShapeError for images that are too small
 * @source Zhao, Mathieu, Goroshin and LeCun 2015, "Stacked What-Where Auto-encoders"
 */
export class Swwae extends Module {
  static override readonly title: string = 'Swwae';
  readonly encoder: readonly (Conv2d | MaxPool2d)[];
  /** The transposed convolutions, from the deepest up. */
  readonly decoder: readonly ConvTranspose2d[];
  readonly channels: number;

  constructor(options: SwwaeOptions = {}) {
    super();
    knownOptions('Swwae', options, swwaeOptions);
    const { channels = 1, width = 1, layers = '(16)5c-(32)3c-2p' } = options;
    checkNetwork('Swwae', { channels, width });
    this.channels = channels;
    let from = channels;
    this.encoder = parse(layers).map(({ channels: to, size }) => {
      if (to === undefined) return new MaxPool2d(size);
      const conv = new Conv2d(from, scaled(to, width), size, { padding: 'same' });
      from = conv.outChannels;
      return conv;
    });
    this.decoder = this.encoder
      .filter((layer) => layer instanceof Conv2d)
      .map(
        ({ inChannels, outChannels, kernelSize }) =>
          new ConvTranspose2d(outChannels, inChannels, kernelSize, { padding: 'same' }),
      )
      .reverse();
  }
  /** The states of all layers, and the places of the maxima. */
  encode(x: Tensor): WhatWhere {
    checkChannels('Swwae.encode', x, this.channels, 4);
    const [what, where]: [Tensor[], (PoolIndices | undefined)[]] = [[], []];
    let h = x;
    for (const layer of this.encoder) {
      const [values, indices] = layer instanceof Conv2d ? [relu(layer.forward(h))] : layer.forward(h);
      where.push(indices);
      what.push(values);
      h = values;
    }
    return { what, where };
  }
  /**
   * The states that mirror those before every layer of the encoder, the first of which is the
   * reconstruction. The paper's loss compares each with the encoder's state.
   */
  decode({ what, where }: WhatWhere): Tensor[] {
    if (!Array.isArray(what) || !Array.isArray(where) || where.length !== this.encoder.length)
      throw new ValueError('Swwae.decode', 'the argument must be what encode() gave', 'another object');
    const states: Tensor[] = [];
    let h = what.at(-1) as Tensor;
    let next = 0;
    for (const indices of [...where].reverse()) {
      h = indices === undefined ? (this.decoder[next++] as ConvTranspose2d).forward(h) : maxUnpool2d(h, indices);
      if (indices === undefined && next < this.decoder.length) h = relu(h);
      states.unshift(h);
    }
    return states;
  }
  forward(x: Tensor): Tensor {
    checkChannels('Swwae.forward', x, this.channels, 4);
    return this.decode(this.encode(x))[0] as Tensor;
  }
}
