/**
 * StoredTensor: a tensor of a file as plain data, and the checks of one that will be written.
 * Not here: the formats (safetensors.ts, npy.ts), tensors on a device (weights.ts).
 */
import { isTensorLike, knownOptions, nearestName, type OptionNames, shown } from '../arguments.js';
import { ShapeError, show, ValueError } from '../errors.js';
import { allocate, checkDType, type DType, type TypedArray } from '../values/dtype.js';
import { checkShape, type Shape, sizeOf } from '../values/shape.js';

/** One tensor of a file. */
export interface StoredTensor {
  readonly dtype: DType;
  readonly shape: Shape;
  /** @shape [n], n = product of shape */
  readonly data: TypedArray;
}

const storedTensor: OptionNames<StoredTensor> = { dtype: 'value', shape: 'value', data: 'value' };

/** Checks a tensor that will be written. */
export function checkStored(op: string, name: string, stored: StoredTensor): void {
  if (typeof stored !== 'object' || stored === null || !ArrayBuffer.isView(stored.data)) {
    const hasData = typeof stored === 'object' && stored !== null && 'data' in stored && !isTensorLike(stored);
    throw new ValueError(
      op,
      'a stored tensor must be { dtype, shape, data } with a typed array as data',
      hasData ? `${name}.data=${shown(stored.data)}` : `${name}=${shown(stored)}`,
      'of a tensor t store { dtype: t.dtype, shape: t.shape, data: await t.data() }',
    );
  }
  knownOptions(op, stored, storedTensor);
  const { dtype, shape, data } = stored;
  checkDType(op, dtype, `${name}.dtype`);
  checkShape(op, shape, `${name}.shape`);
  if (data.length !== sizeOf(shape))
    throw new ShapeError(
      op,
      'data must have as many elements as shape',
      `${name}: ${data.length} elements, shape=${show(shape)}`,
    );
  if (allocate(dtype, 0).constructor !== data.constructor)
    throw new ValueError(op, 'data must be of its dtype', `${name}: ${data.constructor.name} for ${dtype}`);
  if (dtype === 'bool' && data.some((v) => v > 1))
    throw new ValueError(op, 'bool data must be 0 or 1', `${name}: ${data.find((v) => v > 1)}`);
}

/** The tensors of a file that are left out: their names, or a function that says so of a name. */
export type Skip = readonly string[] | ((name: string) => boolean);

/** Checks the option `skip`. */
export function checkSkip(op: string, skip: Skip | undefined): void {
  if (skip === undefined || typeof skip === 'function') return;
  if (!Array.isArray(skip) || !Array.from(skip).every((name) => typeof name === 'string'))
    throw new ValueError(op, 'skip must be names, or a function of a name', `skip=${shown(skip)}`);
}

/**
 * The names that `skip` leaves out.
 * @throws ValueError for a name that the file does not have, and an answer that is not a boolean
 */
export function skippedNames(op: string, skip: Skip | undefined, names: readonly string[]): Set<string> {
  if (skip === undefined) return new Set();
  if (typeof skip === 'function')
    return new Set(
      names.filter((name) => {
        const answer: unknown = skip(name);
        if (typeof answer !== 'boolean')
          throw new ValueError(op, 'skip must return true or false', `${shown(answer)} for '${name}'`);
        return answer;
      }),
    );
  const known = new Set(names);
  const unknown = skip.find((name) => !known.has(name));
  if (unknown !== undefined) {
    const near = nearestName(unknown, names);
    throw new ValueError(
      op,
      'the names of skip must be in the file',
      `'${unknown}'`,
      near === undefined ? 'a function, skip: (name) => …, may name what is not there' : `did you mean '${near}'?`,
    );
  }
  return new Set(skip);
}
