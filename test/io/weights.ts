import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { BatchNorm2d, Conv2d, Linear, Sequential, tensor } from '../../src/index.js';
import {
  decodeSafetensors,
  encodeSafetensors,
  encodeWeights,
  loadSafetensors,
  loadWeights,
  saveWeights,
} from '../../src/io/index.js';
import { sameBits } from '../helpers/close.js';
import { throws } from '../helpers/refusals.js';

const weights = suite('weights');
const folder = mkdtempSync(join(tmpdir(), 'weights-'));
weights.after(() => rmSync(folder, { recursive: true }));

const made = () => new Sequential(new Conv2d(2, 3, 3), new BatchNorm2d(3));
const numbers = (model: Sequential) => Object.values(model.stateDict()).map((t) => t.dataSync().slice());
function sameNumbers(model: Sequential, expected: ReturnType<typeof numbers>): void {
  for (const [i, values] of numbers(model).entries()) sameBits(values, expected[i], `tensor ${i}`);
}

weights('a path, a file address, an http address and bytes all give the model back', async () => {
  const model = made();
  const path = join(folder, 'model.safetensors');
  await saveWeights(model, path);
  const bytes = readFileSync(path);
  assert.equal(Object.keys(decodeSafetensors(bytes).tensors).toSorted(), Object.keys(model.stateDict()).toSorted());
  const server = createServer((request, response) => {
    response.statusCode = request.url === '/model' ? 200 : 404;
    response.end(bytes);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  try {
    const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    for (const source of [path, pathToFileURL(path), `${address}/model`, new URL(`${address}/model`), bytes]) {
      const other = made();
      assert.equal(await loadWeights(other, source), { missing: [], unexpected: [] });
      sameNumbers(other, numbers(model));
    }
    await throws(
      () => loadWeights(made(), `${address}/none`),
      /loadWeights: the address must answer with a file; got .*404/,
    );
  } finally {
    server.close();
  }
});

weights('a float64 model on the reference device keeps its bits', async () => {
  const model = made().to('float64');
  const other = made().to('float64');
  await loadWeights(other, await encodeWeights(model));
  sameNumbers(other, numbers(model));
});

weights('a file of another model changes nothing, unless strict is false', async () => {
  const model = made();
  const before = numbers(model);
  const other = await encodeWeights(new Sequential(new Conv2d(2, 3, 3), new Linear(3, 1)));
  await throws(() => loadWeights(model, other), /names, shapes and dtypes must be the module's/);
  sameNumbers(model, before);
  const report = await loadWeights(model, await encodeWeights(new Sequential(new Conv2d(2, 3, 3))), { strict: false });
  assert.equal(report.unexpected, []);
  assert.ok(report.missing.includes('1.weight'));
});

weights('mistakes are named', async () => {
  const path = join(folder, 'damaged');
  writeFileSync(path, 'no safetensors');
  await throws(() => loadWeights(made(), path), /header/);
  await throws(
    () => loadWeights(made(), join(folder, 'none')),
    /loadWeights: there must be a file to read; got ENOENT/,
  );
  await throws(() => loadWeights(made(), folder), /loadWeights: there must be a file to read; got EISDIR/);
  await throws(() => loadWeights(made(), 7 as never), /Uint8Array/);
  await throws(() => loadWeights({} as never, path), /loadWeights: model must be a Module; got an object/);
  await throws(() => encodeWeights(made().stateDict() as never), /encodeWeights: model must be a Module/);
  await throws(() => saveWeights(null as never, path), /saveWeights: model must be a Module; got null/);
  await throws(() => loadWeights(made(), path, { stric: false } as never), /did you mean strict/);
});

weights('a model in several files is read by its index', async () => {
  const model = made();
  const { tensors } = decodeSafetensors(await encodeWeights(model));
  const at = (name: string) => join(folder, name);
  const some = (keep: (name: string) => boolean) =>
    encodeSafetensors(Object.fromEntries(Object.entries(tensors).filter(([name]) => keep(name))));
  writeFileSync(
    at('a.safetensors'),
    some((name) => name.startsWith('0')),
  );
  writeFileSync(
    at('b.safetensors'),
    some((name) => name.startsWith('1')),
  );
  const map = Object.fromEntries(
    Object.keys(tensors).map((name) => [name, name.startsWith('0') ? 'a.safetensors' : 'b.safetensors']),
  );
  const index = at('model.safetensors.index.json');
  const write = (weights: unknown) => writeFileSync(index, JSON.stringify({ metadata: {}, weight_map: weights }));
  write(map);
  for (const source of [index, pathToFileURL(index)]) {
    const other = made();
    assert.equal(await loadWeights(other, source), { missing: [], unexpected: [] });
    sameNumbers(other, numbers(model));
  }
  assert.equal((await loadSafetensors(index)).tensors, tensors);
  const server = createServer((request, response) => response.end(readFileSync(at(String(request.url).slice(1)))));
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  try {
    const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/model.safetensors.index.json`;
    assert.equal((await loadSafetensors(address)).tensors, tensors);
  } finally {
    server.close();
  }
  // A file of which everything is skipped is not opened.
  rmSync(at('b.safetensors'));
  const part = await loadSafetensors(index, { skip: (name) => name.startsWith('1') });
  assert.equal(Object.keys(part.tensors), ['0.weight', '0.bias']);
  await throws(() => loadSafetensors(index), /loadSafetensors: there must be a file to read; got ENOENT/);
  await throws(() => loadSafetensors(index, { skip: ['2'] }), /the names of skip must be in the file; got '2'/);
  for (const name of ['../a.safetensors', '/etc/passwd', '..', '.', 'x/a.safetensors', 'C:a', '..\\a', '', 'a\0b']) {
    write({ ...map, '0.weight': name });
    await throws(() => loadSafetensors(index), /loadSafetensors: a file may only name files of its own folder; got "/);
  }
  write({ '0.weight': 'a.safetensors' });
  await throws(
    () => loadSafetensors(index),
    /in the file that the index names; got "0.bias" in "a.safetensors", by the/,
  );
  write({ '0.weight': 'a.safetensors', '0.bias': 'a.safetensors', more: 'a.safetensors' });
  await throws(
    () => loadSafetensors(index),
    /in the file that the index names; got "more", which "a.safetensors" lacks/,
  );
  write([]);
  await throws(
    () => loadSafetensors(index),
    /the weight_map of an index must be an object of files by tensor; got \[\]/,
  );
  write({ a: 1 });
  await throws(() => loadSafetensors(index), /the weight_map of an index must name files; got "a": 1/);
  writeFileSync(index, '{"weight_map":{},"weight_map":{}}');
  await throws(() => loadSafetensors(index), /a name must not stand twice in one object/);
});

weights('floats are written in 16 bits when asked, and skip leaves tensors of the file out', async () => {
  const model = made();
  const path = join(folder, 'half');
  await saveWeights(model, path, { dtype: 'bfloat16' });
  const other = made();
  assert.equal(await loadWeights(other, path, { strict: false, skip: ['1.bias'] }), {
    missing: ['1.bias'],
    unexpected: [],
  });
  const [near, far] = [numbers(other)[0], numbers(model)[0]];
  for (const [i, value] of far.entries()) assert.ok(Math.abs(near[i] - value) <= Math.abs(value) / 256, `${i}`);
  assert.not.equal(near, far);
  await throws(() => saveWeights(model, path, { dtype: 'float32' } as never), /saveWeights: dtype must be float16 or/);
});

weights('a value that cannot be represented is found before anything changes', async () => {
  class Counted extends Linear {
    readonly count = tensor([0], { dtype: 'int32' }).keep();
  }
  const model = new Counted(1, 1);
  const before = await model.weight.data();
  const { tensors } = decodeSafetensors(await encodeWeights(model));
  const bytes = encodeSafetensors({
    ...tensors,
    weight: { dtype: 'float32', shape: [1, 1], data: new Float32Array(1) },
  });
  // The count becomes an I64 that is too large, behind the other tensors.
  const length = Number(new DataView(bytes.buffer).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length)));
  const [from] = header.count.data_offsets;
  assert.is(from, 8);
  header.count = { dtype: 'I64', shape: [1], data_offsets: [8, 16] };
  const text = Buffer.from(JSON.stringify(header));
  const start = Buffer.alloc(8);
  start.writeBigUInt64LE(BigInt(text.length));
  const body = Buffer.alloc(16, 0x7f);
  for (const source of [join(folder, 'wide'), Buffer.concat([start, text, body])]) {
    if (typeof source === 'string') writeFileSync(source, Buffer.concat([start, text, body]));
    await throws(
      () => loadWeights(model, source),
      /loadWeights: int64 is read as int32, .*; got "count"\[0\]=9187201950435737471; skip/,
    );
    assert.equal(await model.weight.data(), before);
  }
});

weights.run();
