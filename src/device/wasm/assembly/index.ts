export { launch, serve } from './core';
export { drawMask } from './random';

/** The address of the first byte that the module does not use itself. */
export function firstFree(): i32 {
  return <i32>__heap_base;
}
