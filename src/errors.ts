/** Every error of the library. Messages read `op: rule; got …; hint`. Not here: any check itself. */

/** Base of all errors; `op` names the operation, `got` the offending values as printed. */
export class CedarError extends Error {
  // Written out: a minifier renames classes.
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
/** A device that is missing, refused, or cannot do what was asked. */
export class DeviceError extends CedarError {
  override readonly name = 'DeviceError';
}
/** A file or byte stream that is not what it claims to be. */
export class FormatError extends CedarError {
  override readonly name = 'FormatError';
}

/** Prints a shape as in messages: `[2,8,8,3]`. */
export const show = (shape: readonly number[]): string => `[${shape.join(',')}]`;
