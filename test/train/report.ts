/**
 * The callback that writes a report: when it writes, what it draws, that it changes nothing of the
 * run, and that a resumed run has the report of the whole run. Not here: the page (report-page.ts),
 * the arithmetic (report-parts.ts).
 */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  Conv2d,
  getRngState,
  Linear,
  type Module,
  noGrad,
  ones,
  ReLU,
  Sequential,
  SGD,
  type Tensor,
  tensor,
  ValueError,
} from '../../src/index.js';
import { decodePng } from '../../src/io/index.js';
import { report as callbackOf, type ReportOptions, type ReportSink } from '../../src/train/index.js';
import type { ReportCallback, ReportRun } from '../../src/train/report/run.js';
import { type Row, refuses, written } from '../helpers/refusals.js';

const test = suite('report');
const folder = mkdtempSync(join(tmpdir(), 'cedargrad-report-'));
test.after(() => rmSync(folder, { recursive: true }));

/** Four images of 2 by 2, each of one value. */
const images = tensor(
  [0, 0.2, 0.4, 0.6].flatMap((v) => [v, v, v, v]),
  { shape: [4, 2, 2, 1] },
).keep();

/** The callback with the type that says which hooks it has. */
const report = (target: string | ReportSink, options?: ReportOptions): ReportCallback =>
  callbackOf(target, options) as ReportCallback;

/** A run without training: the model stays as it is, and losses and outputs are made up. */
class FakeRun implements ReportRun {
  readonly model: Module;
  readonly optimizer: SGD;
  readonly warnings: string[] = [];
  readonly history: ReportRun['history'][number][] = [];
  epochs = 4;
  step = 0;
  stepsPerEpoch = 3;
  stopReason: string | undefined;
  data: ReportRun['data'] = [[images]];
  validation: ReportRun['validation'];
  config: unknown;
  /** Outputs are the inputs times this. */
  factor = 1;

  constructor(model: Module = new Sequential(new Conv2d(1, 2, 3, { padding: 'same' }), new ReLU())) {
    this.model = model;
    this.optimizer = new SGD(model.parameters(), { lr: 0.1 });
  }
  warn(message: string): void {
    this.warnings.push(message);
  }
  async predict(x: Tensor): Promise<Tensor> {
    return noGrad(() => x.mul(this.factor));
  }
  async epoch(callback: ReportCallback, loss = (step: number) => 1 / step): Promise<void> {
    const epoch = this.history.length + 1;
    for (let i = 0; i < this.stepsPerEpoch; i++) await callback.onStepEnd(this, loss(++this.step));
    const record = { epoch, step: this.step, loss: 1 / epoch, metrics: {}, lr: 0.1, seconds: 1 };
    this.history.push(record);
    await callback.onEpochEnd(this, record);
  }
}

/** A callback whose pages are collected. */
function collected(options: ReportOptions = {}) {
  const pages: string[] = [];
  const callback = report({ write: (html) => void pages.push(html) }, { everySeconds: Infinity, ...options });
  return { pages, callback, last: () => pages.at(-1) ?? '' };
}

/** The items of the pictures of a page, by the text that describes them. */
const picturesOf = (page: string): Map<string, number[]> =>
  new Map(
    [...page.matchAll(/<img src="data:image\/png;base64,([^"]+)"[^>]*alt="([^"]+)">/g)].map(([, data, alt]) => [
      alt,
      [...decodePng(Uint8Array.from(Buffer.from(data, 'base64'))).data],
    ]),
  );

const grey = (v: number): number[] => new Array(4).fill(v);

test('the report is written at the beginning, after each epoch and at the end', async () => {
  const path = join(folder, 'new/run/report.html');
  const run = new FakeRun();
  const callback = report(path, { everySeconds: Infinity });
  const read = (): string => readFileSync(path, 'utf8');
  await callback.onTrainBegin(run);
  assert.match(read(), '0 of 4');
  assert.match(read(), 'Outputs are drawn at the end of each epoch.');
  await run.epoch(callback);
  assert.match(read(), '1 of 4');
  assert.match(read(), 'class="status running"');
  assert.match(read(), 'id="live"');
  await run.epoch(callback);
  await callback.onTrainEnd(run);
  assert.match(read(), '2 of 4');
  assert.match(read(), 'class="status finished"');
  assert.not.match(read(), '<input type="checkbox" id="live"');
  assert.ok(read().endsWith('</html>\n'));
  assert.equal(readdirSync(join(folder, 'new/run')), ['report.html'], 'no temporary file is left');
});

test('a run that stops early says why', async () => {
  const { callback, last } = collected();
  const run = new FakeRun();
  await callback.onTrainBegin(run);
  await run.epoch(callback);
  run.stopReason = 'no improvement <for> 3 epochs';
  await callback.onTrainEnd(run);
  assert.match(last(), 'It stopped early: no improvement &lt;for&gt; 3 epochs');
});

test('within an epoch the report is written after the time that was asked for', async () => {
  for (const [everySeconds, count] of [
    [1e-9, 3],
    [1e6, 0],
  ]) {
    const { callback, pages } = collected({ everySeconds });
    const run = new FakeRun();
    await callback.onTrainBegin(run);
    const before = pages.length;
    for (let i = 0; i < 3; i++) {
      // The clock must advance by a millisecond.
      await new Promise((done) => setTimeout(done, 3));
      await callback.onStepEnd(run, ++run.step);
    }
    assert.is(pages.length - before, count);
  }
});

test('inputs and outputs are drawn with their values', async () => {
  const { callback, last } = collected({ sampleCount: 3 });
  const run = new FakeRun();
  run.factor = 0.5;
  await callback.onTrainBegin(run);
  await run.epoch(callback);
  run.factor = 2;
  await run.epoch(callback);
  const pictures = picturesOf(last());
  assert.equal(pictures.get('Input of sample 3'), grey(102));
  assert.equal(pictures.get('Output after epoch 1 for sample 3'), grey(51));
  assert.equal(pictures.get('Output after epoch 2 for sample 2'), grey(102));
  assert.equal(pictures.get('Output after epoch 2 for sample 3'), grey(204));
  assert.is(pictures.get('Input of sample 4'), undefined);
  assert.match(last(), 'Input and target');
});

test('targets are drawn where they differ, and the validation data comes first', async () => {
  const { callback, last } = collected();
  const run = new FakeRun();
  run.validation = [[images, images.mul(0.5)]];
  run.data = [[ones([4, 2, 2, 1])]];
  await callback.onTrainBegin(run);
  assert.equal(picturesOf(last()).get('Input of sample 4'), grey(153));
  assert.equal(picturesOf(last()).get('Target of sample 4'), grey(77));
});

test('options choose samples, values and what is drawn', async () => {
  const draw = async (options: ReportOptions): Promise<Map<string, number[]>> => {
    const { callback, last } = collected(options);
    const run = new FakeRun();
    await callback.onTrainBegin(run);
    await run.epoch(callback);
    return picturesOf(last());
  };
  const output = 'Output after epoch 1 for sample 2';
  assert.equal((await draw({ range: [-1, 1] })).get(output), grey(153));
  assert.equal((await draw({ range: 'auto' })).get(output), grey(85));
  assert.equal((await draw({ output: (y) => y.mul(4) })).get(output), grey(204));
  assert.equal((await draw({ samples: ones([2, 2, 2, 1]).mul(0.8) })).get(output), grey(204));
  assert.equal([...(await draw({ samples: [images, images.mul(0)] })).keys()].slice(4, 5), ['Target of sample 1']);
  assert.is((await draw({ sampleCount: 0 })).size, 0);
});

test('taking samples does not move a loader, and leaves a generator alone', async () => {
  const calls: string[] = [];
  let state: object = { seed: 1, epoch: 3, batch: 5 };
  const loader = {
    length: 2,
    stateDict: () => state,
    loadStateDict: (to: object) => void calls.push(JSON.stringify((state = to))),
    *[Symbol.iterator]() {
      calls.push('first batch');
      yield [images];
      calls.push('second batch');
    },
  };
  const run = new FakeRun();
  run.validation = loader;
  const { callback, last } = collected();
  await callback.onTrainBegin(run);
  assert.equal(calls, ['{"seed":1,"epoch":0,"batch":0}', 'first batch', '{"seed":1,"epoch":3,"batch":5}']);
  assert.equal(picturesOf(last()).size, 4);

  const once = new FakeRun();
  once.data = (function* () {
    calls.push('taken from the generator');
    yield [images];
  })();
  const other = collected();
  await other.callback.onTrainBegin(once);
  await once.epoch(other.callback);
  assert.not.ok(calls.includes('taken from the generator'));
  assert.not.match(other.last(), 'id="samples"');
});

test('series are drawn as lines, and what cannot be drawn is left out', async () => {
  const draw = async (model: Module, batch: readonly Tensor[]): Promise<string> => {
    const { callback, last } = collected({ samples: batch });
    const run = new FakeRun(model);
    await callback.onTrainBegin(run);
    await run.epoch(callback);
    return last();
  };
  assert.match(await draw(new Linear(2, 2), [ones([3, 20, 2])]), 'aria-label="Output after epoch 1 for sample 3"');
  const page = await draw(new Linear(4, 4), [ones([3, 4])]);
  assert.not.match(page, 'id="samples"');
  assert.match(page, 'id="layers"');
});

test('filters, layers, configuration and environment are those of the run', async () => {
  const { callback, last } = collected();
  const run = new FakeRun();
  await callback.onTrainBegin(run);
  assert.match(last(), 'All 2 filters of 3 × 3 of the layer 0, over one input channel');
  const rows = /<table class="layers">.*?<\/table>/s.exec(last())?.[0] ?? '';
  assert.match(rows, '[1,2,2,2]</td><td class="number">20</td>');
  assert.match(last(), '<th scope="row">optimizer</th><td>SGD</td>');
  assert.match(last(), '<th scope="row">lr</th><td>0.1</td>');
  assert.match(last(), `Node ${process.version}`);
  run.config = { data: { folder: 'shoes' } };
  await run.epoch(callback);
  assert.match(last(), '<th scope="row">data.folder</th><td>shoes</td>');
  const own = collected({ config: { note: 'mine' } });
  await own.callback.onTrainBegin(run);
  assert.match(own.last(), '<th scope="row">note</th><td>mine</td>');
});

test('a model that needs other inputs is shown without shapes', async () => {
  class Two extends Linear {
    override forward(): Tensor {
      throw new Error('not like this');
    }
  }
  const { callback, last } = collected();
  await callback.onTrainBegin(new FakeRun(new Two(3, 4)));
  assert.match(last(), '<td>–</td><td class="number">16</td>');
});

test('signs of trouble are warnings', async () => {
  const { callback, last } = collected();
  const run = new FakeRun(new Sequential(new Conv2d(1, 2, 3, { padding: 'same' }), new ReLU()));
  run.warn('a warning of the run');
  await callback.onTrainBegin(run);
  await run.epoch(callback);
  const listed = (): string[] =>
    [...(/<ul>(.*?)<\/ul>/s.exec(last())?.[1] ?? '').matchAll(/<li>(.*?)<\/li>/g)].map(([, text]) => text);
  assert.equal(listed(), ['a warning of the run']);
  run.factor = 0;
  await run.epoch(callback, (step) => (step === 5 ? Number.NaN : 1));
  assert.equal(listed(), [
    'The loss of step 5 is NaN or infinite.',
    'a warning of the run',
    'After epoch 2, the outputs for 4 different samples are nearly the same. The model may have learnt a constant.',
  ]);
  run.factor = Number.NaN;
  await run.epoch(callback);
  assert.is(listed()[2], 'After epoch 3, 16 output values of the samples are NaN or infinite.');
  run.factor = 1;
  run.predict = (x) => Promise.resolve(noGrad(() => (run.model as Sequential).forward(x.mul(-1).sub(1)) as Tensor));
  const { weight, bias } = (run.model as Sequential).children()[0] as Conv2d;
  noGrad(() => run.model.loadStateDict({ '0.weight': weight.mul(0).add(1), '0.bias': (bias as Tensor).mul(0) }));
  await run.epoch(callback);
  assert.equal(listed().slice(-1), ['After epoch 4, 1 gives only zeros for the samples. Its units may be dead.']);
});

test('the report changes neither modes nor generators nor methods', async () => {
  const { callback } = collected();
  const run = new FakeRun();
  run.predict = (x) => Promise.resolve(noGrad(() => (run.model as Sequential).forward(x) as Tensor));
  run.model.train();
  const before = JSON.stringify(getRngState());
  await callback.onTrainBegin(run);
  await run.epoch(callback);
  await callback.onTrainEnd(run);
  assert.is(JSON.stringify(getRngState()), before);
  assert.ok(run.model.namedModules().every(([, module]) => module.training && !Object.hasOwn(module, 'forward')));
});

/** A page without its dates. */
const undated = (page: string): string =>
  page.replace(/\d{4}-\d\d-\d\d[T ][\d:.]+(Z| UTC)/g, 'DATE').replace(/<span>resumed after step \d+<\/span>/, '');

test('a resumed run has the report of the whole run', async () => {
  const whole = collected();
  const run = new FakeRun();
  const outputs = async (of: FakeRun, callback: ReportCallback, epochs: number): Promise<void> => {
    for (let i = 0; i < epochs; i++) {
      of.factor = 1 / (of.history.length + 2);
      await of.epoch(callback, (step) => (step === 4 ? Number.NaN : Math.cos(step)));
    }
  };
  await whole.callback.onTrainBegin(run);
  await outputs(run, whole.callback, 12);
  await whole.callback.onTrainEnd(run);

  const first = collected();
  const before = new FakeRun(run.model);
  await first.callback.onTrainBegin(before);
  await outputs(before, first.callback, 7);
  const state = JSON.parse(JSON.stringify(first.callback.stateDict()));
  await outputs(before, first.callback, 1);

  const second = collected();
  const after = new FakeRun(run.model);
  after.step = 21;
  after.history.push(...before.history.slice(0, 7));
  second.callback.loadStateDict(state);
  await second.callback.onTrainBegin(after);
  assert.match(second.last(), 'Output after epoch 7 for sample 1');
  await outputs(after, second.callback, 5);
  await second.callback.onTrainEnd(after);
  assert.match(second.last(), 'resumed after step 21');
  assert.is(undated(second.last()), undated(whole.last()));
});

test('a resumed run with other samples begins their rows again', async () => {
  const first = collected();
  const run = new FakeRun();
  await first.callback.onTrainBegin(run);
  await run.epoch(first.callback);
  const second = collected({ samples: ones([4, 2, 2, 1]) });
  second.callback.loadStateDict(first.callback.stateDict());
  await second.callback.onTrainBegin(run);
  await run.epoch(second.callback);
  assert.match(second.last(), 'the report has other samples than before the resumption');
  assert.is(picturesOf(second.last()).get('Output after epoch 1 for sample 1'), undefined);
  assert.equal(picturesOf(second.last()).get('Output after epoch 2 for sample 1'), grey(255));
});

test('a callback of an earlier run begins anew', async () => {
  const { callback, last } = collected();
  const run = new FakeRun();
  await callback.onTrainBegin(run);
  await run.epoch(callback, () => Number.NaN);
  await callback.onTrainEnd(run);
  await callback.onTrainBegin(new FakeRun());
  assert.not.match(last(), 'NaN or infinite');
  assert.is(picturesOf(last()).get('Output after epoch 1 for sample 1'), undefined);
});

test('a path that cannot be written is an error at the beginning and a warning later', async () => {
  const file = join(folder, 'file');
  writeFileSync(file, '');
  let thrown: unknown;
  await report(join(file, 'report.html'))
    .onTrainBegin(new FakeRun())
    .catch((error) => {
      thrown = error;
    });
  assert.match(String(thrown), /ENOTDIR.*writeFileAtomic '.*report\.html'/);

  const path = join(folder, 'later/report.html');
  const callback = report(path, { everySeconds: 1e-9 });
  const run = new FakeRun();
  await callback.onTrainBegin(run);
  rmSync(path);
  mkdirSync(path);
  await run.epoch(callback);
  assert.is(run.warnings.length, 1, run.warnings.join('\n'));
  assert.match(run.warnings[0], /^the report could not be written: .*path must name a plain file/);
  rmSync(path, { recursive: true });
  await callback.onTrainEnd(run);
  assert.match(readFileSync(path, 'utf8'), 'the report could not be written');
});

// biome-ignore lint/suspicious/noExplicitAny: what types forbid is what is tested
const make = report as any;
const rows: readonly Row[] = [
  ['report', () => make(), ValueError, /the first argument must be a path or \{ write: .* \}; got undefined/],
  ['report', () => make(''), ValueError, /path must name a file; got path=''/],
  ['report', () => make({ path: 'a' }), ValueError, /must be a path or .*; got an object \{path\}/],
  ['report', () => make('a', { tilte: 'x' }), ValueError, /got tilte='x'; did you mean title\?/],
  ['report', () => make('a', { title: 5 }), ValueError, /title must be text; got title=5/],
  ['report', () => make('a', { samples: [] }), ValueError, /samples must be a tensor or a batch of tensors; got/],
  [
    'report',
    () => make('a', { samples: [ones([2, 8]), ones([3, 8])] }),
    ValueError,
    /same number of samples in their first axis; got samples\[1\] with shape \[3,8\]/,
  ],
  [
    'report',
    () => make('a', { sampleCount: 9 }),
    ValueError,
    /sampleCount must be whole and in \[0, 8\]; got sampleCount=9/,
  ],
  [
    'report',
    () => make('a', { range: [1, 0] }),
    ValueError,
    /range must be \[low, high\] or 'auto'; got range=\[1,0\]/,
  ],
  ['report', () => make('a', { output: 'sigmoid' }), ValueError, /output must be a function; got output='sigmoid'/],
  ['report', () => make('a', { everySeconds: 0 }), ValueError, /everySeconds must be positive; got everySeconds=0/],
  ['report', () => make('a', { config: 'a.json' }), ValueError, /config must be an object of settings by name; got/],
  [
    'report.loadStateDict',
    () => report('a').loadStateDict({ started: 'x' }),
    ValueError,
    /started must be a date as toISOString writes it; got started='x'/,
  ],
  [
    'report.loadStateDict',
    () => {
      const state = report('a').stateDict() as { losses: { points: number[][] } };
      state.losses.points.push([1, 2]);
      report('a').loadStateDict(state);
    },
    ValueError,
    /losses\.points\[0\] must have 7 numbers; got losses\.points\[0\]=\[1,2\]/,
  ],
];
for (const row of rows) test(`refused: ${written(row[1])}`.slice(0, 90), () => refuses(row, undefined));

test('a refused call writes nothing', () => {
  assert.not.ok(existsSync('a'));
});

test.run();
