/**
 * The processes that train together, as each of them sees them. Not here: MPI (mpi.ts), gradients
 * (averager.ts), the parts of the data (sampler.ts).
 */
import { shown } from '../arguments.js';
import { DeviceError, ValueError } from '../errors.js';
import { isNode } from '../platform.js';
import type { Tensor } from '../tensor/tensor.js';
import { setBatchPart } from '../values/batch-part.js';
import { type AveragerOptions, GradientAverager } from './averager.js';
import { CommonError, watchEnding } from './ending.js';
import { Mpi } from './mpi.js';

const op = 'distributed';
/** Numbers in one message. Every message has as many, so that messages of two places can meet. */
const messageSize = 64;
const headerSize = 2;

/** A whole number below 2¹⁶ that depends on all characters (FNV-1a, folded). */
function hash16(text: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  return ((h >>> 16) ^ h) & 0xffff;
}

/**
 * The processes of a job. Each has a rank, from 0. Every rank must call the same methods in the
 * same order, because each call waits for all ranks. Alone, a process is rank 0 of 1, and nothing
 * is sent.
 * @source torch.distributed
 */
export class ProcessGroup {
  readonly rank: number;
  /** The number of processes. */
  readonly size: number;
  readonly #mpi: Mpi | null;

  /** For `distributed`. */
  constructor(mpi: Mpi | null) {
    this.#mpi = mpi;
    this.rank = mpi?.rank ?? 0;
    this.size = mpi?.size ?? 1;
  }

  /** Whether this is rank 0, which prints, draws and saves. */
  get isMain(): boolean {
    return this.rank === 0;
  }

  /**
   * The sums over all ranks of each of some numbers. `place` names the call, so that ranks at
   * different places notice it.
   * @shape values [n] → [n]
   * @throws ValueError if the ranks are at different places of the program
   * @source MPI_Allreduce
   */
  sum(place: string, values: readonly number[]): number[] {
    return this.startSum(place, values)();
  }

  /**
   * As sum, but does not wait. What it returns waits for the sums and gives them.
   * @shape values [n] → [n]
   * @throws ValueError if the ranks are at different places of the program
   * @source MPI_Iallreduce
   */
  startSum(place: string, values: readonly number[]): () => number[] {
    const mpi = this.#mpi;
    if (mpi === null) return () => [...values];
    const parts: Float64Array[] = [];
    const room = messageSize - headerSize;
    const key = hash16(`${place} ${values.length}`);
    for (let at = 0; at === 0 || at < values.length; at += room) {
      const part = new Float64Array(messageSize);
      part.set([key, key * key, ...values.slice(at, at + room)]);
      parts.push(part);
    }
    const pending = parts.map((part) => mpi.start(part));
    return () => {
      for (const [i, request] of pending.entries()) {
        mpi.wait(request);
        // The keys are equal if, and only if, their variance is 0.
        const [first = 0, squares = 0] = parts[i] as Float64Array;
        if (first !== this.size * key || squares !== this.size * key * key)
          throw new CommonError(
            op,
            'all ranks must be at the same place of the program',
            `rank ${this.rank} at '${place}', another one elsewhere`,
            'give every rank as many batches, and call the same functions in the same order',
          );
      }
      return values.map((_, i) => parts[Math.floor(i / room)]?.[headerSize + (i % room)] ?? 0);
    };
  }

  /**
   * Sums arrays of all ranks in place. For long arrays; `sum` is for a few numbers.
   * @source MPI_Allreduce
   */
  sumInPlace(values: Float32Array | Float64Array): void {
    this.#mpi?.reduce(values, 'sum');
  }

  /**
   * Gives every rank the bytes of one rank. What the other ranks pass does not matter.
   * @source MPI_Bcast
   */
  broadcast(bytes: Uint8Array, from = 0): Uint8Array {
    const mpi = this.#mpi;
    if (mpi === null) return bytes;
    const length = new Float64Array([this.rank === from ? bytes.length : 0]);
    mpi.reduce(length, 'sum');
    const all = this.rank === from ? bytes : new Uint8Array(length[0] as number);
    mpi.broadcast(all, from);
    return all;
  }

  /**
   * Checks that every rank passes the same text.
   * @throws ValueError on every rank, with the first line that differs, if one passes another
   */
  checkSame(what: string, text: string): void {
    if (this.#mpi === null) return;
    const main = new TextDecoder().decode(this.broadcast(new TextEncoder().encode(text)));
    const differing = this.sum(`same ${what}`, [Number(main !== text)])[0] as number;
    if (differing === 0) return;
    const flags = new Float64Array(this.size);
    flags[this.rank] = Number(main !== text);
    this.#mpi.reduce(flags, 'max');
    const odd = flags.indexOf(1);
    const other = new TextDecoder().decode(this.broadcast(new TextEncoder().encode(text), odd));
    const [mine, theirs] = [main.split('\n'), other.split('\n')];
    const line = mine.findIndex((each, i) => each !== theirs[i]);
    const at = line < 0 ? mine.length : line;
    throw new CommonError(
      op,
      `all ranks must have the same ${what}`,
      `rank 0: ${mine[at] ?? 'nothing more'}; rank ${odd}: ${theirs[at] ?? 'nothing more'}`,
      'run the same program with the same options on every rank',
    );
  }

  /**
   * An averager of the gradients of these parameters.
   * @throws ValueError for unknown options or numbers out of range
   */
  averager(params: readonly Tensor[], options: AveragerOptions = {}): GradientAverager {
    return new GradientAverager(this, this.#mpi, params, options);
  }
}

/** Whether an MPI launcher has started this process. @throws DeviceError for another MPI's */
function isLaunched(): boolean {
  if (!isNode()) throw new DeviceError(op, 'several processes need Node', 'a page', 'leave it out in pages');
  const { env } = process;
  if (env.OMPI_COMM_WORLD_SIZE !== undefined || env.PMIX_RANK !== undefined) return true;
  if (Number(env.PMI_SIZE ?? 1) > 1)
    throw new DeviceError(
      op,
      'the launcher must be of Open MPI, or support PMIx',
      `PMI_SIZE=${env.PMI_SIZE}`,
      "start with Open MPI's mpirun, or srun --mpi=pmix",
    );
  return false;
}

let group: Promise<ProcessGroup> | undefined;

async function join(): Promise<ProcessGroup> {
  if (!isLaunched()) return new ProcessGroup(null);
  const mpi = await Mpi.start();
  await watchEnding(mpi);
  setBatchPart(mpi);
  return new ProcessGroup(mpi);
}

/**
 * The group of the processes that `mpirun` started. The first call initialises MPI, and later ones
 * give the same group. In a process that no launcher started it is a group of one, and neither MPI
 * nor koffi is needed.
 *
 * From then on, dropout draws the masks of this rank's part of each batch, as DistributedSampler
 * gives it. If one rank ends by an error, all ranks end.
 * @throws DeviceError if koffi or Open MPI is missing, for another launcher, and in a page
 * @source torch.distributed.init_process_group
 */
export function distributed(): Promise<ProcessGroup> {
  group ??= join();
  return group;
}

/** Checks that a value is a group. */
export function checkGroup(at: string, value: unknown): asserts value is ProcessGroup {
  if (!(value instanceof ProcessGroup))
    throw new ValueError(at, 'group must be a group of processes', shown(value), 'pass await distributed()');
}
