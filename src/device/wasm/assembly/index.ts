export { launch, serve } from './core';
export { drawMask } from './random';

/** The address of the first byte that the module does not use itself. */
export function firstFree(): usize {
  return __heap_base;
}
