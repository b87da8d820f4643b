/** Checks that constructors of layers share. Not here: checks of inputs, which the ops do. */
import { checkNumber } from '../arguments.js';
import { checkTensor } from '../autograd/graph.js';
import { ShapeError, show, ValueError } from '../errors.js';
import type { Tensor } from '../tensor/tensor.js';

/** Checks a number of channels, features and the like. */
export const checkCount = (op: string, name: string, value: number): void =>
  checkNumber(op, name, value, (v) => Number.isInteger(v) && v >= 1, 'whole and at least 1');

/** Checks an axis in a constructor, where the number of axes is not known yet. */
export const checkAxis = (op: string, name: string, value: number): void =>
  checkNumber(op, name, value, Number.isInteger, 'whole');

/** Checks that groups divide all of these channel counts. */
export function checkGroups(op: string, groups: number, channels: Readonly<Record<string, number>>): void {
  checkCount(op, 'groups', groups);
  const names = Object.keys(channels);
  if (Object.values(channels).some((n) => n % groups !== 0))
    throw new ValueError(
      op,
      `${names.join(' and ')} must be ${names.length > 1 ? 'multiples' : 'a multiple'} of groups`,
      `${names.map((name) => `${name}=${channels[name]}`).join(', ')}, groups=${groups}`,
    );
}

/** Checks that the last axis holds the given number of channels. */
export function checkChannels(op: string, x: Tensor, channels: number, leastRank: number): void {
  checkTensor(op, 'input', x);
  if (x.rank < leastRank || x.shape[x.rank - 1] !== channels)
    throw new ShapeError(
      op,
      `input must have rank ${leastRank} or more and ${channels} channels on its last axis`,
      `input=${show(x.shape)}`,
    );
}

/**
 * Attributes in the form that toString() prints. Undefined ones, which have their default, are left
 * out.
 */
export const attributes = (values: Readonly<Record<string, unknown>>): string =>
  Object.entries(values)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}=${typeof value === 'object' ? JSON.stringify(value) : value}`)
    .join(', ');

/** The value, or undefined if it is the usual one. For attributes(). */
export const unless = <T>(usual: T, value: T): T | undefined => (value === usual ? undefined : value);
