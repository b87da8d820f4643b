/**
 * The names of PyTorch's state dictionaries, and the tensors of a model that they belong to. Not
 * here: layouts (torch-layouts.ts), files (torch.ts).
 */
import { checkRecord, nearestName, shown } from '../arguments.js';
import { ValueError } from '../errors.js';

/**
 * PyTorch's names by names here: of tensors ('head.weight') or of all below a path ('encoder'), or
 * a function of a tensor's name here. What has no entry, or for which the function returns
 * undefined, keeps to the rule.
 */
export type NameMap = Readonly<Record<string, string>> | ((name: string) => string | undefined);

/** Wrappers of whole models that put their name before every other. */
const wrappers = ['module.', '_orig_mod.'];

/** `runningMean` as `running_mean`. */
const snake = (name: string): string =>
  name.replace(/([a-z0-9])([A-Z])/g, (_, before: string, letter: string) => `${before}_${letter.toLowerCase()}`);

/** The same for every spelling of a name. */
const plain = (name: string): string => name.replaceAll('_', '').toLowerCase();

/** Checks the option `map`. */
export function checkMap(op: string, map: NameMap | undefined, own: readonly string[]): void {
  if (map === undefined || typeof map === 'function') return;
  checkRecord(op, 'map', map, "PyTorch's names");
  const paths = new Set(
    own.flatMap((name) => {
      const parts = name.split('.');
      return parts.map((_, i) => parts.slice(0, i + 1).join('.'));
    }),
  );
  for (const [name, there] of Object.entries(map)) {
    if (typeof there !== 'string' || there === '')
      throw new ValueError(op, "map must give PyTorch's names as text", `${name}=${shown(there)}`);
    if (!paths.has(name)) {
      const near = nearestName(name, [...paths]);
      throw new ValueError(
        op,
        'map must name tensors or layers of the model by path',
        `'${name}'`,
        near === undefined ? '' : `did you mean '${near}'?`,
      );
    }
  }
}

/** PyTorch's name of a tensor, and whether a map gives it in full. */
function nameThere(op: string, name: string, map: NameMap | undefined): { there: string; isExact: boolean } {
  if (typeof map === 'function') {
    const there: unknown = map(name);
    if (there !== undefined && (typeof there !== 'string' || there === ''))
      throw new ValueError(op, 'map must return a name or undefined', `${shown(there)} for '${name}'`);
    return there === undefined ? { there: name, isExact: false } : { there, isExact: true };
  }
  if (map === undefined) return { there: name, isExact: false };
  const parts = name.split('.');
  for (let length = parts.length; length > 0; length--) {
    const path = parts.slice(0, length).join('.');
    if (!Object.hasOwn(map, path)) continue;
    const rest = parts.slice(length).map((part) => `.${snake(part)}`);
    return { there: (map[path] as string) + rest.join(''), isExact: true };
  }
  return { there: name, isExact: false };
}

/** PyTorch's name of each tensor. @throws ValueError for two with the same */
export function torchNames(op: string, own: readonly string[], map: NameMap | undefined): Map<string, string> {
  const names = new Map<string, string>();
  const taken = new Map<string, string>();
  for (const name of own) {
    const { there, isExact } = nameThere(op, name, map);
    const full = isExact ? there : snake(there);
    const other = taken.get(full);
    if (other !== undefined)
      throw new ValueError(
        op,
        'no two tensors may have one name',
        `'${full}' for '${other}' and '${name}'`,
        'pass a map',
      );
    taken.set(full, name);
    names.set(name, full);
  }
  return names;
}

/** Names of a file, without what a wrapper put before all of them, and their names in the file. */
function unwrapped(names: readonly string[], own: readonly string[]): Map<string, string> {
  let prefix = '';
  for (const wrapper of wrappers)
    if (
      names.length > 0 &&
      names.every((name) => name.startsWith(prefix + wrapper)) &&
      !own.some((name) => name.startsWith(wrapper))
    )
      prefix += wrapper;
  return new Map(names.map((name) => [name.slice(prefix.length), name]));
}

/** The result of matchNames. */
export interface NamePairs {
  /** The file's name of each tensor of the model that it has. */
  readonly pairs: ReadonlyMap<string, string>;
  /** Names of the file that belong to no tensor here. */
  readonly rest: readonly string[];
}

/**
 * Finds the tensors of a file that belong to those of a model. A name matches if it is the same,
 * or differs in underscores and capitals alone. Counters of batches (`num_batches_tracked`) belong
 * to the statistics beside them, and are not used here.
 * @throws ValueError for a name that several of the file match, or two tensors that match one
 */
export function matchNames(
  op: string,
  own: readonly string[],
  file: readonly string[],
  map: NameMap | undefined,
): NamePairs {
  checkMap(op, map, own);
  const found = unwrapped(file, own);
  const spelt = new Map<string, string[]>();
  for (const name of found.keys()) spelt.set(plain(name), [...(spelt.get(plain(name)) ?? []), name]);
  const pairs = new Map<string, string>();
  const taken = new Map<string, string>();
  for (const name of own) {
    const { there, isExact } = nameThere(op, name, map);
    const exact = [there, snake(there)].find((spelling) => found.has(spelling));
    const near = exact !== undefined ? [exact] : isExact ? [] : (spelt.get(plain(there)) ?? []);
    const [match, ...others] = near;
    if (match === undefined) continue;
    if (others.length > 0)
      throw new ValueError(op, "a name must match one of the file's", `'${name}': ${near.join(', ')}`, 'pass a map');
    const other = taken.get(match);
    if (other !== undefined)
      throw new ValueError(
        op,
        'no two tensors may have one name',
        `'${match}' for '${other}' and '${name}'`,
        'pass a map',
      );
    taken.set(match, name);
    pairs.set(name, found.get(match) as string);
  }
  const isCounter = (name: string): boolean =>
    /(^|\.)num_batches_tracked$/.test(name) && taken.has(name.replace(/num_batches_tracked$/, 'running_mean'));
  const rest = [...found].filter(([name]) => !taken.has(name) && !isCounter(name)).map(([, full]) => full);
  return { pairs, rest };
}
