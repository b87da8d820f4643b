/**
 * Data sets and batches: re-exports only.
 * @module cedargrad/data
 */
export { cednData, cednWeights, type NamedWeight } from './cedn.js';
export { type DigitSet, type Digits, loadDigits } from './digits.js';
export { type BatchOptions, batches } from './loader.js';
