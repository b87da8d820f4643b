/**
 * Reads the output of the Python side: calls with their arguments, values and gradients. Not here:
 * the meaning of a call in this library (torch-ops.ts).
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Device, type DType, Tensor, type TypedArray, tensor } from '../../src/index.js';

/** A tensor as it lies in the file. */
export interface Stored {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly offset: number;
}
/** An argument as it stands in the file. */
export type Written = null | boolean | number | string | Written[] | { readonly [name: string]: Written };
/** An argument of a call, read; a torch.dtype is its name. */
export type Value = null | boolean | number | string | Tensor | readonly Value[];

export interface WrittenCall {
  readonly op: string;
  readonly dtype: 'float32' | 'float64';
  /**
   * The source of the call: op_db's plain or reference samples, its calls that must fail, or this
   * project's edge cases. Or the entry counts calls that the file cannot hold ('unwritable'), or
   * that PyTorch cannot compute ('refused').
   */
  readonly source: 'sample' | 'reference' | 'error' | 'edge' | 'unwritable' | 'refused';
  readonly args: readonly Written[];
  readonly kwargs: Readonly<Record<string, Written>>;
  /** Of each tensor among the arguments, in order: whether it has a gradient. */
  readonly needs: readonly boolean[];
  readonly outputs: readonly Stored[];
  /** The gradient that is sent back from each output. */
  readonly seeds: readonly (Stored | null)[];
  /** Of each tensor that has a gradient; null where nothing is differentiable. */
  readonly grads: readonly Stored[] | null;
  /** What PyTorch says, where the call must fail. */
  readonly error?: string;
  /** How many calls are left out, where no values are written. */
  readonly count?: number;
}

const sizeOf = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

const isObject = (written: Written): written is { readonly [name: string]: Written } =>
  typeof written === 'object' && written !== null && !Array.isArray(written);

/** The tensors among written arguments, in the order in which the Python side met them. */
export function storedIn(written: Written | Readonly<Record<string, Written>>): Stored[] {
  if (Array.isArray(written)) return written.flatMap(storedIn);
  if (!isObject(written)) return [];
  return written.$ === 'tensor' ? [written as unknown as Stored] : Object.values(written).flatMap(storedIn);
}

/** The lines in a folder that a script of Python wrote, and their arrays. */
export class Calls<Line = WrittenCall> {
  readonly lines: readonly Line[];
  readonly #bytes: ArrayBuffer;

  constructor(folder: string) {
    this.lines = readFileSync(join(folder, 'calls.jsonl'), 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Line);
    this.#bytes = Uint8Array.from(readFileSync(join(folder, 'tensors.bin'))).buffer;
  }

  array({ dtype, shape, offset }: Stored): TypedArray {
    const size = sizeOf(shape);
    switch (dtype) {
      case 'float32':
        return new Float32Array(this.#bytes, offset, size);
      case 'float64':
        return new Float64Array(this.#bytes, offset, size);
      case 'int32':
        return new Int32Array(this.#bytes, offset, size);
      case 'bool':
        return new Uint8Array(this.#bytes, offset, size);
    }
  }

  tensor(stored: Stored, device: Device, requiresGrad = false): Tensor {
    const { dtype, shape } = stored;
    return tensor(this.array(stored), { shape, dtype, device, requiresGrad });
  }

  /** Arguments on a device, and the tensors among them that have a gradient. */
  open(call: WrittenCall, device: Device): { args: Value[]; kwargs: Record<string, Value>; leaves: Tensor[] } {
    const leaves: Tensor[] = [];
    let met = 0;
    const read = (written: Written): Value => {
      if (Array.isArray(written)) return written.map(read);
      if (!isObject(written)) return written;
      switch (written.$) {
        case 'tensor': {
          const needs = call.needs?.[met++] ?? false;
          const opened = this.tensor(written as unknown as Stored, device, needs);
          if (needs) leaves.push(opened);
          return opened;
        }
        case 'number':
          return { inf: Infinity, '-inf': -Infinity, nan: NaN }[written.value as string] ?? NaN;
        default:
          return String(written.value);
      }
    };
    const args = call.args.map(read);
    const kwargs = Object.fromEntries(Object.entries(call.kwargs).map(([name, v]) => [name, read(v)]));
    return { args, kwargs, leaves };
  }
}

/** Arguments by name, whether they were given by place or by name. */
export class Arguments {
  readonly #values: Readonly<Record<string, Value>>;

  constructor(names: readonly string[], args: readonly Value[], kwargs: Readonly<Record<string, Value>>) {
    this.#values = { ...Object.fromEntries(args.map((v, i) => [names[i] ?? `#${i}`, v])), ...kwargs };
  }

  /** Names that were given, with a value other than None. */
  get names(): string[] {
    return Object.keys(this.#values).filter((name) => (this.#values[name] ?? null) !== null);
  }
  has(name: string): boolean {
    return this.names.includes(name);
  }
  get(name: string): Value {
    return this.#values[name] ?? null;
  }
  tensor(name: string): Tensor {
    const v = this.get(name);
    if (!(v instanceof Tensor)) throw new TypeError(`${name} is no tensor: ${v}`);
    return v;
  }
  optionalTensor(name: string): Tensor | undefined {
    return this.has(name) ? this.tensor(name) : undefined;
  }
  tensors(name: string): Tensor[] {
    return [this.get(name)].flat() as Tensor[];
  }
  number(name: string, fallback: number): number {
    const v = this.get(name) ?? fallback;
    return v instanceof Tensor ? v.itemSync() : Number(v);
  }
  flag(name: string, fallback = false): boolean {
    return Boolean(this.get(name) ?? fallback);
  }
  text(name: string, fallback: string): string {
    return String(this.get(name) ?? fallback);
  }
  /** Whole numbers: one, or several; undefined where None. */
  list(name: string): number[] | undefined {
    return this.has(name) ? ([this.get(name)].flat() as number[]) : undefined;
  }
  /** [height, width], from one number, from one in a list, or from two. */
  pair(name: string, fallback: number): [number, number] {
    const list = this.list(name);
    if (list === undefined || list.length === 0) return [fallback, fallback];
    return list.length === 1 ? [list[0], list[0]] : [list[0], list[1]];
  }
}
