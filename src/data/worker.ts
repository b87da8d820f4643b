/**
 * The program of a worker thread: it makes the data set and answers requests for items. Not here:
 * the other side (pool.ts).
 */
import { CedarError } from '../errors.js';
import { load } from '../platform.js';
import { makeDataset } from './recipe.js';
import type { Recipe, SkippedReport } from './remote.js';
import { SampleRandom } from './sample-random.js';

/** What a thread is started with. */
export interface Task {
  readonly recipe: Recipe;
}

/** A request for an item. */
export interface ItemRequest {
  readonly seed: number;
  readonly epoch: number;
  readonly index: number;
}

/** An error as plain data. The class of a CedarError is found by its name. */
export interface SentError {
  readonly name: string;
  readonly message: string;
  readonly stack: string | undefined;
  readonly parts: readonly [op: string, rule: string, got: string, hint: string] | null;
}

/** The answer to a request, in the order of the requests of one thread. */
export interface Answer {
  readonly index: number;
  readonly item?: unknown;
  /** The state of the sample's generator, if the thread has drawn from it. */
  readonly key?: Uint32Array;
  readonly error?: SentError;
  readonly skipped: readonly SkippedReport[];
}

/** The memory of all arrays in an item. */
function buffersOf(item: unknown, found = new Set<ArrayBufferLike>()): Set<ArrayBufferLike> {
  if (ArrayBuffer.isView(item)) found.add(item.buffer);
  else if (typeof item === 'object' && item !== null) for (const part of Object.values(item)) buffersOf(part, found);
  return found;
}

export function sent(error: unknown): SentError {
  const { name, message, stack } = error instanceof Error ? error : new Error(String(error));
  const parts = error instanceof CedarError ? ([error.op, error.rule, error.got, error.hint] as const) : null;
  return { name, message, stack, parts };
}

const { parentPort, workerData } = await load<typeof import('node:worker_threads')>('node:worker_threads');
const { recipe } = workerData as Task;
const made = makeDataset(recipe);
// Each request reports the error of making the data set.
made.catch(() => {});

parentPort?.on('message', async ({ seed, epoch, index }: ItemRequest) => {
  const random = new SampleRandom(seed, epoch, index);
  let answer: Answer;
  let moved: ArrayBufferLike[] = [];
  try {
    const { dataset, isFresh, takeSkipped } = await made;
    const item = await dataset.item(index, random);
    answer = { index, item, key: random.key, skipped: takeSkipped() };
    if (isFresh) moved = [...buffersOf(item)];
  } catch (error) {
    answer = { index, error: sent(error), skipped: [] };
  }
  try {
    parentPort?.postMessage(answer, moved as ArrayBuffer[]);
  } catch (error) {
    // An item that cannot be cloned, such as a function.
    parentPort?.postMessage({ index, error: sent(error), skipped: [] });
  }
});
