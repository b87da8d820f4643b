/**
 * The table in docs/kernel-names.md lists every op, kernel and opcode of one thing whose names
 * differ, and no name that does not exist. A family of kernels has one file name on all devices.
 */
import { readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { KernelName } from '../../src/device/device.js';
import type { WasmDevice } from '../../src/device/wasm/index.js';
import { encoders } from '../../src/device/wasm/kernels.js';
import { Opcode } from '../../src/device/wasm/protocol/command.js';
import * as cedargrad from '../../src/index.js';
import { inputsOf, opTable } from '../helpers/op-table.js';

const test = suite('kernel names');

const page = readFileSync(new URL('../../docs/kernel-names.md', import.meta.url), 'utf8');
const namesIn = (cell: string): string[] => [...cell.matchAll(/`(\w+)`/g)].map(([, name]) => name);
const rows = page
  .split('\n')
  .filter((line) => /^\| (?!Op |---)/.test(line))
  .map((line) => line.split('|').slice(1, 4).map(namesIn))
  .map(([ops, kernels, opcodes]) => ({ ops, kernels, opcodes }));

const kernelNames = Object.keys(encoders);
const opcodeNames = Object.values(Opcode).filter((name) => typeof name === 'string');
const isOp = (name: string): boolean => name in cedargrad || name in cedargrad.Tensor.prototype;
const listed = (kernel: string, opcode: string): boolean =>
  rows.some(({ kernels, opcodes }) => kernels.includes(kernel) && opcodes.includes(opcode));

test('a family has the same file and the same kernels on all devices', async () => {
  for (const family of ['elementwise', 'reduce', 'movement', 'matmul', 'conv', 'pool', 'norm', 'loss']) {
    const [reference, wasm, gpu] = await Promise.all(
      ['reference', 'wasm', 'gpu'].map(async (on) => {
        const file = await import(`../../src/device/${on}/${family}.js`);
        return Object.keys(file[family]).sort();
      }),
    );
    assert.equal(wasm, reference, `wasm ${family}`);
    assert.equal(gpu, reference, `gpu ${family}`);
  }
});

test('every name in the table exists', () => {
  assert.ok(rows.length > 25);
  for (const { ops, kernels, opcodes } of rows) {
    assert.is(kernels.length, 1);
    for (const name of ops) assert.ok(isOp(name), `op ${name}`);
    for (const name of kernels) assert.ok(kernelNames.includes(name), `kernel ${name}`);
    for (const name of opcodes) assert.ok(opcodeNames.includes(name), `opcode ${name}`);
  }
});

test('every kernel without an op or an opcode of its name is in the table, and every opcode without a kernel', () => {
  for (const name of kernelNames)
    if (!isOp(name) || !opcodeNames.includes(name))
      assert.ok(
        rows.some(({ kernels }) => kernels.includes(name)),
        `kernel ${name}`,
      );
  for (const name of opcodeNames)
    if (!kernelNames.includes(name))
      assert.ok(
        rows.some(({ opcodes }) => opcodes.includes(name)),
        `opcode ${name}`,
      );
});

test('every command that an op emits is listed with its kernel, unless it has its name', async () => {
  const on = (await cedargrad.device('wasm', { threads: 1 })) as WasmDevice;
  const missing = new Set<string>();
  const run = on.run;
  const emit = on.emit;
  let running: KernelName;
  on.run = (kernel, ...rest) => {
    running = kernel;
    return run.call(on, kernel, ...rest) as ReturnType<typeof run>;
  };
  on.emit = (opcode, ...rest) => {
    const name = Opcode[opcode];
    if (name !== running && !listed(running, name)) missing.add(`${running}: ${name}`);
    emit.call(on, opcode, ...rest);
  };
  for (const row of opTable) {
    const y = row.fn(...inputsOf(row, on, 'float32'));
    if (row.differentiable) y.sum().backward();
    on.flush();
  }
  await on.close();
  assert.equal([...missing], []);
});

test.run();
