import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { BatchNorm2d, Conv2d, Linear, Sequential } from '../../src/index.js';
import { decodeSafetensors, encodeWeights, loadWeights, saveWeights } from '../../src/io/index.js';
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

weights.run();
