/**
 * Checks of arguments that plain JavaScript can get wrong, such as names of options, flags, numbers
 * and text. Not here: tensors (autograd/graph.ts), shapes (values/shape.ts), windows
 * (values/window.ts).
 */
import { DeviceError, ValueError } from './errors.js';

/**
 * The name of a value's class. A class has a static `title` if a minifier could change its own
 * name.
 */
export function className(value: object): string {
  const made: { readonly name?: string; readonly title?: string } = value.constructor ?? {};
  return (Object.hasOwn(made, 'title') ? made.title : made.name) ?? 'Object';
}

/**
 * Formats a value for a message. Strings are quoted, short lists printed whole, and other objects
 * described in a few words.
 */
export function shown(value: unknown): string {
  if (typeof value === 'string') return `'${value.length > 40 ? `${value.slice(0, 40)}…` : value}'`;
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value === 'function') return value.name === '' ? 'a function' : `the function ${value.name}`;
  if (typeof value !== 'object' || value === null) return String(value);
  if (Array.isArray(value)) {
    const isShort = value.length <= 8 && value.every((v) => typeof v !== 'object' || v === null);
    return isShort ? `[${Array.from(value, shown).join(',')}]` : `an array of ${value.length}`;
  }
  const made = className(value);
  if (made !== 'Object') return `${/^[AEIOU]/.test(made) ? 'an' : 'a'} ${made}`;
  const keys = Object.keys(value);
  return `an object {${keys.slice(0, 4).join(', ')}${keys.length > 4 ? ', …' : ''}}`;
}

// ---- options

type Keys<O> = O extends unknown ? keyof O : never;
type ValueOf<O, K> = O extends unknown ? (K extends keyof O ? O[K] : never) : never;
/**
 * Every name of an options type, with its kind. A 'flag' is true or false, and a 'value' is checked
 * where it is used. The compiler rejects a list that lacks a name or gives it the wrong kind.
 */
export type OptionNames<O> = {
  readonly [K in Keys<O>]: [NonNullable<ValueOf<O, K>>] extends [boolean] ? 'flag' : 'value';
};

/**
 * Names of options in other libraries, in the form of `plain`, and the options that correspond to
 * them here.
 */
const elsewhere: Readonly<Record<string, readonly string[]>> = {
  strides: ['stride'],
  ksize: ['kernelSize'],
  poolsize: ['kernelSize'],
  dilations: ['dilation'],
  dilationrate: ['dilation'],
  usebias: ['bias'],
  p: ['rate'],
  unbiased: ['correction'],
  ddof: ['correction'],
  reduce: ['reduction'],
  learningrate: ['lr'],
  epsilon: ['eps'],
  beta1: ['betas'],
  beta2: ['betas'],
  rho: ['alpha'],
  decay: ['weightDecay'],
  stepsize: ['every'],
  tmax: ['total'],
  etamin: ['minFactor'],
  alpha: ['minFactor'],
  totaliters: ['steps', 'total'],
  totalsteps: ['total'],
  decaysteps: ['total', 'every'],
  epochs: ['total'],
  stepsperepoch: ['total'],
  t0: ['period'],
  firstdecaysteps: ['period'],
  tmult: ['growth'],
  tmul: ['growth'],
  lrlambda: ['lambda'],
  boundaries: ['milestones'],
  decayrate: ['gamma'],
  maximallearningrate: ['maxLr'],
  initiallearningrate: ['baseLr'],
  mindelta: ['threshold'],
  scalefactor: ['scale'],
  mode: ['method', 'fill', 'nonlinearity'],
  interpolation: ['method', 'fill'],
  elementwiseaffine: ['affine'],
  generator: ['random'],
  seed: ['random'],
};

/** Options of other libraries that do not exist here, each with the rule that applies instead. */
const missing: Readonly<Record<string, string>> = {
  returnindices: 'max pools always return their indices',
  dataformat: 'images are [N,H,W,C]',
  paddingmode: 'borders are padded with zeros; pad() the input with a mode first',
  inplace: 'operations return new tensors',
  trackrunningstats: 'this layer has no running statistics',
  maximize: 'negate the loss',
  lastepoch: 'loadStateDict() restores where a schedule was',
  verbose: 'print the rate of paramGroups after step()',
  foreach: 'there is one implementation of each optimizer',
  fused: 'there is one implementation of each optimizer',
  capturable: 'compile() records every optimizer',
};

/**
 * Normalises the name of an option, so that different spellings (weight_decay, weightDecay) are
 * equal.
 */
const plain = (name: string): string => name.replaceAll('_', '').toLowerCase();

/** The number of letters to change to turn one word into the other (Levenshtein distance). */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const above = row;
    row = [i];
    for (let j = 1; j <= b.length; j++)
      row.push(Math.min(row[j - 1] + 1, above[j] + 1, above[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1)));
  }
  return row[b.length];
}

/**
 * The name of a list that is spelt like another word, or nearly so. Undefined if none is near.
 */
export function nearestName(name: string, names: readonly string[]): string | undefined {
  const word = plain(name);
  const [nearest] = names.map((known) => ({ known, far: distance(word, plain(known)) })).sort((a, b) => a.far - b.far);
  return nearest !== undefined && nearest.far < Math.min(3, word.length) ? nearest.known : undefined;
}

/** A hint for an unknown option, naming the option to use instead. */
function advice(name: string, names: readonly string[]): string {
  const word = plain(name);
  const near = nearestName(name, names);
  const same = near !== undefined && plain(near) === word ? near : undefined;
  const translated = Object.hasOwn(elsewhere, word)
    ? elsewhere[word].find((known) => names.includes(known))
    : undefined;
  const meant = same ?? translated ?? near;
  if (Object.hasOwn(missing, word) && same === undefined) return `not supported here: ${missing[word]}`;
  return meant === undefined ? '' : `did you mean ${meant}?`;
}

/** Whether a value can hold options. A list, map, buffer, promise or tensor cannot. */
function canHoldOptions(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false;
  if (Object.getPrototypeOf(value) === Object.prototype) return true;
  // A Date, a RegExp and a boxed number have another tag.
  if (Object.prototype.toString.call(value) !== '[object Object]') return false;
  return !(Symbol.iterator in value || 'byteLength' in value || 'then' in value || 'release' in value);
}

/** Checks that a value is an object of entries by name. `of` says in messages what they are. */
export function checkRecord(op: string, name: string, value: unknown, of: string): void {
  if (canHoldOptions(value)) return;
  const hint = value instanceof Promise ? 'await it first' : value instanceof Map ? 'pass Object.fromEntries(it)' : '';
  throw new ValueError(op, `${name} must be an object of ${of} by name`, `${name}=${shown(value)}`, hint);
}

/**
 * Throws for options that are not an object, names that are not in the list, and flags that are not
 * true or false.
 */
export function knownOptions<O extends object>(op: string, options: O, names: OptionNames<O>): void {
  if (!canHoldOptions(options)) {
    const [first] = Object.keys(names);
    throw new ValueError(op, 'options must be an object', shown(options), first && `write them as { ${first}: … }`);
  }
  const kinds: Readonly<Record<string, 'flag' | 'value'>> = names;
  for (const name in options) {
    if (kinds[name] === 'value') continue;
    const value: unknown = options[name];
    if (!Object.hasOwn(kinds, name)) {
      const known = Object.keys(kinds);
      const rule =
        known.length > 1
          ? `options are ${known.join(', ')}`
          : known.length === 1
            ? `the only option is ${known[0]}`
            : 'there are no options';
      throw new ValueError(op, rule, `${name}=${shown(value)}`, advice(name, known));
    }
    if (value !== undefined) checkFlag(op, name, value);
  }
}

/** Checks that a value is a boolean. A string such as 'false' would otherwise count as true. */
export function checkFlag(op: string, name: string, value: unknown): void {
  if (typeof value !== 'boolean') throw new ValueError(op, `${name} must be true or false`, `${name}=${shown(value)}`);
}

// ---- numbers

/** Whether a value looks like a tensor, for hints. */
export const isTensorLike = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && 'dataSync' in value;

/** Checks that a value has the type number. NaN and the infinities have. */
export function checkIsNumber(op: string, name: string, value: unknown): void {
  if (typeof value === 'number') return;
  const hint = isTensorLike(value) ? 'of a tensor pass await tensor.item()' : '';
  throw new ValueError(op, `${name} must be a number`, `${name}=${shown(value)}`, hint);
}

/** Checks a number, such as a rate or an epsilon, against a rule. NaN is never valid. */
export function checkNumber(
  op: string,
  name: string,
  value: number,
  legal: (v: number) => boolean,
  rule: string,
  hint = '',
): void {
  if (typeof value !== 'number' || Number.isNaN(value) || !legal(value))
    throw new ValueError(op, `${name} must be ${rule}`, `${name}=${shown(value)}`, hint);
}

/** Checks that all numbers of a record are finite. */
export function checkFinite(op: string, numbers: Readonly<Record<string, number>>): void {
  for (const name in numbers) checkNumber(op, name, numbers[name], Number.isFinite, 'a finite number');
}

/**
 * Checks that a value is an array, a typed array or another object with a length, and that its
 * elements are numbers. NaN and the infinities are numbers. Only the elements in [from, to) are
 * checked.
 */
export function checkNumbers(op: string, name: string, value: ArrayLike<number>, from = 0, to = Infinity): void {
  const length = typeof value === 'object' ? value?.length : undefined;
  if (typeof length !== 'number') {
    const hint = isTensorLike(value) ? 'of a tensor pass await tensor.data()' : '';
    throw new ValueError(op, `${name} must be an array of numbers`, `${name}=${shown(value)}`, hint);
  }
  // Whether a typed array holds numbers shows at its first element: the others are of BigInts.
  const end = ArrayBuffer.isView(value) ? Math.min(length, 1) : Math.min(length, to);
  for (let i = ArrayBuffer.isView(value) ? 0 : from; i < end; i++)
    if (typeof value[i] !== 'number')
      throw new ValueError(op, `${name} must be an array of numbers`, `${name}[${i}]=${shown(value[i])}`);
}

// ---- others

/** Checks that a value is text. */
export function checkText(op: string, name: string, value: unknown): void {
  if (typeof value !== 'string') throw new ValueError(op, `${name} must be text`, `${name}=${shown(value)}`);
}

/** Checks that a value is a function. */
export function checkFunction(op: string, name: string, value: unknown): void {
  if (typeof value !== 'function') throw new ValueError(op, `${name} must be a function`, `${name}=${shown(value)}`);
}

/** Checks that a value is a device, the result of `await device(…)`. */
export function checkDevice(op: string, value: unknown): void {
  if (typeof (value as { run?: unknown } | null | undefined)?.run === 'function') return;
  const hint =
    typeof value === 'string'
      ? `a name is not enough: pass the result of await device('${value}')`
      : value instanceof Promise
        ? 'await device(…) first'
        : "pass the result of await device('wasm')";
  throw new DeviceError(op, 'a device is needed', shown(value), hint);
}
