/**
 * The generators that a function draws from, with their states before, so that the function can run
 * again with the same numbers.
 * Not here: the generators (random.ts, fast-random.ts).
 */
import { shown } from '../arguments.js';
import { ValueError } from '../errors.js';
import type { RandomGenerator } from './generator.js';

interface Restorable extends RandomGenerator {
  getState(): unknown;
  setState(state: unknown): void;
}

/** Each generator that drew, with its state before its first draw. */
export type RandomStates = ReadonlyMap<Restorable, unknown>;

/** The functions whose draws are noted at the moment, innermost last. */
const noting: { readonly op: string; readonly states: Map<Restorable, unknown> }[] = [];

const isRestorable = (random: RandomGenerator): random is Restorable =>
  'getState' in random &&
  typeof random.getState === 'function' &&
  'setState' in random &&
  typeof random.setState === 'function';

/** Called before a generator draws. */
export function noteDraw(random: RandomGenerator): void {
  for (const { op, states } of noting) {
    if (!isRestorable(random))
      throw new ValueError(
        op,
        'a generator must have getState and setState',
        `random=${shown(random)}`,
        'draw from RandomState or FastRandom, or pass preserveRngState: false',
      );
    if (!states.has(random)) states.set(random, random.getState());
  }
}

/** Runs fn, and notes the generators that it draws from. */
export function withNotedDraws<T>(op: string, fn: () => T): { readonly value: T; readonly states: RandomStates } {
  const entry = { op, states: new Map<Restorable, unknown>() };
  noting.push(entry);
  try {
    return { value: fn(), states: entry.states };
  } finally {
    noting.splice(noting.indexOf(entry), 1);
  }
}

/** Runs fn with generators in earlier states. Afterwards they have their present states again. */
export function withStates<T>(states: RandomStates, fn: () => T): T {
  const present = [...states.keys()].map((random) => [random, random.getState()] as const);
  for (const [random, state] of states) random.setState(state);
  try {
    return fn();
  } finally {
    for (const [random, state] of present) random.setState(state);
  }
}
