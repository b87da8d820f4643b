/** Garbage collection on request, for tests of what a program no longer holds. Node only. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Collects garbage, and lets finalizers run. */
export async function collected(): Promise<void> {
  for (let i = 0; i < 3; i++) {
    collect();
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/**
 * Collects garbage until a device has no tensor. One collection may leave some for the next. Gives
 * up after twenty.
 */
export async function collectedFrom(device: { memory(): { tensors: number } }): Promise<void> {
  for (let i = 0; i < 20 && (i === 0 || device.memory().tensors > 0); i++) await collected();
}
