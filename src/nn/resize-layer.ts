/**
 * What layers that resize images and series share. Not here: the layers (resize.ts, resize1d.ts).
 */
import { knownOptions } from '../arguments.js';
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
interface Interpolation<K extends OverImages | OverSeries> {
  readonly size?: K['size'];
  readonly scale?: K['given'];
  readonly alignCorners?: boolean;
  readonly halfPixelCenters?: boolean;
}

/** Resizing by interpolation, with options that the layer has checked. */
export abstract class ResizeLayer<K extends OverImages | OverSeries, Method extends string> extends Module {
  readonly size: K['size'] | undefined;
  readonly scale: K['given'] | undefined;
  readonly method: Method | 'nearest';
  readonly alignCorners: boolean;
  readonly halfPixelCenters: boolean;

  constructor(options: Interpolation<K>, method: Method | 'nearest') {
    super();
    const { size, scale, alignCorners = false, halfPixelCenters = !alignCorners } = options;
    this.size = size;
    this.scale = scale;
    this.method = method;
    this.alignCorners = alignCorners;
    this.halfPixelCenters = halfPixelCenters;
  }
  override describe(): string {
    return attributes({
      size: this.size,
      scale: this.scale,
      method: this.method === 'nearest' ? this.method : undefined,
      alignCorners: unless(false, this.alignCorners),
      halfPixelCenters: unless(!this.alignCorners, this.halfPixelCenters),
    });
  }
}
