/**
 * Layers that add borders to images and series, channels last. A negative border cuts. Not here:
 * the operation (autograd/ops/pad.ts), padding of convolutions and pools.
 */
import { checkIsNumber, shown } from '../arguments.js';
import { checkTensor } from '../autograd/graph.js';
import type { PadOptions } from '../autograd/ops/pad.js';
import { ValueError } from '../errors.js';
import type { Tensor } from '../tensor/tensor.js';
import { rank3, rank4 } from '../values/shape.js';
import { attributes } from './check.js';
import { Module } from './module.js';

/** The two borders of an axis. */
type Border = readonly [before: number, after: number];
/** One width for all sides, [vertical, horizontal], or [[top, bottom], [left, right]]. */
export type ImageBorder =
  | number
  | readonly [number, number]
  | readonly [readonly [number, number], readonly [number, number]];
/** One width for both ends, or [before, after]. */
export type SeriesBorder = number | readonly [before: number, after: number];

const isBorder = (value: unknown): value is Border =>
  Array.isArray(value) && value.length === 2 && value.every(Number.isInteger);

function imageBorder(op: string, padding: ImageBorder): readonly [Border, Border] {
  const both: unknown = typeof padding === 'number' ? [padding, padding] : padding;
  if (Array.isArray(both) && both.length === 2) {
    const [rows, columns] = both.map((side: unknown) => (typeof side === 'number' ? [side, side] : side));
    if (isBorder(rows) && isBorder(columns)) return [rows, columns];
  }
  throw new ValueError(
    op,
    'padding must be a whole number, [vertical, horizontal] or [[top, bottom], [left, right]]',
    `padding=${Array.isArray(padding) ? `[${padding.map(shown).join(',')}]` : shown(padding)}`,
    Array.isArray(padding) && padding.length === 4
      ? "PyTorch's (left, right, top, bottom) is [[top, bottom], [left, right]] here"
      : '',
  );
}

function seriesBorder(op: string, padding: SeriesBorder): Border {
  const both = typeof padding === 'number' ? ([padding, padding] as const) : padding;
  if (!isBorder(both))
    throw new ValueError(op, 'padding must be a whole number or [before, after]', `padding=${shown(padding)}`);
  return both;
}

/** The common base. */
abstract class PadLayer<B> extends Module {
  constructor(
    readonly padding: B,
    private readonly fill: PadOptions,
  ) {
    super();
  }
  /** x with borders on the axes between batch and channels. */
  protected padded(x: Tensor, borders: readonly (readonly [number, number])[]): Tensor {
    return x.pad([[0, 0], ...borders, [0, 0]], this.fill);
  }
  override describe(): string {
    return attributes({ padding: this.padding, value: this.fill.value });
  }
}
/** `op` names the layer in messages. */
abstract class ImagePad extends PadLayer<readonly [readonly [number, number], readonly [number, number]]> {
  constructor(
    private readonly op: string,
    padding: ImageBorder,
    fill: PadOptions,
  ) {
    super(imageBorder(op, padding), fill);
  }
  /** Adds the border. */
  forward(x: Tensor): Tensor {
    checkTensor(this.op, 'input', x);
    rank4(this.op, 'input', x.shape);
    return this.padded(x, this.padding);
  }
}
abstract class SeriesPad extends PadLayer<readonly [before: number, after: number]> {
  constructor(
    private readonly op: string,
    padding: SeriesBorder,
    fill: PadOptions,
  ) {
    super(seriesBorder(op, padding), fill);
  }
  /** Adds the border. */
  forward(x: Tensor): Tensor {
    checkTensor(this.op, 'input', x);
    rank3(this.op, 'input', x.shape);
    return this.padded(x, [this.padding]);
  }
}

/**
 * Adds a border of zeros.
 * @shape x [N,H,W,C] → y [N,top + H + bottom,left + W + right,C]
 * @gradient g without the border
 * @throws ValueError for a bad padding; ShapeError for a wrong rank
 * @source torch.nn.ZeroPad2d
 */
export class ZeroPad2d extends ImagePad {
  static override readonly title: string = 'ZeroPad2d';

  constructor(padding: ImageBorder) {
    super('ZeroPad2d', padding, {});
  }
}

/**
 * Adds a border that mirrors the image at its edge, which is not repeated.
 * @shape x [N,H,W,C] → y [N,top + H + bottom,left + W + right,C]
 * @gradient g, with that of the border added at the values that it repeats
 * @throws ValueError for a bad padding; ShapeError for a wrong rank, or a border wider than what
 * it repeats
 * @source torch.nn.ReflectionPad2d
 */
export class ReflectionPad2d extends ImagePad {
  static override readonly title: string = 'ReflectionPad2d';

  constructor(padding: ImageBorder) {
    super('ReflectionPad2d', padding, { mode: 'reflect' });
  }
}

/**
 * Adds a border that repeats the edge.
 * @shape x [N,H,W,C] → y [N,top + H + bottom,left + W + right,C]
 * @gradient g, with that of the border added at the values that it repeats
 * @throws ValueError for a bad padding; ShapeError for a wrong rank
 * @source torch.nn.ReplicationPad2d
 */
export class ReplicationPad2d extends ImagePad {
  static override readonly title: string = 'ReplicationPad2d';

  constructor(padding: ImageBorder) {
    super('ReplicationPad2d', padding, { mode: 'replicate' });
  }
}

/**
 * Adds a border that continues at the other side.
 * @shape x [N,H,W,C] → y [N,top + H + bottom,left + W + right,C]
 * @gradient g, with that of the border added at the values that it repeats
 * @throws ValueError for a bad padding; ShapeError for a wrong rank, or a border wider than what
 * it repeats
 * @source torch.nn.CircularPad2d
 */
export class CircularPad2d extends ImagePad {
  static override readonly title: string = 'CircularPad2d';

  constructor(padding: ImageBorder) {
    super('CircularPad2d', padding, { mode: 'circular' });
  }
}

/**
 * Adds a border of one value.
 * @shape x [N,H,W,C] → y [N,top + H + bottom,left + W + right,C]
 * @gradient g without the border
 * @throws ValueError for a bad padding; ShapeError for a wrong rank
 * @source torch.nn.ConstantPad2d
 */
export class ConstantPad2d extends ImagePad {
  static override readonly title: string = 'ConstantPad2d';

  constructor(padding: ImageBorder, value: number) {
    checkIsNumber('ConstantPad2d', 'value', value);
    super('ConstantPad2d', padding, { value });
  }
}

/**
 * Adds a border of zeros.
 * @shape x [N,L,C] → y [N,before + L + after,C]
 * @gradient g without the border
 * @throws ValueError for a bad padding; ShapeError for a wrong rank
 * @source torch.nn.ZeroPad1d
 */
export class ZeroPad1d extends SeriesPad {
  static override readonly title: string = 'ZeroPad1d';

  constructor(padding: SeriesBorder) {
    super('ZeroPad1d', padding, {});
  }
}

/**
 * Adds a border that mirrors the series at its ends, which are not repeated.
 * @shape x [N,L,C] → y [N,before + L + after,C]
 * @gradient g, with that of the border added at the values that it repeats
 * @throws ValueError for a bad padding; ShapeError for a wrong rank, or a border wider than what
 * it repeats
 * @source torch.nn.ReflectionPad1d
 */
export class ReflectionPad1d extends SeriesPad {
  static override readonly title: string = 'ReflectionPad1d';

  constructor(padding: SeriesBorder) {
    super('ReflectionPad1d', padding, { mode: 'reflect' });
  }
}

/**
 * Adds a border that repeats the ends.
 * @shape x [N,L,C] → y [N,before + L + after,C]
 * @gradient g, with that of the border added at the values that it repeats
 * @throws ValueError for a bad padding; ShapeError for a wrong rank
 * @source torch.nn.ReplicationPad1d
 */
export class ReplicationPad1d extends SeriesPad {
  static override readonly title: string = 'ReplicationPad1d';

  constructor(padding: SeriesBorder) {
    super('ReplicationPad1d', padding, { mode: 'replicate' });
  }
}

/**
 * Adds a border that continues at the other end.
 * @shape x [N,L,C] → y [N,before + L + after,C]
 * @gradient g, with that of the border added at the values that it repeats
 * @throws ValueError for a bad padding; ShapeError for a wrong rank, or a border wider than what
 * it repeats
 * @source torch.nn.CircularPad1d
 */
export class CircularPad1d extends SeriesPad {
  static override readonly title: string = 'CircularPad1d';

  constructor(padding: SeriesBorder) {
    super('CircularPad1d', padding, { mode: 'circular' });
  }
}

/**
 * Adds a border of one value.
 * @shape x [N,L,C] → y [N,before + L + after,C]
 * @gradient g without the border
 * @throws ValueError for a bad padding; ShapeError for a wrong rank
 * @source torch.nn.ConstantPad1d
 */
export class ConstantPad1d extends SeriesPad {
  static override readonly title: string = 'ConstantPad1d';

  constructor(padding: SeriesBorder, value: number) {
    checkIsNumber('ConstantPad1d', 'value', value);
    super('ConstantPad1d', padding, { value });
  }
}
