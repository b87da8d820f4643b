/**
 * The commands on small folders of images: the files they write, what they print, bad files and
 * folders. Everything runs in this process. Not here: wrong usage (usage.ts), signals and full
 * disks (process.ts).
 */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { rand, type Tensor } from '../../src/index.js';
import { decodePng, decodeSafetensors, importOnnx, loadWeights } from '../../src/io/index.js';
import { ConvAutoencoder } from '../../src/models/index.js';
import { closeTo } from '../helpers/close.js';
import { cedargrad, jpeg, objectsOf, picture, writeImages, writePictures } from '../helpers/command.js';

const test = suite('commands');
const folder = mkdtempSync(join(tmpdir(), 'cedargrad-commands-'));
test.after(() => rmSync(folder, { recursive: true }));
const at = (...names: string[]): string => join(folder, ...names);
const photos = writePictures(at('photos'), 10);
const read = (...names: string[]): string => readFileSync(at(...names), 'utf8');
const json = (...names: string[]) => JSON.parse(read(...names));

const small = at('small.json');
writeFileSync(small, JSON.stringify({ model: { widths: [4], code: 2 }, device: 'reference', epochs: 2, batchSize: 4 }));

/** Runs a command that must succeed. */
async function done(...args: string[]): Promise<string> {
  const { code, out, err } = await cedargrad(...args);
  assert.equal([code, err], [0, ''], `${args.join(' ')}: ${err}`);
  return out;
}
/** Runs a command that must fail with one line and exit code 1. */
async function fails(args: string[], message: RegExp): Promise<void> {
  const { code, err } = await cedargrad(...args);
  assert.is(code, 1, err);
  assert.match(err, message);
  assert.match(err, /^cedargrad \w+: .*\n$/);
}
const train = (run: string, ...args: string[]): Promise<string> =>
  done('train', '--data', photos, '--out', at(run), '--config', small, ...args);

const runFiles = ['best.safetensors', 'config.json', 'images.json', 'last.checkpoint', 'log.csv', 'report.html'];

test('train writes a run', async () => {
  const out = await train('run', '--validation', '0.2');
  assert.match(out, /^10 images of 16 × 16, 3 channels\n8 to train on, 2 held out\n/);
  assert.match(
    out,
    /^model: levels of 4 channels, a code of 2\n2 epochs in batches of 4\ndevice: reference \(plain\)\n/m,
  );
  assert.match(out, /^epoch 1\/2 {2}loss 0\.\d+ {2}valLoss 0\.\d+ {2}psnr \d.* {2}ssim .* s\n/m);
  assert.match(out, /\nbest epoch: 2, valLoss 0\.\d+\nsaved in .*run\n$/);
  assert.equal(readdirSync(at('run')).sort(), runFiles);
  const config = json('run', 'config.json');
  assert.equal(config.data, {
    folder: '../photos',
    targets: null,
    validation: 0.2,
    size: [16, 16],
    fit: 'crop',
    channels: 3,
    targetChannels: 3,
    badFiles: 'throw',
  });
  assert.equal(config.optimizer, { name: 'adam', lr: 0.003 });
  assert.equal([config.epochs, config.batchSize, config.device, config.seed], [2, 4, 'reference', 0]);
  const { training, validation, skipped } = json('run', 'images.json');
  assert.equal([training.length, validation.length, skipped], [8, 2, []]);
  assert.equal([...training, ...validation].sort(), [
    ...[0, 2, 4, 6, 8].map((i) => `image${i}.png`),
    ...[1, 3, 5, 7, 9].map((i) => `more/image${i}.png`),
  ]);
  const { tensors } = decodeSafetensors(readFileSync(at('run', 'best.safetensors')));
  assert.equal(tensors['encoder.0.conv.weight'].shape, [3, 3, 3, 4]);
  assert.match(read('run', 'log.csv'), /^epoch,step,loss,valLoss,psnr,ssim,lr,seconds\n1,2,0\.\d.*\n2,4,0\.\d.*\n$/);
  assert.match(read('run', 'report.html'), /<title>Training report: run<\/title>/);
});

test('train refuses a folder with a run, replaces it if it is told to, and repeats itself', async () => {
  const before = readFileSync(at('run', 'best.safetensors'));
  const again = ['train', '--data', photos, '--out', at('run'), '--config', small, '--validation', '0.2'];
  await fails(again, /^cedargrad train: '.*run' already has a run; --force replaces it, and cedargrad resume goes on/);
  assert.equal(readFileSync(at('run', 'best.safetensors')), before);
  await done(...again, '--force');
  assert.equal(readFileSync(at('run', 'best.safetensors')), before);
  await done(...again, '--force', '--seed', '1');
  assert.not.equal(readFileSync(at('run', 'best.safetensors')), before);
  await done(...again, '--force');
});

test('the configuration of a run trains the same again', async () => {
  await done('train', '--config', at('run', 'config.json'), '--out', at('copy'));
  assert.equal(readFileSync(at('copy', 'best.safetensors')), readFileSync(at('run', 'best.safetensors')));
  assert.equal(json('copy', 'config.json'), json('run', 'config.json'));
});

test('train --json prints one object a line', async () => {
  const [run, begin, ...others] = objectsOf(await train('json', '--json', '--patience', '1'));
  assert.equal(run, {
    event: 'run',
    run: at('json'),
    device: 'reference',
    epochs: 2,
    size: [16, 16],
    channels: 3,
    training: 9,
    validation: 1,
    skipped: 0,
  });
  assert.is(begin.event, 'begin');
  const result = others.pop() as Record<string, unknown>;
  const epochs = others.filter(({ event }) => event === 'epoch');
  assert.equal(
    epochs.map(({ epoch, step }) => [epoch, step]),
    [
      [1, 3],
      [2, 6],
    ],
  );
  assert.equal(Object.keys(epochs[0].metrics as object), ['psnr', 'ssim']);
  assert.equal([result.event, result.epochs, result.step, result.stopReason], ['result', 2, 6, null]);
  assert.is((result.best as { value: number }).value, Math.min(...epochs.map(({ valLoss }) => valLoss as number)));
});

test('predict writes what the model makes of an image, of any size', async () => {
  assert.is(
    await done('predict', at('run'), at('photos', 'image0.png'), '-o', at('out.png')),
    `${at('out.png')}: 16 × 16\n`,
  );
  const { width, height, channels } = decodePng(readFileSync(at('out.png')));
  assert.equal([width, height, channels], [16, 16, 3]);
  writeImages(folder, { 'large.png': picture(3, 40, 60, 1), 'turned.jpg': jpeg('orientation 6') });
  const out = await done('predict', at('run'), at('large.png'), at('turned.jpg'), '--out', at('outs'));
  assert.is(
    out,
    `${at('outs', 'large.png')}: 16 × 16, from 40 × 60 (resized and cropped)\n` +
      `${at('outs', 'turned.png')}: 16 × 16, from 13 × 10 (resized and cropped)\n`,
  );
  const objects = objectsOf(await done('predict', at('run'), photos, '--out', at('all'), '--json'));
  assert.equal(objects[9], {
    event: 'image',
    input: at('photos', 'more', 'image9.png'),
    output: at('all', 'more', 'image9.png'),
    size: [16, 16],
  });
  assert.equal(readFileSync(at('all', 'image0.png')), readFileSync(at('out.png')));
});

test('predict overwrites no input, and no result of its own', async () => {
  const predict = (...args: string[]) => ['predict', at('run'), ...args];
  const image = at('photos', 'image0.png');
  const before = readFileSync(image);
  await fails(predict(image, '-o', image), /'.*image0\.png' is an input, and would be overwritten; give another --out/);
  await fails(predict(photos, '-o', photos), /is an input, and would be overwritten/);
  assert.equal(readFileSync(image), before);
  writeImages(at('twins'), { 'a.png': picture(1), 'a.jpg': jpeg('baseline') });
  await fails(predict(at('twins'), '-o', at('twin-outs')), /'.*a\.jpg' and '.*a\.png' would both become '.*a\.png'/);
  assert.not(existsSync(at('twin-outs')));
  await fails(predict(at('none.png'), '-o', at('out.png')), /there is no file or folder '.*none\.png'/);
  const { code, err } = await cedargrad(...predict(image, '-o', at('out.jpg')));
  assert.equal([code, /--out must be a \.png file or a folder; got/.test(err)], [2, true]);
});

test('eval measures the held-out images, or another folder', async () => {
  const out = await done('eval', at('run'));
  assert.match(out, /^2 held-out images\nloss \(mse\) {2}0\.\d+\npsnr {8}\d.*\nssim {8}.*\n$/);
  const [measured] = objectsOf(await done('eval', at('run'), '--json'));
  const [summary] = objectsOf(await done('summary', at('run'), '--json'));
  // The best weights give the loss again that chose them.
  const { value } = summary.best as { value: number };
  assert.ok(Math.abs((measured.loss as number) - value) < 1e-6 * value);
  assert.match(await done('eval', at('run'), '--data', photos), /^10 images of the folder\n/);
});

test('summary shows layers, the best epoch and the last ones', async () => {
  const out = await done('summary', at('run'));
  assert.match(out, /^encoder\.0\.conv Conv2d +\[1,16,16,4\] +112 /m);
  assert.match(
    out,
    /^8 images to train on, 2 held out; 2 of 2 epochs\nbest epoch: 2, valLoss .*\nepoch 1\/2 .*\nepoch 2\/2 .*\n$/m,
  );
  const [object] = objectsOf(await done('summary', at('run'), '--json'));
  // Convolutions: 3·9·4 + 4, 4·2 + 2, 2·4 + 4, 4·9·3 + 3.
  assert.is(object.parameters, 112 + 10 + 12 + 111);
  assert.is((object.history as unknown[]).length, 2);
});

test('export writes a model that computes what the run predicts', async () => {
  const file = at('model.onnx');
  const out = await done('export', at('run'), file, '--batch', '2');
  assert.match(out, /model\.onnx: \d+ bytes, input \[2,3,16,16\] \(NCHW\), opset 17\n$/);
  const [object] = objectsOf(await done('export', at('run'), file, '--layout', 'NHWC', '--opset', '13', '--json'));
  assert.equal([object.event, object.input, object.opset], ['export', [1, 16, 16, 3], 13]);
  // The file has the model's own order already, and is imported as it is.
  const model = await importOnnx(file);
  const original = new ConvAutoencoder({ size: [16, 16], channels: 3, widths: [4], code: 2 });
  await loadWeights(original, at('run', 'best.safetensors'));
  const x = rand([1, 16, 16, 3]);
  closeTo((model.forward(x) as Tensor).dataSync(), original.eval().forward(x).dataSync(), 1e-6);
});

test('report writes the page again', async () => {
  const before = read('run', 'report.html');
  rmSync(at('run', 'report.html'));
  assert.is(await done('report', at('run')), `wrote ${at('run', 'report.html')}\n`);
  const plain = (page: string): string => page.replace(/<span>updated <time.*?<\/time>.*?<\/span>/g, '');
  const after = read('run', 'report.html');
  for (const part of ['id="curves"', 'status finished', '../photos', 'encoder.0.conv', 'After epoch 2'])
    assert.is(after.includes(part), before.includes(part), part);
  assert.ok(Math.abs(plain(after).length - plain(before).length) < 200);
});

test('threads that read images change no bit', async () => {
  const shared = ['--epochs', '1', '--augment', 'flip,crop', '--noise', '0.1', '--size', '12'];
  await train('alone', ...shared);
  await train('threads', ...shared, '--workers', '1');
  assert.equal(readFileSync(at('threads', 'best.safetensors')), readFileSync(at('alone', 'best.safetensors')));
});

test('resume goes on with the same bits', async () => {
  await train('four', '--epochs', '4');
  await train('two', '--epochs', '2');
  const out = await done('resume', at('two'), '--epochs', '4');
  assert.match(out, /^after epoch 2 and step 6\nepoch 3\/4 /);
  for (const file of ['best.safetensors', 'images.json', 'config.json'])
    assert.equal(readFileSync(at('two', file)), readFileSync(at('four', file)), file);
  const tensors = (run: string) => decodeSafetensors(readFileSync(at(run, 'last.checkpoint'))).tensors;
  assert.equal(tensors('two'), tensors('four'));
  const before = readFileSync(at('two', 'last.checkpoint'));
  assert.match(await done('resume', at('two')), /^the run has had its 4 epochs; --epochs N goes on to more\n$/);
  assert.equal(readFileSync(at('two', 'last.checkpoint')), before);
});

test('resume begins a run that has no checkpoint, and needs its images', async () => {
  rmSync(at('two', 'last.checkpoint'));
  rmSync(at('two', 'best.safetensors'));
  await fails(['eval', at('two')], /best\.safetensors is missing; it is written after the first epoch/);
  await fails(['report', at('two')], /last\.checkpoint is missing/);
  await fails(
    ['resume', at('two'), '--data', at('twins')],
    /9 of 9 images are missing from '.*twins': '.*', '.*', '.*', …/,
  );
  assert.match(await done('resume', at('two')), /^no checkpoint yet: from the beginning\n/);
  assert.equal(readFileSync(at('two', 'best.safetensors')), readFileSync(at('four', 'best.safetensors')));
});

test('a checkpoint or weights of another model are refused, and stay', async () => {
  await train('wide', '--epochs', '1');
  const config = json('wide', 'config.json');
  writeFileSync(
    at('wide', 'config.json'),
    JSON.stringify({ ...config, epochs: 2, model: { ...config.model, widths: [5] } }),
  );
  const before = readFileSync(at('wide', 'last.checkpoint'));
  await fails(['resume', at('wide')], /encoder\.0\.conv\.weight/);
  await fails(['predict', at('wide'), at('photos', 'image0.png'), '-o', at('wide.png')], /encoder\.0\.conv\.weight/);
  assert.not(existsSync(at('wide.png')));
  assert.equal(readFileSync(at('wide', 'last.checkpoint')), before);
  writeFileSync(at('wide', 'last.checkpoint'), before.subarray(0, 2000));
  await fails(['resume', at('wide')], /^cedargrad resume: .*safetensors/);
});

test('bad folders are refused, and no run begins', async () => {
  mkdirSync(at('empty'));
  writeImages(at('texts'), { 'a.txt': Buffer.from('a') });
  const into = ['--out', at('bad'), '--config', small];
  const from = (data: string, ...more: string[]): string[] => ['train', '--data', at(data), ...into, ...more];
  await fails(from('nowhere'), /^cedargrad train: the folder --data must exist; got '.*nowhere'/);
  await fails(from('empty'), /the folder --data must hold an image \(png, jpg, jpeg\); got '.*empty' with no file/);
  await fails(from('texts'), /got '.*texts' with 1 file of other kinds \(\.txt\)/);
  await fails(from('small.json'), /--data must be a folder; got '.*', a file/);
  assert.not(existsSync(at('bad')));
  for (const out of [at('small.json', 'run'), '/proc/nowhere/run'])
    await fails(
      ['train', '--data', photos, '--out', out, '--config', small],
      /^cedargrad train: (ENOTDIR|ENOENT): .*config\.json/,
    );
});

test('a damaged file is named, or left out', async () => {
  const mixed = at('mixed');
  writeImages(mixed, {
    'a.png': picture(1),
    'b.png': picture(2),
    'cut.jpg': jpeg('baseline').subarray(0, 400),
    'c.png': picture(3),
    'z.png': Buffer.from('GIF89a'),
  });
  const args = ['train', '--data', mixed, '--out', at('skipped'), '--config', small];
  await fails(
    args,
    /^cedargrad train: 'cut\.jpg' cannot be read: a JPEG must be whole; .* cut short; --skip-bad leaves such/,
  );
  assert.not(existsSync(at('skipped')));
  const { code, out, err } = await cedargrad(...args, '--skip-bad');
  assert.is(code, 0, err);
  assert.match(out, /^3 images of 16 × 16/);
  assert.match(
    err,
    /^cedargrad train: warning: skipped cut\.jpg: a JPEG must be whole; .*\n.*skipped z\.png: a file must/,
  );
  assert.equal(
    json('skipped', 'images.json').skipped.map(({ file }: { file: string }) => file),
    ['cut.jpg', 'z.png'],
  );
  await fails(['predict', at('skipped'), mixed, '-o', at('mixed-outs')], /'cut\.jpg': a JPEG must be whole/);
  const predicted = await cedargrad('predict', at('skipped'), mixed, '-o', at('mixed-outs'), '--skip-bad');
  assert.is(predicted.code, 0);
  assert.equal(readdirSync(at('mixed-outs')).sort(), ['a.png', 'b.png', 'c.png']);
});

test('images of several sizes are cropped, padded, stretched, or refused', async () => {
  const sizes = writeImages(at('sizes'), {
    'a.png': picture(1, 16, 20, 1),
    'b.png': picture(2, 24, 16, 1),
    'c.png': picture(3, 30, 30, 1),
  });
  const args = (...more: string[]): string[] => [
    '--data',
    sizes,
    '--config',
    small,
    '--epochs',
    '1',
    '--force',
    ...more,
  ];
  await fails(
    ['train', ...args('--out', at('none'), '--size', 'none')],
    /images must have one size; got 16 × 20 in 'a\.png', 24 × 16 in 'b\.png'; --size 64 resizes and crops them/,
  );
  assert.not(existsSync(at('none')));
  assert.match(
    await done('train', ...args('--out', at('sized'))),
    /^3 images of 3 sizes, resized and cropped to 16 × 16, grey\n/,
  );
  assert.match(await done('train', ...args('--out', at('sized'), '--size', '12x18')), /cropped to 12 × 18, grey\n/);
  for (const fit of ['pad', 'stretch']) {
    writeFileSync(at('fit.json'), JSON.stringify({ ...json('small.json'), data: { fit, size: [10, 14] } }));
    const out = await done('train', '--data', sizes, '--config', at('fit.json'), '--out', at('sized'), '--force');
    assert.match(out, fit === 'pad' ? /resized and padded to 10 × 14/ : /stretched to 10 × 14/);
    const predicted = await done('predict', at('sized'), at('sizes', 'a.png'), '-o', at('sized.png'));
    assert.match(predicted, /: 10 × 14, from 16 × 20 \((resized and padded|stretched)\)/);
  }
  // Without a fit, the model takes images of any size.
  await done('train', '--data', photos, '--out', at('own'), '--config', small, '--size', 'none', '--gray');
  const large = await done('predict', at('own'), at('large.png'), '-o', at('large-out.png'));
  assert.match(large, /: 40 × 60\n$/);
  assert.is(decodePng(readFileSync(at('large-out.png'))).channels, 1);
});

test('noise is removed, images are changed at random, and every part can be configured', async () => {
  const config = {
    ...json('small.json'),
    data: { folder: 'photos', validation: 0.3 },
    model: { widths: [4, 4], code: 2, decoder: 'upsample', norm: true, dropout: 0.1 },
    transforms: [{ name: 'flip', vertical: 0.5 }],
    noise: 0.1,
    optimizer: { name: 'sgd', lr: 0.1, momentum: 0.9 },
    schedule: { name: 'warmup', steps: 1, after: { name: 'cosine' } },
    ema: 0.9,
    clipNorm: 1,
    earlyStopping: { patience: 1, monitor: 'psnr' },
  };
  for (const loss of ['l1', 'bce', 'ssim']) {
    writeFileSync(at('full.json'), JSON.stringify({ ...config, loss }));
    await done('train', '--config', at('full.json'), '--out', at('full'), '--force');
    const written = json('full', 'config.json');
    assert.equal(written.schedule, { name: 'warmup', steps: 1, after: { name: 'cosine', total: 1 }, per: 'epoch' });
    assert.equal([written.loss, written.noise, written.ema], [loss, 0.1, 0.9]);
    assert.match(await done('eval', at('full')), new RegExp(`^3 held-out images\nloss \\(${loss}\\)`));
  }
  await done('train', '--config', at('full.json'), '--out', at('more'), '--augment', 'crop,rotate,brightness,contrast');
  assert.equal(
    json('more', 'config.json').transforms.map(({ name }: { name: string }) => name),
    ['pad', 'randomCrop', 'rotate', 'brightness', 'contrast'],
  );
});

test('targets are paired by name, and a bad one leaves out its image', async () => {
  const masks = Object.fromEntries(
    Array.from({ length: 6 }, (_, i) => [`image${i}.png`, picture(i, 16, 16, 1)] as const),
  );
  writeImages(at('pairs'), Object.fromEntries(Object.keys(masks).map((name, i) => [name, picture(i)])));
  writeImages(at('masks'), { ...masks, 'image3.png': Buffer.from('bad') });
  const args = ['--data', at('pairs'), '--targets', at('masks'), '--config', small, '--augment', 'flip'];
  await fails(['train', ...args, '--out', at('paired')], /'image3\.png' cannot be read/);
  const { code, out, err } = await cedargrad('train', ...args, '--out', at('paired'), '--skip-bad');
  assert.is(code, 0, err);
  assert.match(out, /^5 images of 16 × 16/);
  assert.match(err, /skipped image3\.png: its target: a file must begin with the PNG signature/);
  assert.equal(
    [json('paired', 'config.json').data.targets, json('paired', 'config.json').data.targetChannels],
    ['../masks', 1],
  );
  await done('predict', at('paired'), at('pairs', 'image0.png'), '-o', at('mask.png'));
  assert.is(decodePng(readFileSync(at('mask.png'))).channels, 1);
  assert.match(await done('eval', at('paired')), /held-out images/);
  await fails(['eval', at('paired'), '--data', at('pairs')], /the run has targets, so --data needs --targets/);
});

test('one image is enough, with nothing held out', async () => {
  writeImages(at('single'), { 'only.jpg': jpeg('grey') });
  const out = await done('train', '--data', at('single'), '--out', at('lone'), '--config', small);
  assert.match(out, /^1 images of 10 × 13, grey\n1 to train on, 0 held out\n/);
  assert.match(out, /best epoch: \d, loss /);
  assert.match(await done('eval', at('lone')), /^1 images it was trained on \(none were held out\)\n/);
});

test.run();
