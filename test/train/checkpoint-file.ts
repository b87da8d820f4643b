import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  Adam,
  Conv2d,
  CosineLR,
  Dropout,
  FastRandom,
  manualSeed,
  mse,
  NAdam,
  RandomState,
  rand,
  Sequential,
  SGD,
} from '../../src/index.js';
import { decodeSafetensors, encodeSafetensors, encodeWeights } from '../../src/io/index.js';
import { encodeCheckpoint, loadCheckpoint, saveCheckpoint } from '../../src/train/checkpoint-file.js';
import { fromExactJson, toExactJson } from '../../src/train/exact-json.js';
import { throws } from '../helpers/refusals.js';

const checkpoints = suite('checkpoint file');
const folder = mkdtempSync(join(tmpdir(), 'checkpoint-'));
checkpoints.after(() => rmSync(folder, { recursive: true }));

function made(seed: number, channels = 3) {
  manualSeed(seed);
  const model = new Sequential(
    new Conv2d(1, channels, 3, { padding: 'same' }),
    new Dropout(0.5, { random: new FastRandom(seed) }),
    new Dropout(0.5),
    new Conv2d(channels, 1, 1),
  );
  const optimizer = new Adam(model.parameters(), { lr: 0.01 });
  return {
    model,
    optimizer,
    schedule: new CosineLR(optimizer, { total: 10 }),
    generators: { noise: new RandomState(seed) },
  };
}
type Made = ReturnType<typeof made>;

async function train({ model, optimizer, schedule, generators }: Made, steps: number): Promise<number[]> {
  const losses: number[] = [];
  for (let i = 0; i < steps; i++) {
    const x = rand([2, 4, 4, 1], { random: generators.noise });
    optimizer.zeroGrad();
    const loss = mse(model.forward(x) as typeof x, x);
    loss.backward();
    optimizer.step();
    schedule.step();
    losses.push(await loss.item());
  }
  return losses;
}

checkpoints('a run goes on from a checkpoint bit for bit, with dropout, noise and a schedule', async () => {
  const path = join(folder, 'a/run.checkpoint');
  const first = made(1);
  await train(first, 3);
  await saveCheckpoint(path, first, { epoch: 2, best: Infinity, losses: new Float64Array([0.1, -0]) });
  const expected = await train(first, 4);
  const second = made(99);
  await train(second, 1);
  const values = await loadCheckpoint(path, second);
  assert.equal(values, { epoch: 2, best: Infinity, losses: new Float64Array([0.1, -0]) });
  assert.equal(await train(second, 4), expected);
  assert.equal(await encodeWeights(second.model), await encodeWeights(first.model));
  assert.equal(second.optimizer.paramGroups[0].lr, first.optimizer.paramGroups[0].lr);
  assert.equal(readdirSync(join(folder, 'a')), ['run.checkpoint']);
});

checkpoints('numbers that an optimizer keeps for a parameter are restored', async () => {
  const nadam = () => {
    const run = made(1);
    return {
      ...run,
      optimizer: new NAdam(run.model.parameters(), { lr: 0.01 }),
      schedule: { ...run.schedule, step: () => {} },
    };
  };
  const first = nadam();
  await train(first as unknown as Made, 3);
  const { model, optimizer, generators } = first;
  const bytes = await encodeCheckpoint({ model, optimizer, generators });
  const expected = await train(first as unknown as Made, 3);
  const second = nadam();
  await loadCheckpoint(bytes, { model: second.model, optimizer: second.optimizer, generators: second.generators });
  assert.equal(await train(second as unknown as Made, 3), expected);
});

checkpoints('a checkpoint is a safetensors file with the tensors by name', async () => {
  const run = made(1);
  await train(run, 1);
  const { tensors, metadata } = decodeSafetensors(await encodeCheckpoint(run));
  assert.equal(metadata.format, 'cedargrad-checkpoint');
  assert.equal(tensors['model/0.weight'].shape, [3, 3, 1, 3]);
  assert.equal(tensors['optimizer/0/m'].shape, [3, 3, 1, 3]);
});

checkpoints('what does not fit is named, and nothing changes', async () => {
  const run = made(1);
  await train(run, 2);
  const good = await encodeCheckpoint(run);
  const wider = await encodeCheckpoint(made(1, 4));
  const other = made(5);
  await train(other, 1);
  const before = await encodeCheckpoint(other);
  const unchanged = async (): Promise<void> => {
    assert.is(Buffer.compare(await encodeCheckpoint(other), before), 0);
  };
  const cases: [() => Promise<unknown>, RegExp][] = [
    [() => loadCheckpoint(join(folder, 'none'), other), /loadCheckpoint: there must be a file to read; got ENOENT/],
    [() => loadCheckpoint(good.subarray(0, good.length - 9), other), /data_offsets|fill the file/],
    [async () => loadCheckpoint(await encodeWeights(run.model), other), /the file must be a checkpoint; got other/],
    [() => loadCheckpoint(wider, other), /names, shapes and dtypes must be the module/],
    [() => loadCheckpoint(good, { model: other.model }), /a checkpoint with optimizer, a run without/],
    [() => loadCheckpoint(good, { ...other, generators: {} }), /generators of the checkpoint; got checkpoint: .*noise/],
    [
      () => loadCheckpoint(good, { ...other, optimizer: new SGD(other.model.parameters(), { lr: 1, momentum: 0.9 }) }),
      /the state of a parameter must be/,
    ],
    [
      () => loadCheckpoint(encodeSafetensors({}, { format: 'cedargrad-checkpoint', version: '2' }), other),
      /version must be 1; got version 2/,
    ],
    [
      () => loadCheckpoint(encodeSafetensors({}, { format: 'cedargrad-checkpoint', version: '1', state: '{' }), other),
      /the state must be JSON/,
    ],
    [() => loadCheckpoint(good, { ...other, optimiser: 1 } as never), /did you mean optimizer/],
    [() => loadCheckpoint(good, { ...other, ema: {} } as never), /ema must have stateDict and loadStateDict/],
    [
      () => loadCheckpoint(good, { ...other, generators: { noise: Math.random } } as never),
      /a generator must have getState/,
    ],
    [() => encodeCheckpoint(other, { when: new Date() }), /a state must be numbers.*state.values.when: Date/],
  ];
  for (const [call, says] of cases) {
    await throws(call, says);
    await unchanged();
  }
});

checkpoints('a checkpoint that cannot be written leaves the old one', async () => {
  const path = join(folder, 'kept.checkpoint');
  writeFileSync(path, 'old');
  await throws(() => saveCheckpoint(path, made(1), () => 1), /a state must be numbers/);
  assert.is(readFileSync(path, 'utf8'), 'old');
});

checkpoints('exact JSON keeps numbers and arrays', () => {
  const value = { a: [NaN, Infinity, -Infinity, -0, 0.1, null, true, 'x'], b: new Uint32Array([1, 2 ** 32 - 1]) };
  const back = fromExactJson(toExactJson('op', value)) as typeof value;
  assert.equal(back, value);
  assert.ok(Object.is(back.a[3], -0));
  assert.instance(back.b, Uint32Array);
});

checkpoints.run();
