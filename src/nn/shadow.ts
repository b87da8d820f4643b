/**
 * Replacing a module's forward for a while, to see its calls. Not here: what is done with them (the
 * summary in summary.ts, detectAnomaly in train/).
 */
import type { Module } from './module.js';

/**
 * Replaces forward of one instance. `around` makes the original call itself, and gives the result.
 * Returns a function that restores forward.
 */
export function shadowForward(
  module: Module,
  around: (call: () => unknown, inputs: readonly unknown[]) => unknown,
): () => void {
  const own = Object.getOwnPropertyDescriptor(module, 'forward');
  const forward = module.forward;
  const shadow = (...inputs: unknown[]): unknown => around(() => Reflect.apply(forward, module, inputs), inputs);
  Object.defineProperty(module, 'forward', { value: shadow, configurable: true });
  return () => {
    Reflect.deleteProperty(module, 'forward');
    if (own !== undefined) Object.defineProperty(module, 'forward', own);
  };
}
