/**
 * Makes arrays outside the host's heap count for its garbage collector. A tensor on wasm or on a
 * GPU is a small object to the engine, which sees no reason to collect thousands of them while
 * their arrays fill the device. So a storage also holds an untouched ArrayBuffer of about the
 * array's size. The engine counts this buffer, but it uses no memory, since untouched pages are not
 * committed. Measurements are in docs/decisions/0021-collector-and-event-loop.md.
 */

/**
 * Sizes of arrays below this limit are summed. The storage whose array completes the sum holds the
 * weight of all of them.
 */
const leastBytes = 1 << 20;
/** The maximum size of one weight, because engines limit the size of an ArrayBuffer. */
const mostBytes = 1 << 29;
/** The total weight created before a read gives the finalizers a turn. */
const turnBytes = 1 << 28;

/**
 * Weights of released storages, by size, for reuse. Creating one takes longer than a small kernel.
 */
const spare = new Map<number, ArrayBuffer[]>();
let unweighed = 0;
let sinceTurn = 0;

/**
 * The weight that a storage with an array of `bytes` bytes must hold. Null if it need not hold one.
 */
export function weigh(bytes: number): ArrayBuffer | null {
  unweighed += bytes;
  if (unweighed < leastBytes) return null;
  const size = Math.min(2 ** Math.floor(Math.log2(unweighed)), mostBytes);
  unweighed -= size;
  sinceTurn += size;
  const known = spare.get(size)?.pop();
  if (known !== undefined) return known;
  try {
    // A resizable buffer is mapped, not allocated, so no engine clears its pages. TypeScript's
    // ES2023 library lacks the option.
    return new (ArrayBuffer as new (length: number, options: { maxByteLength: number }) => ArrayBuffer)(size, {
      maxByteLength: size,
    });
  } catch {
    // The address space is exhausted. The array itself was allocated, so the tensor is valid
    // without a weight.
    return null;
  }
}

/** Takes back the weight of a released storage. */
export function unweigh(weight: ArrayBuffer): void {
  const size = weight.byteLength;
  sinceTurn -= size;
  const known = spare.get(size);
  if (known === undefined) spare.set(size, [weight]);
  else known.push(weight);
}

/**
 * Whether so much weight was created, and not released, that finalizers should run. Returning true
 * restarts the count.
 */
export function weighsTooMuch(): boolean {
  if (sinceTurn < turnBytes) return false;
  sinceTurn = 0;
  return true;
}
