/**
 * The worker that trains, as the page sees it. If it ends by an error, the next request starts a
 * new one. Not here: what the page does with answers (state.ts).
 */
import type { Answer, Request } from '../protocol.js';

export interface Client {
  send(request: Request, transfer?: Transferable[]): void;
}

/**
 * Starts the worker.
 * @param receive gets each answer
 * @param crash gets the reason when the worker has ended by an error
 */
export function startClient(receive: (answer: Answer) => void, crash: (reason: string) => void): Client {
  let worker: Worker | null = null;
  const start = (): Worker => {
    const started = new Worker(new URL('../worker/worker.ts', import.meta.url), { type: 'module' });
    started.addEventListener('message', ({ data }: MessageEvent<Answer>) => receive(data));
    started.addEventListener('error', (event) => {
      // The page shows the reason, so the console need not.
      event.preventDefault();
      if (worker !== started) return;
      started.terminate();
      worker = null;
      crash(event.message || 'its script does not load');
    });
    return started;
  };
  worker = start();
  return {
    send(request, transfer = []) {
      worker ??= start();
      worker.postMessage(request, transfer);
    },
  };
}
