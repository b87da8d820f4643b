/** Words of Adam's command. Both sides compile this file, see command.ts. */

/** The words of each parameter follow. */
export enum AdamWord {
  /** The learning rate, with both bias corrections. */
  rate,
  epsilon,
  /** The factor of a parameter (AdamW). */
  shrink,
  /** The factor of a parameter that is added to its gradient. */
  decay,
  beta1,
  /** 1 − beta1. */
  rest1,
  beta2,
  /** 1 − beta2. */
  rest2,
  amsgrad,
  /** The number of parameters. */
  count,
  /** The first word of the parameters. */
  parameters,
}

/**
 * The words of a parameter. All but the first are addresses; without amsgrad those of vmax are 0.
 */
export enum ParameterWord {
  size,
  p,
  g,
  m,
  v,
  vmax,
  newP,
  newM,
  newV,
  newVmax,
  /** The number of words of a parameter. */
  length,
}
