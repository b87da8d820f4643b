/**
 * Tests that no kernel reads or writes outside of its arrays. The op table and the kernel calls run
 * between guard bytes under two fillings, which must give the same bits. They also run on the
 * reference device with a check of every index. The guards themselves are tested first, by kernel
 * calls whose arrays are smaller than their shapes say.
 * Not here: large and odd geometries, which run between guards in wasm-kernels.ts.
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Spec } from '../../src/device/device.js';
import type { WasmDevice } from '../../src/device/wasm/index.js';
import type { TypedArray } from '../../src/index.js';
import { runRow } from '../helpers/conformance.js';
import { extremes } from '../helpers/extremes.js';
import { GuardedReference, guardedWasm } from '../helpers/guarded.js';
import { kernelCalls } from '../helpers/kernels.js';
import { opTable } from '../helpers/op-table.js';

const test = suite('guards');
let nan: WasmDevice;
let zero: WasmDevice;
const reference = new GuardedReference();
test.before(async () => {
  nan = await guardedWasm({ threads: 1 }, 'nan');
  zero = await guardedWasm({ threads: 2 }, 'zero');
});
test.after(async () => {
  await nan?.close();
  await zero?.close();
});

const float = (size: number): Spec => ({ shape: [size], dtype: 'float32' });
const relu = { fn: 'relu', alpha: 0, beta: 0 } as const;

test('a write behind an array is seen', async () => {
  const on = await guardedWasm({ threads: 1 }, 'nan');
  const x = { ...float(40), buffer: on.upload(new Float32Array(40), 'float32') };
  const [small] = on.run('unary', [x], relu, [float(40)]);
  on.sync();
  const short = on.upload(new Float32Array(36), 'float32');
  on.run('unary', [x], relu, [float(40)], [short]);
  assert.throws(() => on.readSync(small), /^a kernel wrote 0 bytes after the end of an array of 144 bytes$/);
  await on.close();
});

test('a read behind an array makes other bits under another filling', () => {
  const results = [nan, zero].map((on) => {
    const x = { ...float(40), buffer: on.upload(new Float32Array(36), 'float32') };
    const [y] = on.run('unary', [x], relu, [float(40)]);
    const values = on.readSync(y);
    for (const buffer of [x.buffer, y]) on.free(buffer);
    return [...values.slice(36)];
  });
  assert.equal(results, [new Array(4).fill(Number.NaN), [0, 0, 0, 0]]);
});

test('on reference an index outside throws', () => {
  const x = { ...float(40), buffer: reference.upload(new Float32Array(36), 'float32') };
  assert.throws(() => reference.run('unary', [x], relu, [float(40)]), /^element 36 of an array of 36 was asked for$/);
});

const same = (what: string, a: TypedArray | null, b: TypedArray | null): void => {
  const [left, right] = [a ?? [], b ?? []];
  assert.is(left.length, right.length, what);
  for (let i = 0; i < left.length; i++)
    if (!Object.is(left[i], right[i])) assert.unreachable(`${what}: element ${i} is ${left[i]} or ${right[i]}`);
};

for (const row of [...opTable, ...extremes])
  test(row.name, async () => {
    const [one, other] = [await runRow(row, nan), await runRow(row, zero)];
    same('value', one.values, other.values);
    one.grads.forEach((grad, i) => {
      same(`gradient of input ${i}`, grad, other.grads[i]);
    });
    await runRow(row, reference);
  });

for (const { name, run } of kernelCalls)
  test(name, async () => {
    const [one, other] = [await run(nan), await run(zero)];
    one.forEach((values, i) => {
      same(`output ${i}`, values, other[i]);
    });
    await run(reference);
  });

test.run();
