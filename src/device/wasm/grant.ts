/**
 * The WebAssembly memory of a device. It can grow to 4 GiB, or to 16 GiB if its addresses have 64
 * bits. Not here: the allocator (memory.ts).
 */

export const pageBytes = 65536;
const mostPages = 65536;
/**
 * No engine allows more than 16 GiB. The last page is left out, so that the end of every block is
 * an address in words of 32 bits.
 */
const mostPages64 = 4 * mostPages - 1;
/** A device with less memory than this would be useless. */
const leastPages = 4096;

/** A memory that the system has granted. */
export interface Grant {
  readonly memory: WebAssembly.Memory;
  /** The size in bytes up to which it can grow. */
  readonly maximum: number;
  /** Whether that is less than the engine's limit. */
  readonly limited: boolean;
  /** Whether its addresses have 64 bits. */
  readonly memory64: boolean;
  grow(pages: number): void;
}

/** A memory with 64-bit addresses counts its pages in bigints. TypeScript's types lack it. */
type Memory64 = new (descriptor: object) => WebAssembly.Memory & { grow(pages: bigint): bigint };

function create(pages: number, shared: boolean, memory64: boolean): Pick<Grant, 'memory' | 'grow'> {
  if (!memory64) {
    const memory = new WebAssembly.Memory({ initial: 16, maximum: pages, shared });
    return { memory, grow: (more) => void memory.grow(more) };
  }
  const memory = new (WebAssembly.Memory as unknown as Memory64)({
    address: 'i64',
    initial: 16n,
    maximum: BigInt(pages),
    shared,
  });
  return { memory, grow: (more) => void memory.grow(BigInt(more)) };
}

/** Whether the engine has memories with 64-bit addresses. */
export function hasMemory64(): boolean {
  try {
    create(16, false, true);
    return true;
  } catch (error) {
    // An engine without them does not read `address`, and refuses a bigint as a number of pages.
    return !(error instanceof TypeError);
  }
}

/**
 * Creates a memory with the largest maximum that the system grants. A shared memory reserves its
 * maximum immediately, and a limit on the process's address space may refuse 4 GiB. Throws the
 * engine's error if even 256 MiB are refused.
 */
export function createMemory(shared: boolean, memory64 = false): Grant {
  const most = memory64 ? mostPages64 : mostPages;
  for (let pages = most; ; pages = Math.floor(pages / 2))
    try {
      const made = create(pages, shared, memory64);
      return { ...made, maximum: pages * pageBytes, limited: pages < most, memory64 };
    } catch (error) {
      if (!(error instanceof RangeError) || pages < 2 * leastPages) throw error;
    }
}
