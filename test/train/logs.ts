/** Logs of a run: CSV and lines of JSON, in runs of fit. */
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Linear, manualSeed, mse, SGD, type Tensor, tensor } from '../../src/index.js';
import {
  type Callback,
  csvLog,
  type EpochRecord,
  type FitOptions,
  fit,
  jsonLog,
  type Run,
} from '../../src/train/index.js';

const test = suite('train/logs');
const folder = mkdtempSync(join(tmpdir(), 'logs-'));
test.after(() => rmSync(folder, { recursive: true }));

type Batch = [Tensor, Tensor];
/** A run of two steps an epoch. */
function run(callbacks: Callback[], more: Partial<FitOptions<Batch>> = {}) {
  manualSeed(1);
  const model = new Linear(1, 1);
  const batches: Batch[] = [
    [tensor([[1]]), tensor([[2]])],
    [tensor([[2]]), tensor([[4]])],
  ];
  return fit(model, {
    data: batches,
    validation: batches,
    loss: (x, y) => mse(model.forward(x), y),
    optimizer: new SGD(model.parameters(), { lr: 0.1 }),
    epochs: 3,
    callbacks,
    ...more,
  });
}
const rowsOf = (text: string): string[][] =>
  text
    .replace(/\n$/, '')
    .split('\n')
    .map((row) => row.split(','));

test('a row for each epoch, with every digit', async () => {
  const path = join(folder, 'new/log.csv');
  const seen: number[] = [];
  const count = { onEpochEnd: () => void seen.push(rowsOf(readFileSync(path, 'utf8')).length) };
  const { history } = await run([csvLog(path), count], { metrics: { ratio: () => 1 / 3 } });
  const [header, ...rows] = rowsOf(readFileSync(path, 'utf8'));
  assert.equal(header, ['epoch', 'step', 'loss', 'valLoss', 'ratio', 'lr', 'seconds']);
  assert.equal(
    rows.map((row) => row.map(Number)),
    history.map((r) => [r.epoch, r.step, r.loss, r.valLoss, 1 / 3, 0.1, r.seconds]),
  );
  assert.equal(seen, [2, 3, 4]);
  assert.equal(readdirSync(join(folder, 'new')), ['log.csv']);
});

test('after a resume rows beyond the checkpoint are dropped, not doubled', async () => {
  const path = join(folder, 'resumed.csv');
  let saved = new Uint8Array();
  const keep: Callback = {
    onEpochEnd: async (r: Run) => {
      if (r.epoch === 2) saved = await r.checkpoint();
    },
  };
  const whole = await run([csvLog(path), keep], { epochs: 5 });
  assert.is(rowsOf(readFileSync(path, 'utf8')).length, 6);
  const begin: Callback = {
    onTrainBegin: () =>
      assert.equal(
        rowsOf(readFileSync(path, 'utf8')).map(([epoch]) => epoch),
        ['epoch', '1', '2'],
      ),
  };
  await run([csvLog(path), begin], { epochs: 4, resume: saved });
  const rows = rowsOf(readFileSync(path, 'utf8')).slice(1);
  assert.equal(
    rows.map(([epoch, , loss]) => [Number(epoch), Number(loss)]),
    whole.history.slice(0, 4).map(({ epoch, loss }) => [epoch, loss]),
  );
});

test('a new run replaces an older log, before its first step', async () => {
  const path = join(folder, 'old.csv');
  writeFileSync(path, 'epoch\n1\n2\n3\n4\n5\n6\n');
  await run([csvLog(path)], { epochs: 1, validation: undefined });
  assert.equal(rowsOf(readFileSync(path, 'utf8'))[0], ['epoch', 'step', 'loss', 'lr', 'seconds']);
  assert.is(rowsOf(readFileSync(path, 'utf8')).length, 2);
});

/** Calls the hooks of a callback with records made up. */
async function written(records: readonly Partial<EpochRecord>[]): Promise<string> {
  let text = '';
  const callback = csvLog((all) => {
    text = all;
  });
  const history = records.map((r, i) => ({ epoch: i + 1, step: i, loss: 0.5, metrics: {}, lr: 1, seconds: 2, ...r }));
  await callback.onEpochEnd?.({ history } as unknown as Run, history[0]);
  return text;
}

test('values that are missing or not finite, and names with commas and quotes', async () => {
  const text = await written([
    { loss: Number.NaN, metrics: { 'a "b", c': Infinity } },
    { valLoss: -0.25, metrics: { psnr: 1e-9 } },
  ]);
  assert.is(
    text,
    'epoch,step,loss,valLoss,"a ""b"", c",psnr,lr,seconds\n1,0,NaN,,Infinity,,1,2\n2,1,0.5,-0.25,,1e-9,1,2\n',
  );
});

const messageOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'nothing was thrown',
    (error: Error) => error.message,
  );

test('a file that cannot be written is an error before the first step', async () => {
  mkdirSync(join(folder, 'taken.csv'));
  let steps = 0;
  const count = { onStepEnd: () => void steps++ };
  assert.match(await messageOf(run([csvLog(join(folder, 'taken.csv')), count])), /path must name a plain file/);
  assert.is(steps, 0);
});

test('later it is a warning, and the run and the old rows stay', async () => {
  const home = join(folder, 'locked');
  const path = join(home, 'log.csv');
  const lock: Callback = {
    onEpochEnd: ({ epoch }) => {
      // A folder in the place of the file; a mode would not stop the superuser.
      if (epoch !== 1) return;
      chmodSync(path, 0o400);
      rmSync(path);
      mkdirSync(path);
    },
  };
  const { history, warnings } = await run([csvLog(path), lock]);
  assert.is(history.length, 3);
  assert.is(warnings.length, 2);
  assert.match(warnings[0], /^the log of epoch 2 could not be written: writeFileAtomic: path must name a plain file/);
});

// ---- lines of JSON

function collected(options = {}) {
  const lines: string[] = [];
  const stream = { write: (text: string) => lines.push(text) };
  return { callback: jsonLog({ stream, ...options }), parsed: () => lines.map((line) => JSON.parse(line)), lines };
}

test('one object a line', async () => {
  const { callback, parsed, lines } = collected({ everySteps: 2 });
  const warning: Callback = { onEpochEnd: (r) => r.warn('look out') };
  const { history } = await run([callback, warning], { epochs: 2, metrics: { bound: () => Infinity } });
  assert.ok(lines.every((line) => /^[^\n]+\n$/.test(line)));
  const events = parsed();
  assert.equal(
    events.map(({ event }) => event),
    ['begin', 'step', 'epoch', 'warning', 'step', 'epoch', 'end'],
  );
  assert.equal(events[0], { event: 'begin', epochs: 2, epoch: 1, step: 0, stepsPerEpoch: 2 });
  const record = JSON.parse(JSON.stringify(history[0]));
  assert.equal(events[2], { event: 'epoch', ...record, metrics: { bound: 'Infinity' } });
  assert.equal(events[3], { event: 'warning', message: 'look out' });
  assert.is(events[4].step, 4);
  assert.equal(events[6], { event: 'end', epoch: 2, step: 4 });
});

test('a run that is stopped, and one that fails', async () => {
  const stopped = collected();
  const reason: Callback = { onStepEnd: (r) => r.stop('enough') };
  await run([stopped.callback, reason]);
  assert.equal(stopped.parsed().at(-1), { event: 'end', epoch: 1, step: 1, stopReason: 'enough' });
  const failed = collected();
  const throwing: Callback = {
    onStepEnd: (r) => {
      r.warn('before');
      throw new Error('no more');
    },
  };
  await messageOf(run([failed.callback, throwing]));
  assert.equal(failed.parsed().slice(1), [
    { event: 'warning', message: 'before' },
    { event: 'error', message: 'no more' },
  ]);
});

test('warnings from before a resume are not written again', async () => {
  let saved = new Uint8Array();
  const keep: Callback = {
    onEpochEnd: async (r: Run) => {
      r.warn('once');
      saved = await r.checkpoint();
    },
  };
  await run([keep], { epochs: 1 });
  const { callback, parsed } = collected();
  await run([callback, keep], { epochs: 2, resume: saved });
  assert.ok(parsed().every(({ event }) => event !== 'warning'));
});

test('bad options are refused', () => {
  assert.throws(() => jsonLog({ stream: {} as never }), /^jsonLog: stream's write must be a function; got/);
  assert.throws(() => jsonLog({ everySteps: 0.5 }), /^jsonLog: everySteps must be whole and at least 1/);
  assert.throws(() => csvLog(''), /^csvLog: to must name a file/);
  assert.throws(() => csvLog(5 as never), /^csvLog: to must be text; got to=5/);
});

test.run();
