/**
 * The entry of the worker. It connects a session to the page, and does nothing else.
 */
import type { Request } from '../protocol.js';
import { decodeInBrowser } from './images.js';
import { Session } from './session.js';

const session = new Session({
  send: (answer, transfer) => postMessage(answer, { transfer }),
  read: async (name) => {
    // The worker's file lies in a folder beside the page. In the sources it is worker/, and in a
    // build assets/.
    const response = await fetch(new URL(`../${name}`, location.href));
    if (!response.ok) throw new Error(`open: the file ${name} must lie beside the page; got status ${response.status}`);
    return new Uint8Array(await response.arrayBuffer());
  },
  decode: decodeInBrowser,
  platform: globalThis,
});
addEventListener('message', ({ data }: MessageEvent<Request>) => session.receive(data));
void session.announce();
