/** A stacked what-where autoencoder. Not here: the notation of its layers (swwae-notation.ts). */
import { knownOptions, type OptionNames, shown } from '../arguments.js';
import { PoolIndices } from '../autograd/ops/pool-indices.js';
import { maxUnpool2d } from '../autograd/ops/unpool.js';
import { ValueError } from '../errors.js';
import { checkChannels } from '../nn/check.js';
import { Conv2d, ConvTranspose2d } from '../nn/conv.js';
import { Module } from '../nn/module.js';
import { MaxPool2d } from '../nn/pool.js';
import type { Tensor } from '../tensor/tensor.js';
import { parseLayers } from './swwae-notation.js';
import { activate, checkNetwork, type NetworkOptions, scaled } from './vgg.js';

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
    this.encoder = parseLayers(layers).map(({ channels: to, size }) => {
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
      const [values, indices] = layer instanceof Conv2d ? [activate(layer.forward(h))] : layer.forward(h);
      where.push(indices);
      what.push(values);
      h = values;
    }
    return { what, where };
  }
  /**
   * The states that mirror the inputs of all layers, from the code and the places. The first is the
   * reconstruction. The paper's loss compares each with the encoder's state.
   */
  decode(code: Tensor, where: WhatWhere['where']): Tensor[] {
    checkChannels('Swwae.decode', code, this.decoder[0]?.inChannels ?? this.channels, 4);
    const fits = (layer: Module, i: number): boolean => where[i] instanceof PoolIndices === layer instanceof MaxPool2d;
    if (!Array.isArray(where) || where.length !== this.encoder.length || !this.encoder.every(fits))
      throw new ValueError('Swwae.decode', 'where must be what encode() gave', `where=${shown(where)}`);
    const states: Tensor[] = [];
    const convs = [...this.decoder];
    let h = code;
    for (const indices of [...where].reverse()) {
      const conv = indices === undefined ? convs.shift() : undefined;
      h = conv === undefined ? maxUnpool2d(h, indices as PoolIndices) : conv.forward(h);
      if (conv !== undefined && convs.length > 0) h = activate(h);
      states.unshift(h);
    }
    return states;
  }
  forward(x: Tensor): Tensor {
    checkChannels('Swwae.forward', x, this.channels, 4);
    const { what, where } = this.encode(x);
    return this.decode(what.at(-1) as Tensor, where)[0] as Tensor;
  }
}
