/**
 * Compares the wasm device with the reference device in float32, by the checks of
 * test/helpers/conformance.ts. They run on one and two threads, and must give the same bits on
 * both. Compiled steps must give the same bits as plain ones. Not here: the gpu device
 * (gpu-conformance.ts).
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { compile, type Device, device, type Tensor, type TypedArray } from '../../src/index.js';
import { collectedFrom } from '../helpers/collect.js';
import { checks, endGraphs, outgoing, runRow } from '../helpers/conformance.js';
import { inputsOf, opTable, type Row } from '../helpers/op-table.js';

const reference = await device('reference');
const ways: Readonly<Record<string, () => Promise<Device>>> = {
  'wasm, 1 thread': () => device('wasm', { threads: 1 }),
  'wasm, 2 threads': () => device('wasm', { threads: 2 }),
  'wasm, simd build': () => device('wasm', { threads: 2, build: 'simd' }),
};

for (const [way, open] of Object.entries(ways)) {
  const test = suite(way);
  let tested: Device;
  test.before(async () => {
    tested = await open();
  });
  test.after(() => tested?.close());
  for (const { name, run } of checks) test(name, () => run(tested, reference));
  test('all memory is given back, and no more than was taken', async () => {
    endGraphs(reference);
    await collectedFrom(tested);
    const { tensors, bytes, arrays = 0 } = tested.memory();
    assert.equal({ tensors, bytes, arrays }, { tensors: 0, bytes: 0, arrays: 0 });
  });
  test.run();
}

/**
 * Runs a row as a compiled step, and returns the results of the third call. They are the value,
 * then the gradient of every input that has one.
 */
async function runCompiled(row: Row, on: Device): Promise<{ mode: string; reason: string; results: TypedArray[] }> {
  const inputs = inputsOf(row, on, 'float32');
  let g: Tensor | null = null;
  const step = compile((): Tensor[] => {
    if (!row.differentiable) return [row.fn(...inputs)];
    for (const x of inputs) x.clearGrad();
    const y = row.fn(...inputs);
    g ??= outgoing(row, y, on).keep();
    y.backward(g);
    return [y, ...inputs.flatMap((x) => (x.grad === null ? [] : [x.grad]))];
  });
  step();
  step();
  const results = await Promise.all(step().map((t) => t.data()));
  return { mode: step.mode, reason: step.reason, results };
}

for (const threads of [1, 2]) {
  const test = suite(`wasm, compiled, threads ${threads}`);
  let wasm: Device;
  test.before(async () => {
    wasm = await device('wasm', { threads });
  });
  test.after(() => wasm?.close());
  for (const row of opTable)
    test(row.name, async () => {
      const plain = await runRow(row, wasm);
      const { mode, reason, results } = await runCompiled(row, wasm);
      assert.is(mode, 'compiled', reason);
      const want = [plain.values, ...plain.grads.filter((grad) => grad !== null)];
      assert.is(results.length, want.length);
      results.forEach((values, i) => {
        assert.ok(
          values.every((v, j) => Object.is(v, want[i][j])),
          `result ${i} is ${values}, plain ${want[i]}`,
        );
      });
    });
  test.run();
}
