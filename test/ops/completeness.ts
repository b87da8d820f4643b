/** Every exported op has a row in the op table and a complete doc comment; every row names an exported op. */
import { readdirSync, readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import * as cedar from '../../src/index.js';
import { opTable } from '../helpers/op-table.js';

const test = suite('op table completeness');
const directory = new URL('../../src/autograd/ops/', import.meta.url);
const files = readdirSync(directory).filter((file) => file.endsWith('.ts'));
const exported = cedar as unknown as Record<string, unknown>;

/** The op functions: what a file of src/autograd/ops exports and index.ts exports too, without classes. */
const ops = new Map<string, string>();
for (const file of files) {
  const module = (await import(new URL(file, directory).href)) as Record<string, unknown>;
  for (const [name, value] of Object.entries(module))
    if (
      typeof value === 'function' &&
      exported[name] === value &&
      !/^class\b/.test(Function.prototype.toString.call(value))
    )
      ops.set(name, file);
}

test('the list of ops is not empty and holds the known families', () => {
  assert.ok(ops.size >= 60, `${ops.size} ops`);
  for (const name of [
    'add',
    'relu',
    'sum',
    'reshape',
    'matmul',
    'conv2d',
    'conv2dTranspose',
    'maxPool2d',
    'maxUnpool2d',
    'bceWithLogits',
    'dropout',
  ])
    assert.ok(ops.has(name), name);
});

test('every exported op has a row', () => {
  const missing = [...ops.keys()].filter((name) => !opTable.some((row) => row.op === name));
  assert.equal(missing, [], 'add a row to test/helpers/op-table.ts');
});

test('every row names an exported op, and has a name of its own', () => {
  assert.equal(
    opTable.map((row) => row.op).filter((name) => !ops.has(name)),
    [],
  );
  const names = opTable.map((row) => row.name);
  assert.equal(
    names.filter((name, i) => names.indexOf(name) !== i),
    [],
  );
});

for (const [name, file] of ops)
  test(`${name} documents @shape, @gradient, @throws and @source`, () => {
    const source = readFileSync(new URL(file, directory), 'utf8');
    const at = source.search(new RegExp(`^export (?:function|const) ${name}\\b`, 'm'));
    assert.ok(at >= 0, `no export of ${name} in ${file}`);
    const before = source.slice(0, at).trimEnd();
    assert.ok(before.endsWith('*/'), `${name} in ${file} has no doc comment right above it`);
    const comment = before.slice(before.lastIndexOf('/**'));
    for (const tag of ['@shape', '@gradient', '@throws', '@source'])
      assert.ok(comment.includes(tag), `${name} in ${file} lacks ${tag}`);
  });

test.run();
