/** Policies of the pooling kernels. Both sides compile this file, see command.ts. */

/** `NanPolicy` in device.ts. */
export enum NanCode {
  propagate,
  tf,
  ignore,
}

/** `PickPolicy` in device.ts. */
export enum PickCode {
  first,
  last,
  max,
}
