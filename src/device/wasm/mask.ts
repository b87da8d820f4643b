/** Dropout masks that are drawn in device memory. Not here: the generator (assembly/random.ts). */
import type { RandomGenerator } from '../../values/generator.js';
import { type Mask, RandomState } from '../../values/random.js';
import { type Memory, type WasmBuffer, wordBytes } from './memory.js';
import { Control } from './protocol/control.js';
import type { Exports } from './queue.js';

/** Whether the device's own draws equal the generator's. A subclass may draw differently. */
export const isNumpys = (random: RandomGenerator): random is RandomState =>
  Object.getPrototypeOf(random) === RandomState.prototype;

/**
 * Draws a mask directly into a buffer. The generator's state is copied in and, after the draw,
 * back.
 */
export function drawMask(
  memory: Memory,
  exports: Exports,
  { address }: WasmBuffer,
  { length, rate, scale }: Mask,
  random: RandomState,
): void {
  const words = memory.words;
  const key = words[Control.scratchBase];
  const state = random.getState();
  words.set(state.key, key);
  // u = n·2⁻⁵³ for an integer n of 27 high and 26 low bits, so u ≥ rate is equivalent to n ≥
  // ⌈rate·2⁵³⌉.
  const least = Math.ceil(rate * 2 ** 53);
  const position = exports.drawMask(
    key,
    state.position,
    address,
    length,
    Math.floor(least / 2 ** 26),
    least % 2 ** 26,
    scale,
  );
  random.setState({ key: new Uint32Array(words.buffer, key * wordBytes, 624), position, cached: state.cached });
}
