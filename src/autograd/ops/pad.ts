/**
 * Borders around an array: of a constant value, or filled from the array itself. A negative border
 * cuts. A constant border is the kernel whose gradient is a slice. The others select cells by a
 * table, one axis after the other.
 * Not here: the rules of the border (values/border.ts), padding of convolutions and pools, which is
 * never an array (values/window.ts).
 */
import { knownOptions, type OptionNames, shown } from '../../arguments.js';
import { ShapeError, show, ValueError } from '../../errors.js';
import type { Tensor } from '../../tensor/tensor.js';
import { type BorderMode, borderCell } from '../../values/border.js';
import { checkHolds } from '../../values/dtype.js';
import { checkShape } from '../../values/shape.js';
import { checkTensor } from '../graph.js';
import { embed, slice } from './indexing.js';

export interface PadOptions {
  /**
   * 'constant' fills with a value. 'reflect' mirrors at the edge, 'replicate' repeats the edge, and
   * 'circular' continues at the other end. Default 'constant'.
   */
  mode?: 'constant' | 'reflect' | 'replicate' | 'circular';
  /** The value of a constant border. Default 0. */
  value?: number;
}
const padOptions: OptionNames<PadOptions> = { mode: 'value', value: 'value' };

/** numpy's names for modes, and the names here. */
const otherNames: Readonly<Record<string, string>> = {
  edge: "numpy's 'edge' is 'replicate'",
  wrap: "numpy's 'wrap' is 'circular'",
  symmetric: 'no mode repeats the edge in a mirrored border',
};

/** Checks mode and value, which a layer does in its constructor. */
export function checkPadMode(op: string, { mode = 'constant', value }: PadOptions): void {
  if (!['constant', 'reflect', 'replicate', 'circular'].includes(mode))
    throw new ValueError(
      op,
      "mode must be 'constant', 'reflect', 'replicate' or 'circular'",
      `mode=${shown(mode)}`,
      (typeof mode === 'string' && otherNames[mode]) || '',
    );
  if (mode !== 'constant' && value !== undefined)
    throw new ValueError(op, "value goes with mode 'constant'", `mode=${mode}, value=${shown(value)}`);
}

type Pads = readonly (readonly [number, number])[];

const shownPads = (pads: unknown): string =>
  Array.isArray(pads) ? `[${Array.from<unknown, string>(pads, shown).join(',')}]` : shown(pads);

function checkPads(x: Tensor, pads: Pads, mode: NonNullable<PadOptions['mode']>): void {
  if (!Array.isArray(pads) || !Array.from<unknown>(pads).every((p) => Array.isArray(p) && p.length === 2))
    throw new ShapeError('pad', 'pads must be one [before, after] per axis', `pads=${shownPads(pads)}`);
  if (pads.length !== x.rank)
    throw new ShapeError('pad', 'one [before, after] per axis', `${pads.length} pairs, input=${show(x.shape)}`);
  if (!pads.flat().every(Number.isInteger))
    throw new ValueError('pad', 'pads must be whole', `pads=${shownPads(pads)}`);
  const got = `pads=${shownPads(pads)}, input=${show(x.shape)}`;
  for (const [axis, [before, after]] of (pads as Pads).entries()) {
    const kept = x.shape[axis] + Math.min(before, 0) + Math.min(after, 0);
    if (kept < 0) throw new ShapeError('pad', 'negative pads must not cut more than there is', got, `axis ${axis}`);
    const most = Math.max(before, after);
    if (most <= 0 || mode === 'constant') continue;
    if (mode === 'reflect' && most >= x.shape[axis])
      throw new ShapeError('pad', 'a mirrored border must be narrower than the axis', got, `axis ${axis}`);
    if (mode === 'circular' && most > kept)
      throw new ShapeError('pad', 'a circular border must not be wider than what it repeats', got, `axis ${axis}`);
    if (kept === 0) throw new ShapeError('pad', 'a border must have something to repeat', got, `axis ${axis}`);
  }
}

/** Fills the borders of one axis from the cells inside. */
function fillAxis(x: Tensor, axis: number, [before, after]: readonly [number, number], mode: BorderMode): Tensor {
  const length = x.shape[axis];
  // A circular border repeats what negative pads leave, the others follow the array as it was.
  const first = mode === 'circular' ? Math.max(-before, 0) : 0;
  const size = mode === 'circular' ? length + Math.min(before, 0) + Math.min(after, 0) : length;
  const from = mode === 'circular' ? Math.max(before, 0) : before;
  const cells = Int32Array.from(
    { length: length + before + after },
    (_, i) => first + borderCell(i - from, size, mode),
  );
  return x.indexSelect(cells, axis);
}

/**
 * Adds borders. `pads` gives their sizes, [before, after] for every axis; a negative size cuts. The
 * last argument is the value of a constant border, or options.
 * @shape x [any] → y, each axis longer by both borders
 * @gradient constant: g without the borders; else g, with that of the borders added at the cells
 * that they repeat
 * @throws ShapeError unless there is a pair per axis, or for a border that is wider than what it
 * repeats; ValueError for a size that is not whole, an unknown mode, or a value that x's dtype
 * cannot hold
 * @source torch.nn.functional.pad; numpy.pad
 */
export function pad(x: Tensor, pads: readonly (readonly [number, number])[], value: number | PadOptions = 0): Tensor {
  checkTensor('pad', 'input', x);
  const options: PadOptions = typeof value === 'object' ? value : { value };
  knownOptions('pad', options, padOptions);
  checkPadMode('pad', options);
  const { mode = 'constant' } = options;
  checkPads(x, pads, mode);
  checkShape(
    'pad',
    x.shape.map((n, i) => n + pads[i][0] + pads[i][1]),
    'result',
  );
  if (mode !== 'constant')
    return pads.reduce(
      (y, [before, after], axis) => {
        if (before <= 0 && after <= 0) return y;
        return fillAxis(y, axis, [before, after], mode);
      },
      cutOf(x, pads, mode),
    );
  checkHolds('pad', x.dtype, options.value ?? 0);
  const cut = cutOf(x, pads, mode);
  if (cut !== x && pads.every(([before, after]) => before <= 0 && after <= 0)) return cut;
  const starts = pads.map(([before]) => Math.max(before, 0));
  const shape = x.shape.map((n, i) => n + pads[i][0] + pads[i][1]);
  return embed(cut, starts, shape, options.value ?? 0);
}

/** x without what negative pads cut. An axis that the mode fills is left to `fillAxis`. */
function cutOf(x: Tensor, pads: Pads, mode: NonNullable<PadOptions['mode']>): Tensor {
  const cuts = pads.map(([before, after]) =>
    mode !== 'constant' && (before > 0 || after > 0) ? [0, 0] : [before, after],
  );
  if (!cuts.some(([before, after]) => before < 0 || after < 0)) return x;
  return slice(
    x,
    ...cuts.map(([before, after], i): [number, number] => [Math.max(-before, 0), x.shape[i] + Math.min(after, 0)]),
  );
}
