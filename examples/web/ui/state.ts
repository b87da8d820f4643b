/**
 * What the page shows, as one value, and how it changes with each answer of the worker and each
 * action of the user. Pure, so that tests run it in Node. Not here: what is sent to the worker
 * (page.ts), and how the state is shown (app.tsx and its parts).
 */
import type { Answer, DeviceReport, NetworkName, Row, Settings, Unpooling } from '../protocol.js';
import { emptyCurve, type LossCurve, withLosses } from './losses.js';
import { side } from './pen.js';
import { networks } from './texts.js';

/** A text for the user. It stays until it is dismissed, or until later ones push it out. */
export interface Message {
  readonly id: number;
  readonly kind: 'note' | 'problem';
  readonly text: string;
}

/** What the worker has opened. */
export type Opened = Extract<Answer, { type: 'ready' }>;

export interface State {
  readonly devices: readonly DeviceReport[];
  /** Null until the worker has said it. */
  readonly isolated: boolean | null;
  /** What the controls show. */
  readonly settings: Settings;
  /** How many `open` requests have no answer yet. */
  readonly opening: number;
  /** Null before the first network is open, and after the worker has ended by an error. */
  readonly opened: Opened | null;
  readonly running: boolean;
  readonly curve: LossCurve;
  /** Of the last step. Null before the first. */
  readonly loss: number | null;
  /** @units milliseconds */
  readonly stepTime: number | null;
  readonly rows: readonly Row[];
  /** How many steps the network had when it made the rows. */
  readonly rowsStep: number;
  readonly levels: readonly Unpooling[];
  /** What the user has drawn. It outlives a change of the network. @shape [28 · 28] */
  readonly ink: Float32Array;
  /** What the network made of it. */
  readonly drawing: readonly Row[];
  readonly image: Extract<Answer, { type: 'image' }> | null;
  /** Whether a picture of the user's is being computed. */
  readonly imagePending: boolean;
  readonly messages: readonly Message[];
  /** The number of the next message. */
  readonly nextMessage: number;
}

export type Action =
  | { readonly type: 'answer'; readonly answer: Answer }
  /** An `open` request was sent. */
  | { readonly type: 'open'; readonly settings: Settings }
  | { readonly type: 'set'; readonly settings: Partial<Pick<Settings, 'seed' | 'learningRate'>> }
  /** Start or pause was pressed. The page shows it before the worker's answer. */
  | { readonly type: 'run'; readonly running: boolean }
  | { readonly type: 'ink'; readonly ink: Float32Array }
  | { readonly type: 'image-sent' }
  | { readonly type: 'dismiss'; readonly id: number }
  /** The worker ended by an error that it did not catch. */
  | { readonly type: 'crash'; readonly text: string };

const mostMessages = 4;

/** What a training has shown before its first step. */
const blank = {
  opened: null,
  running: false,
  curve: emptyCurve,
  loss: null,
  stepTime: null,
  rows: [],
  rowsStep: 0,
  levels: [],
  drawing: [],
  image: null,
  imagePending: false,
} satisfies Partial<State>;

/** The settings that a network begins with, on the device and with the seed of the former ones. */
export const settingsFor = (network: NetworkName, { device, seed }: Pick<Settings, 'device' | 'seed'>): Settings => ({
  network,
  device,
  seed,
  learningRate: networks[network].learningRate,
});

export const initialState: State = {
  ...blank,
  devices: [],
  isolated: null,
  settings: settingsFor('digits', { device: 'auto', seed: 1 }),
  opening: 0,
  ink: new Float32Array(side * side),
  messages: [],
  nextMessage: 1,
};

/** Adds a message. The same text is not shown twice. */
function said(state: State, kind: Message['kind'], text: string): State {
  const others = state.messages.filter((message) => message.text !== text);
  const messages = [...others, { id: state.nextMessage, kind, text }].slice(-mostMessages);
  return { ...state, messages, nextMessage: state.nextMessage + 1 };
}

/** A number of bytes as people read it. */
export const bytesText = (bytes: number): string =>
  bytes < 1e6 ? `${Math.max(1, Math.round(bytes / 1e3))} kB` : `${(bytes / 1e6).toFixed(1)} MB`;

/** A network was opened. What the former training showed goes. */
function ready(state: State, opened: Opened): State {
  const { rows, rowsStep, levels, drawing } = state;
  // New pictures come at once, and without these the page would jump.
  const kept = state.opened?.settings.network === opened.settings.network ? { rows, rowsStep, levels, drawing } : {};
  return { ...state, ...blank, ...kept, opened, opening: Math.max(0, state.opening - 1) };
}

/** A request was refused. After a refused `open` the former training goes on, with its settings. */
function refused(state: State, { request, message }: Extract<Answer, { type: 'refused' }>): State {
  const next = said(state, 'problem', message);
  const settings = state.opened?.settings ?? state.settings;
  if (request === 'open') return { ...next, settings, opening: Math.max(0, state.opening - 1) };
  return request === 'image' ? { ...next, imagePending: false } : next;
}

function answered(state: State, answer: Answer): State {
  switch (answer.type) {
    case 'devices':
      return { ...state, devices: answer.devices, isolated: answer.isolated };
    case 'ready':
      return ready(state, answer);
    case 'refused':
      return refused(state, answer);
    case 'progress': {
      const { losses, stepTime } = answer;
      return { ...state, curve: withLosses(state.curve, losses), loss: losses.at(-1) ?? state.loss, stepTime };
    }
    case 'state':
      return { ...state, running: answer.running };
    case 'rows':
      return { ...state, rows: answer.rows, rowsStep: answer.step };
    case 'unpooling':
      return { ...state, levels: answer.levels };
    case 'drawing':
      return { ...state, drawing: answer.rows };
    case 'image':
      return { ...state, image: answer, imagePending: false };
    case 'saved':
      return said(state, 'note', `Saved ${answer.name} (${bytesText(answer.bytes.length)}).`);
    case 'loaded':
      return said(state, 'note', `Loaded the weights of ${answer.name}.`);
  }
}

/** A setting that needs no new network. */
function set(state: State, changed: Partial<Pick<Settings, 'seed' | 'learningRate'>>): State {
  const { opened, settings } = state;
  // The learning rate counts for the present training. A seed counts from the next `open` on.
  const { learningRate = settings.learningRate } = changed;
  const now = opened && { ...opened, settings: { ...opened.settings, learningRate } };
  return { ...state, settings: { ...settings, ...changed }, opened: now };
}

export function reduce(state: State, action: Action): State {
  switch (action.type) {
    case 'answer':
      return answered(state, action.answer);
    case 'open':
      return { ...state, settings: action.settings, opening: state.opening + 1 };
    case 'set':
      return set(state, action.settings);
    case 'run':
      return { ...state, running: action.running };
    case 'ink':
      return { ...state, ink: action.ink };
    case 'image-sent':
      return { ...state, imagePending: true };
    case 'dismiss':
      return { ...state, messages: state.messages.filter(({ id }) => id !== action.id) };
    case 'crash':
      return said({ ...state, ...blank, opening: 0 }, 'problem', action.text);
  }
}
