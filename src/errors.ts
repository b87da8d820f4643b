/**
 * All errors of the library. Messages have the form `op: rule; got …; hint`. Not here: any check
 * itself.
 */

/** Base class of all errors. `op` is the operation, `got` the offending values in printed form. */
export class CedarError extends Error {
  // Written out, because minifiers rename classes.
  override readonly name: string = 'CedarError';
  constructor(
    readonly op: string,
    readonly rule: string,
    readonly got: string,
    readonly hint = '',
  ) {
    super(`${op}: ${rule}; got ${got}${hint === '' ? '' : `; ${hint}`}`);
  }
}
/** Shapes or ranks that do not fit together, or geometry that cannot exist. */
export class ShapeError extends CedarError {
  override readonly name = 'ShapeError';
}
/** A value or data type outside its legal range. */
export class ValueError extends CedarError {
  override readonly name = 'ValueError';
}
/** Misuse of the autograd graph: freed graphs, released tensors, missing gradients. */
export class GraphError extends CedarError {
  override readonly name = 'GraphError';
}
/** A device that is missing, refused, or cannot do the requested operation. */
export class DeviceError extends CedarError {
  override readonly name = 'DeviceError';
}
/** A file or byte stream that does not have the expected format. */
export class FormatError extends CedarError {
  override readonly name = 'FormatError';
}

/** Formats a shape for messages: `[2,8,8,3]`. */
export const show = (shape: readonly number[]): string => `[${shape.join(',')}]`;
