export { launch, serve } from './core';
export { drawMask } from './random';

/** Where memory that nothing owns begins. */
export function firstFree(): usize {
  return __heap_base;
}
