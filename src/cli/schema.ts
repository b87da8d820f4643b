/**
 * Checks of values that a person wrote, in JSON or as flags. A message names the place of the value
 * (`config.epochs`, `--epochs`). Not here: which keys and flags there are (config.ts, flags.ts).
 */
import { nearestName, shown } from '../arguments.js';
import { CedarError } from '../errors.js';
import { UsageError } from './errors.js';

/** Returns a checked value. @throws UsageError that names `place` */
export type Check<T> = (place: string, value: unknown) => T;

const failure = (place: string, rule: string, value: unknown): UsageError =>
  new UsageError(`${place} must be ${rule}; got ${shown(value)}`);

/** `; did you mean …?`, or what is known. */
export function suggestion(name: string, names: readonly string[]): string {
  const near = nearestName(name, names);
  return near === undefined ? `; known: ${names.join(', ')}` : `; did you mean ${near}?`;
}

export const number =
  (rule: string, legal: (value: number) => boolean): Check<number> =>
  (place, value) => {
    if (typeof value === 'number' && Number.isFinite(value) && legal(value)) return value;
    throw failure(place, rule, value);
  };
export const whole = (least: number, most = 1e9): Check<number> =>
  number(`whole and in [${least}, ${most}]`, (v) => Number.isInteger(v) && v >= least && v <= most);
export const positive: Check<number> = number('a positive number', (v) => v > 0);
export const share: Check<number> = number('in [0, 1)', (v) => v >= 0 && v < 1);

export const text: Check<string> = (place, value) => {
  if (typeof value === 'string' && value !== '' && !value.includes('\0')) return value;
  throw failure(place, 'text that is not empty', value);
};
export const flag: Check<boolean> = (place, value) => {
  if (typeof value === 'boolean') return value;
  throw failure(place, 'true or false', value);
};

export const oneOf =
  <const T extends string | number>(...values: readonly T[]): Check<T> =>
  (place, value) => {
    if (values.includes(value as T)) return value as T;
    const near = typeof value === 'string' ? nearestName(value, values.map(String)) : undefined;
    const rule = `one of ${values.join(', ')}`;
    throw new UsageError(
      `${failure(place, rule, value).message}${near === undefined ? '' : `; did you mean ${near}?`}`,
    );
  };
export const orNull =
  <T>(check: Check<T>): Check<T | null> =>
  (place, value) =>
    value === null ? null : check(place, value);
export const listOf =
  <T>(check: Check<T>): Check<readonly T[]> =>
  (place, value) => {
    if (!Array.isArray(value)) throw failure(place, 'a list', value);
    return value.map((item: unknown, i) => check(`${place}[${i}]`, item));
  };

/** Checks that a value is an object as JSON has it. */
export function checkObject(place: string, value: unknown): asserts value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw failure(place, 'an object', value);
}

/** The part of T whose keys are given. */
export type Given<T> = { readonly [K in keyof T]?: T[K] };

/** Any of these keys, and no other. The compiler rejects a list that lacks a key. */
export const record =
  <T extends object>(checks: { readonly [K in keyof T]-?: Check<T[K]> }): Check<Given<T>> =>
  (place, value) => {
    checkObject(place, value);
    const known = checks as Readonly<Record<string, Check<unknown>>>;
    return Object.fromEntries(
      Object.entries(value).map(([key, part]) => {
        const at = `${place}.${key}`;
        const check = Object.hasOwn(known, key) ? known[key] : undefined;
        if (check === undefined) throw new UsageError(`${at} is not known${suggestion(key, Object.keys(known))}`);
        return [key, check(at, part)];
      }),
    ) as Given<T>;
  };

/**
 * Calls a constructor of the library with options that a person wrote. Its errors become messages
 * about the place of the options.
 * @throws UsageError
 */
export function made<T>(place: string, make: () => T): T {
  try {
    return make();
  } catch (error) {
    if (!(error instanceof CedarError)) throw error;
    const { rule, got, hint } = error;
    const more = hint === '' ? '' : `; ${hint}`;
    // The rule of knownOptions: the value is the option that is not known.
    if (/^(options are |the only option is |there are no options)/.test(rule))
      throw new UsageError(`${place}.${got.replace(/=.*/s, '')} is not known${more === '' ? `; ${rule}` : more}`);
    throw new UsageError(`${place}: ${rule}; got ${got}${more}`);
  }
}
