/**
 * The worker threads of a wasm device. Each works on the same memory and stays inside WebAssembly
 * as long as it lives. Not here: how threads share work (assembly/core.ts).
 */
import { isNode, load } from '../../platform.js';
import { Control } from './protocol/control.js';

/** Scratch memory of each thread, for kernels that copy data before they compute. */
export const scratchBytes = 1 << 19;

/**
 * The program of a worker. It is text, so that no bundler can lose or rewrite it. Only the code
 * that receives the module and calls `serve` differs between Node and browsers.
 */
const body = `
const serve = ({ module, memory }) => {
  const words = new Int32Array(memory.buffer);
  const sleep = (at, value, ms) => { Atomics.wait(words, at, value, ms < 0 ? Infinity : ms); };
  const abort = () => { throw new Error('abort'); };
  try {
    new WebAssembly.Instance(module, { env: { memory, sleep, abort } }).exports.serve();
  } catch (error) {
    Atomics.store(words, ${Control.failed}, 1);
    throw error;
  }
};`;

interface Thread {
  terminate(): unknown;
}

export interface Threads {
  /** Why a worker could not start (a page's security policy may forbid it), or null. */
  readonly missing: string | null;
  close(): Promise<void>;
}

/** Why workers cannot run on this platform, or null. */
export function threadsMissing(): string | null {
  if (isNode()) return null;
  // Without isolation, browsers hide SharedArrayBuffer, or a shared memory can be created but not
  // sent to a worker.
  if ((globalThis as { crossOriginIsolated?: boolean }).crossOriginIsolated !== true)
    return (
      'the page is not cross-origin isolated (headers Cross-Origin-Opener-Policy: same-origin, ' +
      'Cross-Origin-Embedder-Policy: require-corp)'
    );
  if (typeof SharedArrayBuffer === 'undefined') return 'no SharedArrayBuffer';
  return typeof Worker === 'undefined' ? 'no Worker' : null;
}

/** The number of cores that this process may use. */
export async function cores(): Promise<number> {
  if (isNode()) return (await load<typeof import('node:os')>('node:os')).availableParallelism();
  return globalThis.navigator?.hardwareConcurrency ?? 1;
}

/**
 * Starts `count` workers, or as many as the system allows. They take part in the work once they are
 * ready. `onFailure` is called if a worker ends unexpectedly.
 */
export async function startThreads(
  module: WebAssembly.Module,
  memory: WebAssembly.Memory,
  count: number,
  onFailure: (reason: string) => void,
): Promise<Threads> {
  const words = new Int32Array(memory.buffer);
  const threads: Thread[] = [];
  let closing = false;
  let missing: string | null = null;
  const failure = (reason: string): void => {
    if (!closing) onFailure(reason);
  };
  const refusal = (error: unknown): string => `a worker could not start: ${(error as Error).message}`;
  if (isNode()) {
    const { Worker: NodeWorker } = await load<typeof import('node:worker_threads')>('node:worker_threads');
    for (let i = 0; i < count; i++) {
      let worker: InstanceType<typeof NodeWorker>;
      try {
        worker = new NodeWorker(`const { workerData } = require('node:worker_threads');${body}serve(workerData);`, {
          eval: true,
          workerData: { module, memory },
          execArgv: [],
          env: {},
        });
      } catch (error) {
        // Node's permission model, for example, refuses workers.
        missing = refusal(error);
        break;
      }
      // A sleeping worker must not keep the process alive.
      worker.unref();
      worker.on('error', (error) => failure(String(error)));
      worker.on('exit', () => failure('a worker ended'));
      threads.push(worker);
    }
  } else {
    const url = URL.createObjectURL(
      new Blob([`${body}onmessage = ({ data }) => { postMessage(0); serve(data); };`], { type: 'text/javascript' }),
    );
    // A browser starts a worker only while the event loop of its creator runs. A training loop that
    // awaits only losses never lets it run, so the start is awaited here.
    const started = await Promise.all(
      Array.from({ length: count }, () => {
        const worker = new Worker(url);
        threads.push(worker);
        return new Promise<string | null>((done) => {
          worker.onmessage = () => done(null);
          worker.onerror = (event) => {
            failure(event.message);
            done(event.message || 'a worker could not start');
          };
          worker.postMessage({ module, memory });
        });
      }),
    );
    missing = started.find((reason) => reason !== null) ?? null;
    URL.revokeObjectURL(url);
  }
  return {
    missing,
    async close() {
      closing = true;
      Atomics.store(words, Control.stopping, 1);
      Atomics.add(words, Control.epoch, 2);
      Atomics.notify(words, Control.epoch);
      await Promise.all(threads.map((thread) => thread.terminate()));
    },
  };
}
