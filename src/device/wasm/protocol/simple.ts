/** Words of the commands that copy and fill. Both sides compile this file, see command.ts. */

export enum CopyWord {
  to,
  from,
  /** The number of words. */
  size,
}

export enum FillWord {
  to,
  /** The number of words. */
  size,
  /** The word that is written. */
  value,
}
