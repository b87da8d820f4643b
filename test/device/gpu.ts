/** What the gpu device promises beyond agreement with the reference (conformance.ts): its mode, its limits, long sums. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { DeviceError, device, full, tensor } from '../../src/index.js';

const test = suite('gpu device');

const refusal = async (options: object): Promise<Error> => {
  try {
    await device('gpu', options);
  } catch (error) {
    return error as Error;
  }
  throw new Error('was not refused');
};

test('the mode is the one that really ran', async () => {
  for (const mode of ['cpu', 'webasm'] as const) {
    const on = await device('gpu', { mode });
    assert.equal([on.name, on.mode, String(on)], ['gpu', mode, `gpu (${mode})`]);
    await on.close();
  }
});

test('a mode that cannot run here is refused with a remedy, never replaced', async () => {
  const error = await refusal({ mode: 'webgl2' });
  assert.instance(error, DeviceError);
  assert.match(error.message, /^device: gpu\.js must .*webgl2.*; got .*; it needs a browser$/);
  assert.match((await refusal({ mode: 'opengl' })).message, /^device: mode must be one of cpu, webasm, .*; got 'opengl'/);
});

test('whole numbers past 2^24 are refused', async () => {
  const on = await device('gpu', { mode: 'cpu' });
  assert.throws(() => tensor(Int32Array.of(2 ** 24 + 2), { device: on }), /^gpu: whole numbers are exact only up to 2\^24; got 16777218/);
  assert.equal([...tensor(Int32Array.of(2 ** 24), { device: on }).dataSync()], [2 ** 24]);
  await on.close();
});

test('a sum of 300,000 keeps five digits where sums run in float32', async () => {
  for (const mode of ['cpu', 'webasm'] as const) {
    const on = await device('gpu', { mode });
    const sum = await full([300, 1000], 0.1, { device: on }).sum().item();
    assert.ok(Math.abs(sum / 30000 - 1) < 1e-5, `${mode}: ${sum}`);
    const flat = await full([300_000], 0.1, { device: on }).sum().item();
    assert.ok(Math.abs(flat / 30000 - 1) < 2e-5, `${mode}: ${flat}`);
    await on.close();
  }
});

test('memory counts what is held', async () => {
  const on = await device('gpu', { mode: 'cpu' });
  const x = tensor([1, 2, 3], { device: on });
  const y = x.mul(2);
  assert.equal(on.memory(), { tensors: 2, bytes: 24, pooled: 0 });
  y.release();
  x.release();
  assert.equal(on.memory(), { tensors: 0, bytes: 0, pooled: 0 });
  await on.close();
});

test.run();
