/** What the page shows after answers and actions. Not here: the page in a browser (web-page/). */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Answer, NetworkName, Settings } from '../../examples/web/protocol.js';
import { type Action, bytesText, initialState, reduce, type State, settingsFor } from '../../examples/web/ui/state.js';

const test = suite('web/state');

const after = (state: State, ...actions: readonly Action[]): State => actions.reduce(reduce, state);
const said = (answer: Answer): Action => ({ type: 'answer', answer });
const open = (settings: Settings): Action => ({ type: 'open', settings });
const settings = (network: NetworkName): Settings => ({ network, device: 'wasm', seed: 3, learningRate: 0.5 });
const ready = (network: NetworkName): Action =>
  said({
    type: 'ready',
    settings: settings(network),
    device: 'wasm (simd, 1 thread)',
    threads: 1,
    parameters: 10,
    summary: '',
    draws: true,
    takesImages: false,
    trains: true,
  });
const progress = (first: number, ...losses: number[]): Action => said({ type: 'progress', first, losses, stepTime: 2 });
const refused = (request: Extract<Answer, { type: 'refused' }>['request']): Action =>
  said({ type: 'refused', request, message: `no ${request}` });
const rows: Action = said({ type: 'rows', step: 2, rows: [{ title: 'Inputs', pictures: [] }] });

const opened = after(initialState, open(settings('digits')), ready('digits'));

test('a network is open once the worker says so', () => {
  const opening = after(initialState, open(settings('cedn')));
  assert.is(opening.opening, 1);
  assert.is(opening.opened, null);
  assert.is(opening.settings.network, 'cedn');
  const done = after(opening, ready('cedn'));
  assert.is(done.opening, 0);
  assert.is(done.opened?.parameters, 10);
});

test('losses and times come from progress', () => {
  const state = after(opened, progress(1, 4, 3), progress(3, 2));
  assert.equal(state.curve.means, [4, 3, 2]);
  assert.is(state.loss, 2);
  assert.is(state.stepTime, 2);
});

test('the former training is shown until the next one is open', () => {
  const before = after(opened, progress(1, 4), rows);
  const during = after(before, open(settings('cedn')), progress(2, 3));
  assert.equal(during.curve.means, [4, 3]);
  const done = after(during, ready('cedn'));
  assert.is(done.curve.steps, 0);
  assert.is(done.loss, null);
  assert.equal(done.rows, []);
});

test('a reset keeps the pictures until new ones come', () => {
  const state = after(opened, progress(1, 4), rows, open(settings('digits')), ready('digits'));
  assert.is(state.curve.steps, 0);
  assert.is(state.rows.length, 1);
});

test('a network that cannot be opened leaves the former one, with its settings', () => {
  const state = after(opened, progress(1, 4), open({ ...settings('cedn'), device: 'webgpu' }), refused('open'));
  assert.is(state.opening, 0);
  assert.equal(state.settings, settings('digits'));
  assert.equal(state.curve.means, [4]);
  assert.equal(
    state.messages.map(({ kind, text }) => [kind, text]),
    [['problem', 'no open']],
  );
});

test('a learning rate counts for the present training, a seed for the next', () => {
  const state = after(
    opened,
    { type: 'set', settings: { learningRate: 0.25 } },
    { type: 'set', settings: { seed: 9 } },
  );
  assert.equal(state.settings, { ...settings('digits'), learningRate: 0.25, seed: 9 });
  assert.equal(state.opened?.settings, { ...settings('digits'), learningRate: 0.25 });
});

test('start and pause are shown at once, and the worker has the last word', () => {
  const running = after(opened, { type: 'run', running: true });
  assert.is(running.running, true);
  assert.is(after(running, refused('start'), said({ type: 'state', running: false })).running, false);
});

test('a refusal changes nothing but the messages', () => {
  const before = after(opened, progress(1, 4), said({ type: 'state', running: true }));
  for (const request of ['load', 'save', 'draw', 'inspect', 'learning-rate', 'step'] as const) {
    const { messages, nextMessage, ...rest } = after(before, refused(request));
    const { messages: former, nextMessage: next, ...same } = before;
    assert.equal(rest, same);
    assert.is(messages.length, former.length + 1);
    assert.is(nextMessage, next + 1);
  }
});

test('a picture is pending until it is answered or refused', () => {
  const sent = after(opened, { type: 'image-sent' });
  assert.is(sent.imagePending, true);
  assert.is(after(sent, refused('image')).imagePending, false);
  const image: Answer = { type: 'image', name: 'a.png', rows: [], note: '' };
  assert.is(after(sent, said(image)).imagePending, false);
});

test('four messages at most are kept, each text once, and they can be dismissed', () => {
  let state = opened;
  for (const request of ['load', 'save', 'draw', 'load', 'step', 'inspect'] as const)
    state = after(state, refused(request));
  const texts = (): string[] => state.messages.map(({ text }) => text);
  assert.equal(texts(), ['no draw', 'no load', 'no step', 'no inspect']);
  state = after(state, { type: 'dismiss', id: state.messages[1].id });
  assert.equal(texts(), ['no draw', 'no step', 'no inspect']);
});

test('files that were saved and loaded are named', () => {
  const bytes = new Uint8Array(12_345);
  const state = after(
    opened,
    said({ type: 'saved', name: 'cedn.onnx', bytes }),
    said({ type: 'loaded', name: 'b.safetensors' }),
  );
  assert.equal(
    state.messages.map(({ kind, text }) => [kind, text]),
    [
      ['note', 'Saved cedn.onnx (12 kB).'],
      ['note', 'Loaded the weights of b.safetensors.'],
    ],
  );
  assert.is(bytesText(3), '1 kB');
  assert.is(bytesText(2_345_678), '2.3 MB');
});

test('after a crash a reset is possible', () => {
  const state = after(opened, { type: 'run', running: true }, open(settings('cedn')), { type: 'crash', text: 'gone' });
  assert.is(state.opened, null);
  assert.is(state.running, false);
  assert.is(state.opening, 0);
  assert.is(state.messages[0].text, 'gone');
});

test('a drawing outlives a change of the network', () => {
  const ink = Float32Array.of(1, 0);
  const state = after(opened, { type: 'ink', ink }, open(settings('what-where')), ready('what-where'));
  assert.is(state.ink, ink);
});

test('a network begins with its own learning rate, on the same device', () => {
  assert.equal(settingsFor('what-where', { device: 'webgl2', seed: 7 }), {
    network: 'what-where',
    device: 'webgl2',
    seed: 7,
    learningRate: 0.002,
  });
});

test.run();
