/**
 * Makes arrays outside of the host's heap weigh on its garbage collector. A tensor on wasm or on a GPU is a small
 * object to the engine, which sees no reason to collect thousands of them while their arrays fill the device.
 * So a storage also holds an untouched ArrayBuffer of about the array's size: the engine counts it, and nothing else
 * does, since untouched pages take no memory. Measured in docs/decisions/0021-collector-and-event-loop.md.
 */

/** Arrays below this size are weighed together: the storage that completes the sum carries the weight of all. */
const leastBytes = 1 << 20;
/** Engines limit the size of one ArrayBuffer. */
const mostBytes = 1 << 29;
/** So much may be weighed before a read gives the finalizers a turn. */
const turnBytes = 1 << 28;

/** Weights of released storages, by size, to be used again: making one takes longer than a small kernel. */
const spare = new Map<number, ArrayBuffer[]>();
let unweighed = 0;
let sinceTurn = 0;

/** What a storage of an array of `bytes` bytes must hold on to; null where it need not. */
export function weigh(bytes: number): ArrayBuffer | null {
  unweighed += bytes;
  if (unweighed < leastBytes) return null;
  const size = Math.min(2 ** Math.floor(Math.log2(unweighed)), mostBytes);
  unweighed -= size;
  sinceTurn += size;
  const known = spare.get(size)?.pop();
  if (known !== undefined) return known;
  try {
    // A resizable buffer is mapped, not allocated, so no engine clears its pages. TypeScript's ES2023 lacks the option.
    return new (ArrayBuffer as new (length: number, options: { maxByteLength: number }) => ArrayBuffer)(size, {
      maxByteLength: size,
    });
  } catch {
    // No address space is left for it. The array itself was to be had, so the tensor is right without.
    return null;
  }
}

/** Takes back the weight of a storage that was released. */
export function unweigh(weight: ArrayBuffer): void {
  const size = weight.byteLength;
  sinceTurn -= size;
  const known = spare.get(size);
  if (known === undefined) spare.set(size, [weight]);
  else known.push(weight);
}

/** Whether so much was made, and not released, that finalizers should have a turn. Asking starts the count anew. */
export function weighsTooMuch(): boolean {
  if (sinceTurn < turnBytes) return false;
  sinceTurn = 0;
  return true;
}
