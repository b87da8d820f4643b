/**
 * Loading of a module's state dictionary. Not here: the names of a module's tensors (module.ts),
 * files (src/io).
 */
import { checkText, knownOptions, shown } from '../arguments.js';
import { noGrad } from '../autograd/backward.js';
import { isTensor } from '../autograd/graph.js';
import { show, ValueError } from '../errors.js';
import type { Tensor } from '../tensor/tensor.js';
import type { DType } from '../values/dtype.js';
import { type Shape, sameShape } from '../values/shape.js';

/** The result of loadStateDict. */
export interface LoadReport {
  /** Names in the module that the dictionary lacks. */
  readonly missing: readonly string[];
  /** Names in the dictionary that the module lacks. */
  readonly unexpected: readonly string[];
}

/** Checks that a value is a dictionary of tensors. The contents of files, for example, are not. */
function checkDict(op: string, dict: unknown): void {
  if (typeof dict !== 'object' || dict === null || isTensor(dict))
    throw new ValueError(op, 'a state must be an object of tensors by name', shown(dict));
  for (const [name, value] of Object.entries(dict))
    if (!isTensor(value))
      throw new ValueError(
        op,
        'a state must be an object of tensors by name',
        `${name}=${shown(value)}`,
        'make tensors of stored arrays: tensor(data, { shape, dtype })',
      );
}

/** The entries whose names begin with a prefix, by their names without it. */
function under(
  op: string,
  prefix: string,
  dict: Readonly<Record<string, Tensor>>,
  strict: boolean,
): Readonly<Record<string, Tensor>> {
  const found = Object.entries(dict).filter(([name]) => name.startsWith(prefix));
  if (strict && found.length === 0)
    throw new ValueError(
      op,
      `a name must begin with the prefix '${prefix}'`,
      `${shown(Object.keys(dict).slice(0, 4))}`,
      prefix.endsWith('.') ? '' : "a prefix ends with a dot, as in 'encoder.'",
    );
  return Object.fromEntries(found.map(([name, t]) => [name.slice(prefix.length), t]));
}

/** A shape and a dtype, as a tensor and the description of one in a file have them. */
interface Described {
  readonly shape: Shape;
  readonly dtype: DType;
}

/**
 * Pairs tensors with what will be loaded into them.
 * @throws ValueError with every mismatch: names (unless strict is false), shapes and dtypes
 */
export function matchState<To extends Described, From extends Described>(
  op: string,
  own: ReadonlyMap<string, To>,
  given: ReadonlyMap<string, From>,
  strict: boolean,
): { pairs: { name: string; to: To; from: From }[]; report: LoadReport } {
  const missing = [...own.keys()].filter((name) => !given.has(name));
  const unexpected = [...given.keys()].filter((name) => !own.has(name));
  const pairs = [...own].flatMap(([name, to]) => {
    const from = given.get(name);
    return from === undefined ? [] : [{ name, to, from }];
  });
  const described = (t: Described): string => `${show(t.shape)} ${t.dtype}`;
  const wrong = pairs.filter(({ to, from }) => !sameShape(to.shape, from.shape) || to.dtype !== from.dtype);
  const problems = [
    ...(strict && missing.length > 0 ? [`missing ${missing.join(', ')}`] : []),
    ...(strict && unexpected.length > 0 ? [`unexpected ${unexpected.join(', ')}`] : []),
    ...wrong.map(({ name, to, from }) => `${name} ${described(from)} for ${described(to)}`),
  ];
  if (problems.length > 0)
    throw new ValueError(
      op,
      "names, shapes and dtypes must be the module's",
      problems.join('; '),
      wrong.length > 0
        ? 'nothing was loaded'
        : 'nothing was loaded; pass strict: false to load the names that both have',
    );
  return { pairs, report: { missing, unexpected } };
}

/**
 * Copies the values of a dictionary into the tensors `own`. Everything is checked before anything
 * changes.
 */
export function loadState(
  op: string,
  own: ReadonlyMap<string, Tensor>,
  given: Readonly<Record<string, Tensor>>,
  options: { strict?: boolean; prefix?: string },
): LoadReport {
  knownOptions(op, options, { strict: 'flag', prefix: 'value' });
  checkDict(op, given);
  const { strict = true, prefix = '' } = options;
  checkText(op, 'prefix', prefix);
  const dict = prefix === '' ? given : under(op, prefix, given, strict);
  const { pairs, report } = matchState(op, own, new Map(Object.entries(dict)), strict);
  noGrad(() => {
    // Transfers can fail, and released tensors cannot be read. So all transfers come before the
    // first assignment.
    const ready = pairs.map(({ to, from }) => ({ to, from: from.to(to.device).detach() }));
    for (const { to, from } of ready) to.assign(from);
  });
  return report;
}
