/**
 * Connects state, worker and view: user actions become requests and changes of the state, and
 * answers become changes of the state. The view is drawn at most once per frame. Not here: the
 * rules of the state (state.ts) and what is drawn (app.tsx).
 */
import type { Answer, Request, Settings, WeightFormat } from '../protocol.js';
import { startClient } from './client.js';
import { type Action, initialState, reduce, type State } from './state.js';

/** What the parts of the page can do. */
export interface Actions {
  /** Ends the training and begins with these settings. */
  open(settings: Settings): void;
  start(): void;
  pause(): void;
  step(): void;
  setLearningRate(value: number): void;
  setSeed(value: number): void;
  /** @shape [28 · 28] @units 0 (paper) … 1 (ink) */
  draw(pixels: Float32Array): void;
  image(file: Blob, name: string): void;
  save(format: WeightFormat): void;
  load(file: Blob, name: string): void;
  inspect(index: number, channel: number): void;
  dismiss(id: number): void;
}

/** What each part of the page is given. */
export interface Part {
  readonly state: State;
  readonly actions: Actions;
}

/** Offers bytes as a file to download. */
function download(name: string, bytes: Uint8Array<ArrayBuffer>): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([bytes], { type: 'application/octet-stream' }));
  link.download = name;
  link.click();
  // The browser reads the address after click() has returned.
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

/**
 * Starts the worker and the page.
 * @param view draws the state
 */
export function startPage(view: (part: Part) => void): void {
  let state = initialState;
  let isPlanned = false;
  const change = (action: Action): void => {
    state = reduce(state, action);
    if (isPlanned) return;
    isPlanned = true;
    requestAnimationFrame(() => {
      isPlanned = false;
      view({ state, actions });
    });
  };

  // Drawings come faster than the worker rebuilds them. Only the newest waits for the one before.
  let isDrawing = false;
  let isNewer = false;
  const sendDrawing = (): void => {
    const hasInk = state.ink.some((ink) => ink > 0);
    isDrawing = isNewer && hasInk && state.opened?.draws === true;
    isNewer = false;
    if (isDrawing) send({ type: 'draw', pixels: state.ink });
  };
  const redraw = (): void => {
    isNewer = true;
    if (!isDrawing) sendDrawing();
  };

  const receive = (answer: Answer): void => {
    change({ type: 'answer', answer });
    if (answer.type === 'saved') download(answer.name, answer.bytes);
    // A network that has learnt more rebuilds the same drawing better.
    if (answer.type === 'rows') redraw();
    if (answer.type === 'drawing' || (answer.type === 'refused' && answer.request === 'draw')) sendDrawing();
  };
  const client = startClient(receive, (reason) => {
    isDrawing = false;
    change({ type: 'crash', text: `The training has ended: ${reason}. Press Reset to begin anew.` });
  });
  const send = (request: Request): void => client.send(request);

  const actions: Actions = {
    open(settings) {
      isDrawing = false;
      change({ type: 'open', settings });
      send({ type: 'open', settings });
    },
    start() {
      change({ type: 'run', running: true });
      send({ type: 'start' });
    },
    pause() {
      change({ type: 'run', running: false });
      send({ type: 'pause' });
    },
    step: () => send({ type: 'step' }),
    setLearningRate(learningRate) {
      change({ type: 'set', settings: { learningRate } });
      send({ type: 'learning-rate', value: learningRate });
    },
    setSeed: (seed) => change({ type: 'set', settings: { seed } }),
    draw(pixels) {
      change({ type: 'ink', ink: pixels });
      redraw();
    },
    image(file, name) {
      change({ type: 'image-sent' });
      send({ type: 'image', file, name });
    },
    save: (format) => send({ type: 'save', format }),
    load: (file, name) => send({ type: 'load', file, name }),
    inspect: (index, channel) => send({ type: 'inspect', index, channel }),
    dismiss: (id) => change({ type: 'dismiss', id }),
  };
  view({ state, actions });
  actions.open(state.settings);
}
