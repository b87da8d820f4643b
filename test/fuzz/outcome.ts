/**
 * Runs one call on a device and describes the outcome: every number, or the error. Not here: the
 * comparison of outcomes.
 */
import * as c from 'cedargrad';
import type { Form } from './forms.js';
import { Described } from './values.js';

export interface Numbers {
  readonly shape: readonly number[];
  readonly dtype: string;
  readonly values: c.TypedArray;
}
export type Outcome =
  | { readonly results: readonly Numbers[]; readonly grads: readonly (Numbers | null)[] }
  | { readonly error: unknown };

/**
 * Drawn arguments for a call: described tensors are made on the device, and everything else is
 * copied. Cycles stay cycles.
 */
export function given(value: unknown, on: c.Device, float: 'float32' | 'float64', made: c.Tensor[]): unknown {
  if (value instanceof Described) {
    const t = value.on(on, float);
    made.push(t);
    return t;
  }
  if (value instanceof Maker) return value.make(on);
  if (Array.isArray(value)) {
    if (value.includes(value)) return value;
    const copy = new Array(value.length);
    // By index, so that holes stay holes.
    for (let i = 0; i < value.length; i++) if (i in value) copy[i] = given(value[i], on, float, made);
    return copy;
  }
  if (typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype)
    return Object.fromEntries(Object.entries(value).map(([key, v]) => [key, given(v, on, float, made)]));
  return value;
}

/** Something that is made anew for every device. */
export class Maker {
  constructor(
    readonly name: string,
    readonly make: (on: c.Device) => unknown,
  ) {}
  toString(): string {
    return this.name;
  }
}

function tensorsOf(value: unknown): c.Tensor[] {
  if (value instanceof c.Tensor) return [value];
  if (value instanceof c.PoolIndices) return [value.plane];
  return Array.isArray(value) ? value.flatMap(tensorsOf) : [];
}

async function numbers(t: c.Tensor): Promise<Numbers> {
  const values = await t.data();
  const size = t.shape.reduce((a, b) => a * b, 1);
  if (!t.shape.every((n) => Number.isInteger(n) && n >= 0) || size !== values.length || size !== t.size)
    throw new Error(`a tensor of shape [${t.shape}] and size ${t.size} has ${values.length} elements`);
  return { shape: [...t.shape], dtype: t.dtype, values };
}

/** The gradient that goes in: no two places the same, none 0. */
const gradientFor = (y: c.Tensor): c.Tensor =>
  c.tensor(
    Float32Array.from({ length: y.size }, (_, i) => Math.fround(Math.cos(i) + 1.25)),
    { shape: y.shape, dtype: y.dtype, device: y.device },
  );

/** Runs a form with drawn arguments; everything it made is given back. */
export async function runCall(
  form: Form,
  args: readonly unknown[],
  on: c.Device,
  float: 'float32' | 'float64' = 'float32',
): Promise<Outcome> {
  const made: c.Tensor[] = [];
  let results: c.Tensor[] = [];
  const before = c.defaultDevice();
  try {
    c.setDefaultDevice(on);
    c.manualSeed(7);
    const passed = args.map((value) => given(value, on, float, made));
    results = tensorsOf(form.call(...passed));
    const values: Numbers[] = [];
    for (const t of results) values.push(await numbers(t));
    const y = results[0];
    const grads: (Numbers | null)[] = [];
    if (y?.requiresGrad && y.node !== null) {
      const g = gradientFor(y);
      y.backward(g);
      g.release();
      for (const x of made) grads.push(x.grad === null ? null : await numbers(x.grad));
    }
    return { results: values, grads };
  } catch (error) {
    return { error };
  } finally {
    c.setDefaultDevice(before);
    for (const t of [...made, ...results]) {
      t.grad?.release();
      t.release();
    }
  }
}

const show = (values: c.TypedArray): string => `${[...values.slice(0, 12)]}${values.length > 12 ? '…' : ''}`;

/**
 * The difference between two results, or null. A `slack` of 0 demands the same bits. Another slack
 * is relative to the largest finite number.
 */
export function difference(got: Numbers | null, want: Numbers | null, slack: number): string | null {
  if (got === null || want === null)
    return got === want ? null : `${got === null ? 'none' : 'one'} against ${want === null ? 'none' : 'one'}`;
  if (`${got.shape}` !== `${want.shape}`) return `shape [${got.shape}] against [${want.shape}]`;
  if (slack === 0 && got.dtype !== want.dtype) return `dtype ${got.dtype} against ${want.dtype}`;
  let scale = 0;
  if (slack > 0) for (const v of want.values) if (Number.isFinite(v)) scale = Math.max(scale, Math.abs(v));
  for (let i = 0; i < want.values.length; i++) {
    const [a, b] = [got.values[i], want.values[i]];
    if (Object.is(a, b) || (slack > 0 && a === b)) continue;
    if (slack > 0 && Math.abs(a - b) <= slack * Math.max(Math.min(scale, 1e30), 1e-2) + slack * Math.abs(b)) continue;
    // At the end of float32's range a rounding decides what is infinite.
    if (slack > 0 && Math.abs(a) > 3e38 && Math.abs(b) > 3e38 && Math.sign(a) === Math.sign(b)) continue;
    return `element ${i} is ${a} against ${b}: ${show(got.values)} against ${show(want.values)}`;
  }
  return null;
}

export function differences(what: string, got: Outcome, want: Outcome, slack: number): string | null {
  if ('error' in got || 'error' in want) {
    if ('error' in got && 'error' in want) return null;
    const [side, error] = 'error' in got ? ['first', got.error] : ['second', (want as { error: unknown }).error];
    return `${what}: only the ${side} throws ${error}`;
  }
  if (got.results.length !== want.results.length)
    return `${what}: ${got.results.length} results against ${want.results.length}`;
  for (let i = 0; i < want.results.length; i++) {
    const wrong = difference(got.results[i], want.results[i], slack);
    if (wrong !== null) return `${what}: result ${i}: ${wrong}`;
  }
  for (let i = 0; i < want.grads.length; i++) {
    const wrong = difference(got.grads[i] ?? null, want.grads[i], slack);
    if (wrong !== null) return `${what}: gradient of input ${i}: ${wrong}`;
  }
  return null;
}
