export { launch, serve } from './core';

/** Where memory that nothing owns begins. */
export function firstFree(): usize {
  return __heap_base;
}
