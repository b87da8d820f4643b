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

/** What detectAnomaly found. */
export interface Anomaly {
  /** The first such value. */
  readonly value: 'NaN' | 'Infinity' | '-Infinity';
  /** Whether an operation made it, a gradient rule, or an update in place, as optimizers make. */
  readonly pass: 'forward' | 'backward' | 'update';
  /** The operation, for example 'log'. Of an update in place the kernel, for example 'adam'. */
  readonly operation: string;
  /**
   * The module whose forward called the operation, by its path in the model, for example
   * 'encoder.0'. The model itself is ''. Null outside of its modules, or if no model was given.
   */
  readonly module: string | null;
  /** Whether the operation got such a value already, so that it did not make it. */
  readonly given: boolean;
}

/** A NaN or an infinity that detectAnomaly (cedargrad/train) found. */
export class AnomalyError extends CedarError {
  override readonly name = 'AnomalyError';
  constructor(
    readonly anomaly: Anomaly,
    got: string,
    hint: string,
  ) {
    super('detectAnomaly', 'every value must be finite', got, hint);
  }
}

/** Formats a shape for messages: `[2,8,8,3]`. */
export const show = (shape: readonly number[]): string => `[${shape.join(',')}]`;
