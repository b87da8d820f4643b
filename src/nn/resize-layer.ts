/**
 * What layers that resize images and series share. Not here: the layers (resize.ts, resize1d.ts).
 */
import { knownOptions } from '../arguments.js';
import type { SamplingOptions } from '../autograd/ops/sampling.js';
import { ValueError } from '../errors.js';
import type { Axes, OverImages, OverSeries } from './axes.js';
import { attributes, unless } from './check.js';
import { Module } from './module.js';

export interface UpsampleLayerOptions {
  /** 'copy', or 'zeros' after the value. Default 'copy'. */
  fill?: 'copy' | 'zeros';
}

/** Upsampling by whole numbers. */
export abstract class UpsampleLayer<K extends OverImages | OverSeries> extends Module {
  readonly scale: K['size'];
  readonly fill: 'copy' | 'zeros';

  constructor(op: string, axes: Axes<K>, scale: K['given'], options: UpsampleLayerOptions) {
    super();
    knownOptions(op, options, { fill: 'value' });
    const { fill = 'copy' } = options;
    this.scale = axes.size(op, 'scale', scale);
    if (fill !== 'copy' && fill !== 'zeros') throw new ValueError(op, "fill must be 'copy' or 'zeros'", `fill=${fill}`);
    this.fill = fill;
  }
  override describe(): string {
    return attributes({ scale: this.scale, fill: unless('copy', this.fill) });
  }
}

/** The options of an interpolation, as the ops take them. */
interface Interpolation extends SamplingOptions {
  readonly size?: unknown;
  readonly scale?: unknown;
  readonly method?: string;
}

/** Resizing by interpolation, with options that the layer has checked. */
export abstract class ResizeLayer<Options extends Interpolation> extends Module {
  readonly options: Options;

  /** `usual` is the method that toString() leaves out. */
  constructor(
    options: Options,
    private readonly usual: string,
  ) {
    super();
    this.options = { ...options };
  }
  override describe(): string {
    const { size, scale, method, alignCorners = false, halfPixelCenters, ...rest } = this.options;
    return attributes({
      size,
      scale,
      method: unless(this.usual, method),
      alignCorners: unless(false, alignCorners),
      halfPixelCenters: unless(!alignCorners, halfPixelCenters),
      ...rest,
    });
  }
}
