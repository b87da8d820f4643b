/** PyTorch's state dictionaries, against the outputs of PyTorch's own models (gen_files.py). */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  BatchNorm1d,
  BatchNorm2d,
  Conv1d,
  Conv2d,
  ConvTranspose1d,
  ConvTranspose2d,
  Dropout,
  Flatten,
  GroupNorm,
  LayerNorm,
  Linear,
  Module,
  ModuleList,
  noGrad,
  Parameter,
  PReLU,
  ReLU,
  Sequential,
  type Tensor,
  tensor,
  zeros,
} from '../../src/index.js';
import {
  decodeSafetensors,
  encodeSafetensors,
  encodeTorch,
  loadTorch,
  type StoredTensor,
  saveTorch,
} from '../../src/io/index.js';
import { filesExpected, filesFixture, filesPath, type TorchCase } from '../helpers/files.js';
import { throws } from '../helpers/refusals.js';

const torch = suite('torch');
const folder = mkdtempSync(join(tmpdir(), 'torch-'));
torch.after(() => rmSync(folder, { recursive: true }));

const image = () =>
  new Sequential(
    new Conv2d(2, 4, 3, { stride: 2, padding: 1 }),
    new BatchNorm2d(4),
    new PReLU(4),
    new Conv2d(4, 6, 3, { padding: 1, groups: 2, bias: false }),
    new ReLU(),
    new LayerNorm([4, 3, 6]),
    new Flatten(),
    new Linear(72, 5),
  );
const flatten = { 7: [6, 4, 3] };

/** A reshape to an image, channels last. */
class ToImage extends Module {
  forward(x: Tensor): Tensor {
    return x.reshape([-1, 2, 3, 4]);
  }
}
const decoder = () =>
  new Sequential(
    new Linear(3, 24),
    new ToImage(),
    new ConvTranspose2d(4, 4, 3, { stride: 2, padding: 1, outputPadding: 1, groups: 2 }),
    new GroupNorm(2, 4),
    new ConvTranspose2d(4, 1, 2, { stride: 2 }),
  );
const unflatten = { 0: [4, 2, 3] };

class Series extends Module {
  readonly convIn = new Conv1d(2, 4, 3, { groups: 2 });
  readonly norm1 = new BatchNorm1d(4);
  readonly upConv = new ConvTranspose1d(4, 3, 4, { stride: 2 });
  readonly perSample = new LayerNorm([14, 3]);
  readonly scaleShift = new Parameter(zeros([1]));
  readonly head = new Linear(42, 2);

  forward(x: Tensor): Tensor {
    const y = this.perSample.forward(this.upConv.forward(this.norm1.forward(this.convIn.forward(x))));
    return this.head.forward(y.reshape([-1, 42])).mul(this.scaleShift);
  }
}

/** Checks a model's outputs against PyTorch's, relative to the largest. */
async function agrees(model: Module & { forward(x: Tensor): Tensor }, name: TorchCase): Promise<void> {
  const { x, y } = filesExpected[name];
  model.eval();
  const out = noGrad(() => model.forward(tensor(Float32Array.from(x.values, Number), { shape: x.shape })));
  assert.equal(out.shape, y.shape);
  const got = await out.data();
  const most = Math.max(...y.values.map((v) => Math.abs(Number(v))));
  y.values.forEach((value, i) => {
    const error = Math.abs(got[i] - Number(value));
    assert.ok(error < 1e-5 * Math.max(1, most), `${name}[${i}]: ${got[i]} for ${value}`);
  });
}

const clean = { missing: [], unexpected: [] };

for (const name of ['image', 'image-f16', 'image-bf16', 'image-f64'] as const)
  torch(`${name}: the model gives PyTorch's outputs`, async () => {
    const model = image();
    assert.equal(await loadTorch(model, filesPath(`${name}.safetensors`), { flatten }), clean);
    await agrees(model, name);
  });

torch('transposed convolutions in groups, and a Linear before an image, give PyTorch’s outputs', async () => {
  const model = decoder();
  assert.equal(await loadTorch(model, filesFixture('decoder.safetensors'), { unflatten }), clean);
  await agrees(model, 'decoder');
});

torch('series, and names in camelCase, give PyTorch’s outputs', async () => {
  const model = new Series();
  assert.equal(await loadTorch(model, filesPath('series.safetensors'), { flatten: { head: [3, 14] } }), clean);
  await agrees(model, 'series');
});

torch('what is written equals what PyTorch wrote, but for the counters of batches', async () => {
  const cases = [
    ['image', image(), { flatten }],
    ['decoder', decoder(), { unflatten }],
    ['series', new Series(), { flatten: { head: [3, 14] } }],
  ] as const;
  for (const [name, model, options] of cases) {
    const bytes = filesFixture(`${name}.safetensors`);
    await loadTorch(model, bytes, options);
    const path = join(folder, `${name}.safetensors`);
    await saveTorch(model, path, options);
    const { tensors } = decodeSafetensors(await encodeTorch(model, options));
    const isCounter = (key: string) => key.endsWith('num_batches_tracked');
    assert.equal(tensors, decodeSafetensors(bytes, { skip: isCounter }).tensors, name);
    const other = name === 'series' ? new Series() : name === 'image' ? image() : decoder();
    assert.equal(await loadTorch(other as Module, path, options), clean);
    await agrees(other, name);
  }
});

torch('a norm over flattened features is permuted with the Linear behind it', async () => {
  const made = () =>
    new Sequential(new Conv2d(1, 2, 1), new Flatten(), new BatchNorm1d(8), new Dropout(0.5), new Linear(8, 1));
  const eight = Float32Array.from({ length: 8 }, (_, i) => i);
  const stored = (shape: number[], data: Float32Array<ArrayBuffer>): StoredTensor => ({
    dtype: 'float32',
    shape,
    data,
  });
  const file = encodeSafetensors({
    '0.weight': stored([2, 1, 1, 1], new Float32Array([1, 2])),
    '0.bias': stored([2], new Float32Array(2)),
    ...Object.fromEntries(['weight', 'bias', 'running_mean', 'running_var'].map((n) => [`2.${n}`, stored([8], eight)])),
    '4.weight': stored([1, 8], eight),
    '4.bias': stored([1], new Float32Array(1)),
  });
  const model = made();
  const sizes = [2, 2, 2];
  await loadTorch(model, file, { flatten: { 2: sizes, 4: sizes } });
  // [C,H,W] counts 0…7, so at [h,w,c] stands 4c + 2h + w.
  const there = [0, 4, 1, 5, 2, 6, 3, 7];
  const state = model.stateDict();
  for (const name of ['2.weight', '2.bias', '2.runningMean', '2.runningVar', '4.weight'])
    assert.equal([...(await state[name].data())], there, name);
});

torch('a Linear after Flatten without its sizes is refused, and nothing is loaded', async () => {
  const model = image();
  const before = await model.stateDict()['0.weight'].array();
  await throws(
    () => loadTorch(model, filesFixture('image.safetensors')),
    /loadTorch: a Linear after Flatten needs the sizes .*; got '7', Linear\(72, 5\); pass flatten: \{ '7': \[C, H, W\] \}/,
  );
  await throws(() => encodeTorch(model), /encodeTorch: a Linear after Flatten needs the sizes/);
  assert.equal(await model.stateDict()['0.weight'].array(), before);
  // One position for each channel has one order only.
  const single = new Sequential(new Conv2d(1, 2, 1), new Flatten(), new Linear(2, 1));
  assert.ok((await encodeTorch(single)).length > 0);
});

torch('mismatches stand in one table, and nothing is loaded', async () => {
  const model = new Sequential(new Conv2d(2, 5, 3), new BatchNorm2d(4), new PReLU(4), new ReLU(), new Linear(1, 2));
  const before = decodeSafetensors(await encodeTorch(model)).tensors;
  let message = '';
  const ints = { dtype: 'int32', shape: [4], data: new Int32Array(4) } as const;
  const { tensors } = decodeSafetensors(filesFixture('image.safetensors'), { skip: (n) => /^[57]|[03]\.w/.test(n) });
  const file = encodeSafetensors({ ...tensors, '2.weight': ints, '0.weight': tensors['1.weight'] });
  await loadTorch(model, file).catch((error: Error) => {
    message = error.message;
  });
  assert.is(
    message,
    `loadTorch: names and shapes must be the model's; got 5 that do not fit
  model     needs              file      has
  0.weight  [5,2,3,3] float32  0.weight  [4] float32  other shape
  0.bias    [5] float32        0.bias    [4] float32  other shape
  2.weight  [4] float32        2.weight  [4] int32    other dtype
  4.weight  [2,1] float32      -         -            missing
  4.bias    [2] float32        -         -            missing
; nothing was loaded; shapes are in PyTorch's layout`,
  );
  assert.equal(decodeSafetensors(await encodeTorch(model)).tensors, before);
  await throws(
    () => loadTorch(new Sequential(new Conv2d(2, 4, 3)), filesFixture('image.safetensors')),
    /unexpected\n {2}- +- +7\.bias +\[5\] float32 +unexpected\n; nothing was loaded; pass a map of names, or strict/,
  );
});

torch('strict: false and skip load the rest', async () => {
  const model = new Sequential(new Conv2d(2, 4, 3, { stride: 2, padding: 1 }), new BatchNorm2d(4, { affine: false }));
  const skip = (name: string): boolean => /^[2-9]/.test(name);
  const report = await loadTorch(model, filesFixture('image.safetensors'), { strict: false, skip });
  assert.equal(report, { missing: [], unexpected: ['1.weight', '1.bias'] });
  const { tensors } = decodeSafetensors(filesFixture('image.safetensors'));
  assert.equal(await model.stateDict()['1.runningVar'].data(), tensors['1.running_var'].data);
});

torch('names: maps by path, by tensor and by function, wrappers, and what is ambiguous', async () => {
  const { tensors } = decodeSafetensors(filesFixture('image.safetensors'));
  const first = (to: string) => ({ [`${to}.weight`]: tensors['0.weight'], [`${to}.bias`]: tensors['0.bias'] });
  class One extends Module {
    readonly inConv = new Conv2d(2, 4, 3);
    forward(x: Tensor): Tensor {
      return this.inConv.forward(x);
    }
  }
  const loads = async (file: Record<string, StoredTensor>, options = {}) => {
    const model = new One();
    assert.equal(await loadTorch(model, encodeSafetensors(file), options), clean);
    assert.equal(await model.inConv.bias?.data(), tensors['0.bias'].data);
  };
  await loads(first('in_conv'));
  await loads(first('inConv'));
  await loads(first('module.in_conv'));
  await loads(first('module._orig_mod.in_conv'));
  await loads(first('a.b'), { map: { inConv: 'a.b' } });
  await loads({ x: tensors['0.weight'], y: tensors['0.bias'] }, { map: { 'inConv.weight': 'x', 'inConv.bias': 'y' } });
  await loads(first('c'), { map: (name: string) => name.replace('inConv', 'c') });
  const refuses = (file: Record<string, StoredTensor>, options: object, says: RegExp) =>
    throws(() => loadTorch(new One(), encodeSafetensors(file), options), says);
  await refuses(
    { ...first('InConv'), ...first('in_Conv') },
    {},
    /must match one of the file's; got 'inConv.weight': I/,
  );
  await refuses(first('a'), { map: { inconv: 'a' } }, /map must name tensors or layers .*; got 'inconv'; did you mean/);
  await refuses(first('a'), { map: { inConv: 1 } }, /map must give PyTorch's names as text; got inConv=1/);
  await refuses(first('a'), { map: 'a' }, /map must be an object of PyTorch's names/);
  await refuses(first('a'), { map: () => 1 }, /map must return a name or undefined; got 1 for 'inConv.weight'/);
  await refuses(first('a'), { map: () => 'a.bias' }, /no two tensors may have one name; got 'a.bias' for/);
  await throws(() => encodeTorch(new One(), { map: () => 'a' }), /no two tensors may have one name; got 'a' for/);
  const names = Object.keys(decodeSafetensors(await encodeTorch(new One(), { map: { inConv: 'c' } })).tensors);
  assert.equal(names, ['c.weight', 'c.bias']);
  // Numbers of a list of modules are PyTorch's too.
  const list = new ModuleList([new Linear(1, 1)]);
  assert.equal(Object.keys(decodeSafetensors(await encodeTorch(list)).tensors), ['0.weight', '0.bias']);
});

torch('sizes of flattened images are checked, and floats are written in 16 bits when asked', async () => {
  const model = image();
  const bytes = filesFixture('image.safetensors');
  const wrong: [object, RegExp][] = [
    [{ flatten: { 7: [6, 4] } }, /as many elements as the layer has features; got flatten\['7'\]=\[6,4\], 72 features/],
    [{ flatten: { 7: 72 } }, /sizes must be \[C,H,W\] or \[C,L\]; got flatten\['7'\]=72/],
    [{ flatten: { 9: [6, 4, 3] } }, /flatten must name layers of the model by path; got '9'/],
    [{ flatten, unflatten: { 0: [2, 2] } }, /unflatten must name layers of the model by path; got '0'/],
    [{ flatten: [6, 4, 3] }, /flatten must be an object of sizes/],
  ];
  for (const [options, says] of wrong) await throws(() => loadTorch(model, bytes, options), says);
  await loadTorch(model, filesFixture('image-f16.safetensors'), { flatten });
  const half = await encodeTorch(model, { flatten, dtype: 'float16' });
  assert.ok(half.includes(Buffer.from('"F16"')[1]));
  const other = image();
  await loadTorch(other, half, { flatten });
  await agrees(other, 'image-f16');
});

torch.run();
