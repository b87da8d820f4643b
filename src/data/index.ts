/** Data sets and batches. */
export { type CednData, cednData, cednWeights } from './cedn.js';
export { type DigitSet, type Digits, loadDigits } from './digits.js';
export { type BatchOptions, batches } from './loader.js';
