/**
 * JSON that keeps every number and typed array bit for bit. Plain JSON writes NaN and the
 * infinities as null, −0 as 0, and a typed array as an object.
 */
import { ValueError } from '../errors.js';

/** What exact JSON can hold. */
export type Json =
  | null
  | boolean
  | number
  | string
  | undefined
  | ArrayBufferView
  | readonly Json[]
  | { readonly [name: string]: Json };

const numberKey = '__number__';
const arrayKey = '__array__';
const classes = { Float32Array, Float64Array, Int32Array, Uint32Array, Uint8Array } as const;
type ClassName = keyof typeof classes;

/** Writes values as JSON. @throws ValueError for what it cannot hold, naming where it stands */
export function toExactJson(op: string, value: unknown): string {
  const write = (part: unknown, path: string): unknown => {
    if (part === undefined || part === null || typeof part === 'boolean' || typeof part === 'string') return part;
    if (typeof part === 'number')
      return Number.isFinite(part) && !Object.is(part, -0)
        ? part
        : { [numberKey]: Object.is(part, -0) ? '-0' : String(part) };
    if (Array.isArray(part)) return part.map((item, i) => write(item, `${path}[${i}]`));
    if (ArrayBuffer.isView(part)) {
      const name = part.constructor.name;
      if (Object.hasOwn(classes, name))
        return { [arrayKey]: name, values: Array.from(part as Float64Array, (v) => write(v, path)) };
    }
    const prototype: unknown = typeof part === 'object' ? Object.getPrototypeOf(part) : undefined;
    if (prototype === Object.prototype || prototype === null)
      return Object.fromEntries(
        Object.entries(part as object).map(([name, item]) => [name, write(item, `${path}.${name}`)]),
      );
    throw new ValueError(
      op,
      'a state must be numbers, text, flags, arrays and plain objects',
      `${path}: ${typeof part === 'object' ? part?.constructor?.name : typeof part}`,
    );
  };
  return JSON.stringify(write(value, 'state')) ?? 'null';
}

/** Reads what toExactJson wrote. */
export function fromExactJson(text: string): unknown {
  return JSON.parse(text, (_name, value: unknown) => {
    if (typeof value !== 'object' || value === null) return value;
    if (numberKey in value) return Number(value[numberKey]);
    if (arrayKey in value && 'values' in value) {
      const name = value[arrayKey] as ClassName;
      if (Object.hasOwn(classes, name)) return new classes[name](value.values as number[]);
    }
    return value;
  });
}
