/**
 * Open MPI, called through the package koffi. Every call is made by the main thread. Reductions
 * work in place on the memory that they are given. Not here: what is reduced and when
 * (group.ts, averager.ts), and how a process ends (ending.ts).
 */
import { DeviceError } from '../errors.js';
import { load } from '../platform.js';

/** An address, or the handle of a communicator, a type or an operation. */
type Address = bigint;
type Call = (...args: unknown[]) => number;

interface Library {
  func(prototype: string): Call;
  symbol(name: string, type: string): Address;
}

/** The part of koffi that is used here. */
interface Koffi {
  load(name: string): Library;
  address(view: ArrayBufferView): Address;
}

export type Reducible = Float32Array | Float64Array;

/** A reduction in progress. The view keeps its memory alive. */
export interface Pending {
  readonly request: Address[];
  readonly view: Reducible;
  readonly address: Address;
  isDone: boolean;
}

/** The value of MPI_IN_PLACE in Open MPI. */
const inPlace = 1n;
const libraryName = 'libmpi.so.40';
/** MPI counts elements in an int, so longer data go in pieces. */
const mostElements = 2 ** 28;

/**
 * For reductions in place Open MPI 4.1 would choose a tree that sends the whole array at each of
 * its 2·log₂ N levels. Rabenseifner's algorithm sends it twice in all.
 */
const algorithm = 'OMPI_MCA_coll_libnbc_iallreduce_algorithm';
const rabenseifner = '3';

const prototypes = {
  init: 'int MPI_Init_thread(void*, void*, int, _Out_ int*)',
  rank: 'int MPI_Comm_rank(void*, _Out_ int*)',
  size: 'int MPI_Comm_size(void*, _Out_ int*)',
  duplicate: 'int MPI_Comm_dup(void*, _Out_ void**)',
  allreduce: 'int MPI_Allreduce(void*, void*, int, void*, void*, void*)',
  start: 'int MPI_Iallreduce(void*, void*, int, void*, void*, void*, _Out_ void**)',
  test: 'int MPI_Test(_Inout_ void**, _Out_ int*, void*)',
  broadcast: 'int MPI_Bcast(void*, int, void*, int, void*)',
  send: 'int MPI_Isend(void*, int, void*, int, int, void*, _Out_ void**)',
  probe: 'int MPI_Iprobe(int, int, void*, _Out_ int*, void*)',
  receive: 'int MPI_Recv(void*, int, void*, int, int, void*, void*)',
  abort: 'int MPI_Abort(void*, int)',
  finalize: 'int MPI_Finalize()',
} as const;

/** Loads koffi and Open MPI. @throws DeviceError if one is missing */
async function open(): Promise<{ koffi: Koffi; library: Library }> {
  const op = 'distributed';
  let koffi: Koffi;
  try {
    const loaded = await load<{ default: unknown }>('koffi');
    koffi = loaded.default as Koffi;
  } catch (error) {
    throw new DeviceError(
      op,
      'several processes need the package koffi',
      (error as Error).message.split('\n')[0] ?? '',
      'npm install koffi@3 --ignore-scripts',
    );
  }
  try {
    return { koffi, library: koffi.load(libraryName) };
  } catch (error) {
    throw new DeviceError(
      op,
      'several processes need Open MPI 4',
      (error as Error).message,
      'on Debian: apt-get install openmpi-bin',
    );
  }
}

export class Mpi {
  readonly rank: number;
  readonly size: number;
  readonly #koffi: Koffi;
  readonly #calls: Readonly<Record<keyof typeof prototypes, Call>>;
  readonly #world: Address;
  /** A second communicator, whose messages cannot meet those of reductions. */
  readonly #aside: Address;
  readonly #types: Readonly<Record<'float' | 'double' | 'byte', Address>>;
  readonly #sum: Address;
  readonly #max: Address;
  /** Called from time to time while a reduction waits for other ranks. */
  onWait: (milliseconds: number) => void = () => {};

  private constructor(koffi: Koffi, library: Library) {
    this.#koffi = koffi;
    const handle = (name: string): Address => library.symbol(`ompi_mpi_${name}`, 'void *');
    this.#calls = Object.fromEntries(
      Object.entries(prototypes).map(([name, prototype]) => [name, library.func(prototype)]),
    ) as Readonly<Record<keyof typeof prototypes, Call>>;
    this.#world = handle('comm_world');
    this.#types = { float: handle('float'), double: handle('double'), byte: handle('byte') };
    this.#sum = handle('op_sum');
    this.#max = handle('op_max');
    // Level 1 is MPI_THREAD_FUNNELED: one thread of several makes the calls.
    this.#calls.init(null, null, 1, [0]);
    const number = (call: Call): number => {
      const out = [0];
      call(this.#world, out);
      return out[0] as number;
    };
    this.rank = number(this.#calls.rank);
    this.size = number(this.#calls.size);
    const aside: Address[] = [0n];
    this.#calls.duplicate(this.#world, aside);
    this.#aside = aside[0] as Address;
  }

  /** Initialises MPI. @throws DeviceError if it is not installed */
  static async start(): Promise<Mpi> {
    const { koffi, library } = await open();
    process.env[algorithm] ??= rabenseifner;
    return new Mpi(koffi, library);
  }

  #typeOf(view: Reducible): Address {
    return view instanceof Float64Array ? this.#types.double : this.#types.float;
  }

  /** Replaces the values by those that all ranks together give. Waits for all ranks. */
  reduce(view: Reducible, by: 'sum' | 'max'): void {
    this.#await(this.#start(view, by === 'sum' ? this.#sum : this.#max));
  }

  /** Starts to replace the values by their sums over all ranks. */
  start(view: Reducible): Pending {
    return this.#start(view, this.#sum);
  }

  #start(view: Reducible, operation: Address): Pending {
    const request: Address[] = [0n];
    const address = this.#koffi.address(view);
    this.#calls.start(inPlace, address, view.length, this.#typeOf(view), operation, this.#world, request);
    return { request, view, address, isDone: false };
  }

  /** Lets a reduction advance. Returns whether it has ended. */
  test(pending: Pending): boolean {
    if (pending.isDone) return true;
    const flag = [0];
    this.#calls.test(pending.request, flag, null);
    pending.isDone = flag[0] !== 0;
    return pending.isDone;
  }

  /**
   * Waits for the end of a reduction.
   * @throws DeviceError if its memory has moved meanwhile
   */
  wait(pending: Pending, now: () => Reducible = () => pending.view): void {
    this.#await(pending);
    if (this.#koffi.address(now()) !== pending.address)
      throw new DeviceError(
        'distributed',
        'memory must stay in place during a reduction',
        'a memory that grew and moved',
        "use device('wasm', { threads: 2 }), or { overlap: false }",
      );
  }

  #await(pending: Pending): void {
    let since = 0;
    for (let tries = 1; !this.test(pending); tries++) {
      if (tries % 4096 !== 0) continue;
      if (since === 0) since = performance.now();
      this.onWait(performance.now() - since);
    }
  }

  /** Copies the bytes of one rank to all others. */
  broadcast(bytes: Uint8Array, from: number): void {
    for (let at = 0; at < bytes.length; at += mostElements) {
      const part = bytes.subarray(at, Math.min(at + mostElements, bytes.length));
      this.#calls.broadcast(this.#koffi.address(part), part.length, this.#types.byte, from, this.#world);
    }
  }

  // ---- the end

  /** Tells all other ranks that this one ends. */
  sayGoodbye(): void {
    const nothing = this.#koffi.address(new Uint8Array(1));
    for (let rank = 0; rank < this.size; rank++)
      if (rank !== this.rank) this.#calls.send(nothing, 0, this.#types.byte, rank, 0, this.#aside, [0n]);
  }

  /** Whether another rank has said that it ends. */
  hearsGoodbye(): boolean {
    const [flag, anySource] = [[0], -1];
    this.#calls.probe(anySource, 0, this.#aside, flag, null);
    return flag[0] !== 0;
  }

  /** Takes a message for which `hearsGoodbye` gave true. */
  takeGoodbye(): void {
    this.#calls.receive(this.#koffi.address(new Uint8Array(1)), 0, this.#types.byte, -1, 0, this.#aside, null);
  }

  /** Ends all ranks. */
  abort(code: number): void {
    this.#calls.abort(this.#world, code);
  }

  finalize(): void {
    this.#calls.finalize();
  }
}
