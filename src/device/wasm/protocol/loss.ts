/** Words of the loss commands. Both sides compile this file, see command.ts. */

export enum BceWithLogitsWord {
  to,
  logits,
  target,
  size,
  posWeight,
}

export enum BceWithLogitsGradWord {
  to,
  g,
  logits,
  target,
  size,
  posWeight,
}
