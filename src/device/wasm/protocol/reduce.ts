/** Functions of the reductions. Both sides compile this file, see command.ts. */

export enum ReduceCode {
  sum,
  max,
  min,
}
