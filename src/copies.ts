/** Detects a second copy of the library in one program. Two copies do not work together. */
import { isNode } from './platform.js';

/** The global counter of copies. A worker has its own globalThis. */
const copies = Symbol.for('cedargrad.copies');

/**
 * Counts this copy, once, when it is loaded. The second copy prints a warning. With two copies,
 * layers, parameters and noGrad() of one are unknown to the other. Half a model may then silently
 * be missing from training and from saved files.
 */
export function countCopy(): void {
  const shared = globalThis as { [copies]?: number };
  shared[copies] = (shared[copies] ?? 0) + 1;
  if (shared[copies] !== 2) return;
  const message =
    'two copies of cedargrad are loaded in this program. Layers, parameters, optimizers and noGrad() of one do not ' +
    'know those of the other. `npm ls cedargrad` shows where they come from; in a bundle, check that all imports ' +
    "lead to one file ('cedargrad' and 'cedargrad/browser' are two).";
  if (isNode()) process.emitWarning(message, { type: 'CedarWarning', code: 'CEDARGRAD_TWO_COPIES' });
  else console.warn(`cedargrad: ${message}`);
}
