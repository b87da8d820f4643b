/**
 * A page for the worker's session, in Node. It collects the answers, and hands over their memory as
 * postMessage does. Not here: a real page (test/web-page).
 */
import { digitsPng } from '../../examples/web/digits-asset.js';
import type { Answer, Request, Settings } from '../../examples/web/protocol.js';
import type { Decode } from '../../examples/web/worker/images.js';
import { Session } from '../../examples/web/worker/session.js';
import { manualSeed } from '../../src/index.js';
import { decodePng, encodeWeights } from '../../src/io/index.js';
import { Cedn } from '../../src/models/index.js';

type Kind = Answer['type'];
type AnswerOf<K extends Kind> = Extract<Answer, { type: K }>;

let digits: Promise<Uint8Array> | null = null;

/** The files beside the page. The contours' weights are those of a network that learned nothing. */
export async function readAsset(name: string): Promise<Uint8Array> {
  if (name === 'digits.png') return (digits ??= digitsPng());
  if (name !== 'contours.safetensors') throw new Error(`${name} is not beside the page`);
  manualSeed(5);
  return encodeWeights(new Cedn({ width: 1 / 16 }), { dtype: 'float16' });
}

/** Decodes PNG files, and takes one pixel of each square when it scales down. */
export const decodeSimply: Decode = async (file, longest) => {
  const { width, height, channels, data } = decodePng(new Uint8Array(await file.arrayBuffer()));
  const every = Math.ceil(Math.max(width, height) / longest);
  const [toWidth, toHeight] = [Math.floor(width / every), Math.floor(height / every)];
  const pixels = new Uint8ClampedArray(toWidth * toHeight * 4).fill(255);
  for (let i = 0; i < toWidth * toHeight; i++) {
    const from = (Math.floor(i / toWidth) * width + (i % toWidth)) * every;
    for (let c = 0; c < 3; c++) pixels[4 * i + c] = data[from * channels + (channels < 3 ? 0 : c)];
  }
  return { picture: { width: toWidth, height: toHeight, pixels }, width, height };
};

export const settings = (network: Settings['network'], more: Partial<Settings> = {}): Settings => ({
  network,
  device: 'wasm',
  seed: 1,
  learningRate: 3e-3,
  ...more,
});

export class TestPage {
  readonly answers: Answer[] = [];
  readonly session: Session;
  #waiting: { kinds: readonly Kind[]; done: (answer: Answer) => void }[] = [];

  constructor() {
    this.session = new Session({
      send: (answer, transfer) => this.#take(structuredClone(answer, { transfer })),
      read: readAsset,
      decode: decodeSimply,
      platform: { WebAssembly, navigator: { hardwareConcurrency: 2 } },
    });
  }

  #take(answer: Answer): void {
    this.answers.push(answer);
    const ready = this.#waiting.filter(({ kinds }) => kinds.includes(answer.type));
    this.#waiting = this.#waiting.filter((waiting) => !ready.includes(waiting));
    for (const { done } of ready) done(answer);
  }

  /** The next answer of one of these kinds. */
  next<K extends Kind>(...kinds: readonly K[]): Promise<AnswerOf<K>> {
    return new Promise((done) => this.#waiting.push({ kinds, done: done as (answer: Answer) => void }));
  }

  /** Sends a request, and gives the next answer of a kind. A refusal is an error. */
  async ask<K extends Kind>(request: Request, kind: K): Promise<AnswerOf<K>> {
    const answer = this.next<Kind>(kind, 'refused');
    this.session.receive(request);
    const got = await answer;
    if (got.type === 'refused' && kind !== 'refused') throw new Error(`refused: ${got.message}`);
    return got as AnswerOf<K>;
  }

  /** Sends a request that must be refused, and gives the message. */
  async refusal(request: Request): Promise<string> {
    return (await this.ask(request, 'refused')).message;
  }

  /** Opens a network. Its first pictures have come, if it has any. */
  async open(given: Settings): Promise<AnswerOf<'ready'>> {
    const shown = given.network === 'contours' ? null : this.next('unpooling');
    const ready = await this.ask({ type: 'open', settings: given }, 'ready');
    await shown;
    return ready;
  }

  /** Takes single steps, and gives their losses. */
  async steps(count: number): Promise<number[]> {
    const before = this.losses.length;
    for (let i = 0; i < count; i++) await this.ask({ type: 'step' }, 'unpooling');
    return this.losses.slice(before);
  }

  /** Ends a training that runs. All its losses and pictures have come. */
  async pause(): Promise<void> {
    const shown = this.next('unpooling');
    await this.ask({ type: 'pause' }, 'state');
    await shown;
  }

  /** All losses that were reported. */
  get losses(): number[] {
    return this.answers.flatMap((answer) => (answer.type === 'progress' ? answer.losses : []));
  }
}
