/**
 * Worker threads that make the items of one epoch. Not here: what runs in them (worker.ts).
 */
import type { Worker } from 'node:worker_threads';
import { CedarError, DeviceError, FormatError, GraphError, ShapeError, ValueError } from '../errors.js';
import { load } from '../platform.js';
import type { Remote } from './remote.js';
import { SampleRandom } from './sample-random.js';
import type { Answer, ItemRequest, SentError, Task } from './worker.js';

const op = 'DataLoader';

/** An item that a thread was asked for. */
interface Waiting {
  resolve(answer: Answer): void;
  reject(error: unknown): void;
}

interface Thread {
  readonly worker: Worker;
  /** By index. An index may be asked for several times. */
  readonly waiting: Map<number, Waiting[]>;
  pending: number;
  /** Why it has ended. */
  failure: unknown;
}

const classes = { ValueError, ShapeError, FormatError, DeviceError, GraphError, CedarError };

/** The error that a thread has sent. */
function received({ name, message, stack, parts }: SentError): Error {
  const Class = Object.hasOwn(classes, name) ? classes[name as keyof typeof classes] : CedarError;
  const error = parts === null ? Object.assign(new Error(message), { name }) : new Class(...parts);
  if (stack !== undefined) error.stack = stack;
  return error;
}

/**
 * What a thread runs. It is sound as a script and as a module, because threads inherit Node's
 * option --input-type. A TypeScript file, as in this repository, needs tsx, which does not extend
 * to worker threads by itself on every version of Node.
 */
const program = `
import('node:worker_threads').then(async ({ workerData: { tsx, url } }) => {
  if (tsx !== null) (await import(tsx)).register();
  await import(url);
});`;

const isTypeScript = (url: string): boolean => /\.[cm]?ts$/.test(url);

/** The addresses of modules in a recipe. */
function modulesOf(recipe: Remote['recipe']): string[] {
  if (recipe.kind === 'module') return [recipe.url];
  if (recipe.kind === 'images') return [];
  return recipe.kind === 'concat' ? recipe.of.flatMap(modulesOf) : modulesOf(recipe.of);
}

async function startThreads(task: Task, count: number): Promise<Worker[]> {
  const { Worker } = await load<typeof import('node:worker_threads')>('node:worker_threads');
  const { existsSync } = await load<typeof import('node:fs')>('node:fs');
  const { createRequire } = await load<typeof import('node:module')>('node:module');
  const { pathToFileURL } = await load<typeof import('node:url')>('node:url');
  // Not written as new Worker(new URL(…)), which bundlers would resolve.
  const url = import.meta.url.replace(/pool\.(js|ts)$/, 'worker.$1');
  if (url === import.meta.url || !existsSync(new URL(url)))
    throw new DeviceError(
      op,
      "worker threads need the library's own files",
      'a bundle without them',
      "mark cedargrad as external in the bundler's options, or pass workers: 0",
    );
  const typescript = [url, ...modulesOf(task.recipe)].find(isTypeScript);
  // A resolved name leads to its CommonJS file, which does not register in a thread.
  const found =
    typescript &&
    createRequire(typescript)
      .resolve('tsx/esm/api')
      .replace(/\.cjs$/, '.mjs');
  const tsx = found === undefined ? null : pathToFileURL(found).href;
  return Array.from({ length: count }, () => new Worker(program, { eval: true, workerData: { ...task, url, tsx } }));
}

/** Threads that make items. They end with the epoch. */
export class Pool {
  readonly #threads: Promise<Thread[]>;
  #closed = false;

  constructor(
    private readonly remote: Remote,
    count: number,
    private readonly seed: number,
    private readonly epoch: number,
  ) {
    this.#threads = startThreads({ recipe: remote.recipe }, count).then((workers) =>
      workers.map((w) => this.#attach(w)),
    );
    this.#threads.catch(() => {});
  }

  #attach(worker: Worker): Thread {
    const thread: Thread = { worker, waiting: new Map(), pending: 0, failure: undefined };
    const failAll = (error: unknown): void => {
      thread.failure ??= error;
      for (const list of thread.waiting.values()) for (const { reject } of list) reject(error);
      thread.waiting.clear();
      thread.pending = 0;
      if (!this.#closed) worker.unref();
    };
    worker.on('message', (answer: Answer) => {
      const list = thread.waiting.get(answer.index);
      const waiting = list?.shift();
      if (list?.length === 0) thread.waiting.delete(answer.index);
      // Only a thread that somebody waits for keeps the process alive. close() waits for its end.
      if (--thread.pending === 0 && !this.#closed) worker.unref();
      waiting?.resolve(answer);
    });
    worker.on('error', failAll);
    worker.on('exit', (code) =>
      failAll(
        new DeviceError(op, 'a worker thread must go on', this.#closed ? 'the end of the epoch' : `exit code ${code}`),
      ),
    );
    worker.unref();
    return thread;
  }

  /** The item at an index, made by the thread with the least to do. */
  async item(index: number): Promise<unknown> {
    const threads = await this.#threads;
    const thread = threads.reduce((least, other) => (other.pending < least.pending ? other : least));
    // A thread that has ended would never answer.
    if (thread.failure !== undefined) throw thread.failure;
    const answer = await new Promise<Answer>((resolve, reject) => {
      const list = thread.waiting.get(index) ?? [];
      list.push({ resolve, reject });
      thread.waiting.set(index, list);
      if (thread.pending++ === 0) thread.worker.ref();
      const request: ItemRequest = { seed: this.seed, epoch: this.epoch, index };
      thread.worker.postMessage(request);
    });
    if (answer.skipped.length > 0) this.remote.report?.(answer.skipped);
    if (answer.error !== undefined) throw received(answer.error);
    if (this.remote.finish === undefined) return answer.item;
    const random = new SampleRandom(this.seed, this.epoch, index);
    random.key = answer.key;
    return this.remote.finish(answer.item, index, random);
  }

  /** Ends the threads, also in the middle of their work. */
  async close(): Promise<void> {
    this.#closed = true;
    const threads = await this.#threads.catch(() => []);
    await Promise.all(
      threads.map(({ worker }) => {
        // Otherwise the process could end while it waits.
        worker.ref();
        return worker.terminate();
      }),
    );
  }
}
