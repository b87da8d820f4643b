/** Wrong command lines and configurations: each is one line on standard error, and exit code 2. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { version } from '../../src/version.js';
import { cedargrad, writePictures } from '../helpers/command.js';

const test = suite('usage of the command line');
const folder = mkdtempSync(join(tmpdir(), 'cedargrad-usage-'));
test.after(() => rmSync(folder, { recursive: true }));
const at = (name: string): string => join(folder, name);
const photos = writePictures(at('photos'), 3);

/** Runs a command line that must be refused with one line. */
async function refused(args: readonly string[], message: RegExp, code = 2): Promise<void> {
  const { out, err, ...outcome } = await cedargrad(...args);
  assert.equal([outcome.code, out], [code, ''], `${args.join(' ')}: ${err}`);
  assert.match(err, /^cedargrad.*\n$/, 'one line');
  assert.match(err, message);
}

test('version and help', async () => {
  assert.equal(await cedargrad('--version'), { code: 0, out: `${version}\n`, err: '' });
  const all = await cedargrad('--help');
  assert.is(all.code, 0);
  for (const name of ['train', 'resume', 'predict', 'eval', 'summary', 'report', 'export']) {
    assert.match(all.out, new RegExp(`^  ${name} +[A-Z]`, 'm'));
    const { code, out, err } = await cedargrad(name, '--help');
    assert.equal([code, err], [0, '']);
    assert.match(out, new RegExp(`^usage: cedargrad ${name} .*\n[A-Z].*\\.\n\n`));
    assert.match(out, /^ {2}-h, --help.* {2,}print this text$/m);
    for (const line of out.split('\n')) assert.ok(line.length <= 100, line);
  }
  const none = await cedargrad();
  assert.equal([none.code, none.out], [2, '']);
  assert.match(none.err, /^usage: cedargrad COMMAND/);
});

test('unknown commands and flags are refused with a suggestion', async () => {
  await refused(['trian'], /^cedargrad: 'trian' is no command; did you mean train\?$/m);
  await refused(['paint'], /'paint' is no command; known: train, resume, predict, eval, summary, report, export/);
  await refused(['train', '--epoch', '3'], /^cedargrad train: --epoch is not known; did you mean --epochs\?$/m);
  await refused(['train', '--learning-rate=1'], /--learning-rate is not known; did you mean --lr\?/);
  await refused(['train', '--nonsense'], /--nonsense is not known; see cedargrad train --help/);
  await refused(['train', '-x'], /-x is not known; see cedargrad train --help/);
  await refused(['eval', 'run', '--epochs', '3'], /--epochs is not known; see cedargrad eval --help/);
});

test('flags with a wrong value, or without one, are refused by name', async () => {
  const rows: [string[], RegExp][] = [
    [['--epochs', 'ten'], /--epochs must be whole and in \[1, 1000000000\]; got 'ten'/],
    [['--epochs', '-1'], /--epochs must be whole .*; got -1/],
    [['--epochs=1.5'], /--epochs must be whole .*; got 1.5/],
    [['--epochs'], /--epochs needs a value: --epochs N/],
    [['--epochs', ''], /--epochs must be whole .*; got ''/],
    [['--epochs', '2', '--epochs', '3'], /--epochs must be given once/],
    [['--json=yes'], /--json takes no value; got 'yes'/],
    [['--lr', '0'], /--lr must be a positive number; got 0/],
    [['--lr', 'Infinity'], /--lr must be a positive number; got Infinity/],
    [['--batch', '0'], /--batch must be whole and in \[1, 65536\]; got 0/],
    [['--seed', '4294967296'], /--seed must be whole and in \[0, 4294967295\]; got 4294967296/],
    [['--validation', '1'], /--validation must be in \[0, 1\); got 1/],
    [['--patience', '0'], /--patience must be whole/],
    [['--workers', 'two'], /--workers must be whole and in \[0, 64\]; got 'two'/],
    [['--noise', '-1'], /--noise must be in \[0, 10\]; got -1/],
    [['--size', '32x'], /--size must be a number, HxW or none; got '32x'/],
    [['--size', '0'], /--size must be whole and in \[1, 65536\]; got 0/],
    [['--size', '16x0'], /--size\[1\] must be whole/],
    [['--device', 'wsam'], /--device must be one of auto, wasm, .*; got 'wsam'; did you mean wasm\?/],
    [['--augment', 'flip,corp'], /--augment must be one of flip, crop, .*; got 'corp'; did you mean crop\?/],
    [['photos'], /'photos' is one argument too many; usage: cedargrad train --data FOLDER --out RUN \[options\]/],
    [['--config', at('none.json')], /--config must name a file; there is none at '.*none\.json'/],
  ];
  for (const [args, message] of rows) await refused(['train', '--data', photos, '--out', at('run'), ...args], message);
  await refused(['train', '--data', photos], /--out must name a folder for the run/);
  await refused(['train', '--out', at('run')], /--data must name a folder of images/);
  await refused(['predict', 'run'], /an argument is missing; usage: cedargrad predict RUN IMAGE/);
  await refused(['predict', 'run', 'a.png'], /--out must name a \.png file or a folder/);
  await refused(['summary', 'a', 'b'], /'b' is one argument too many/);
  assert.not(existsSync(at('run')));
});

test('keys of a configuration are refused by their path', async () => {
  const rows: [unknown, RegExp][] = [
    [{ optimizer: { learningRate: 1 } }, /train: config\.optimizer\.learningRate is not known; did you mean lr\?$/m],
    [{ optimizer: { name: 'sgd', betas: [0, 0] } }, /config\.optimizer\.betas is not known; options are lr, momentum/],
    [{ optimizer: { name: 'adm' } }, /config\.optimizer\.name must be one of adam, .*; got 'adm'; did you mean adam\?/],
    [{ optimizer: { lr: '1' } }, /config\.optimizer\.lr must be a positive number; got '1'/],
    [{ optimizer: { betas: 3 } }, /config\.optimizer: .*betas.*; got betas=3/],
    [{ epoch: 3 }, /config\.epoch is not known; did you mean epochs\?/],
    [{ batch_size: 3 }, /config\.batch_size is not known; did you mean batchSize\?/],
    [{ nonsense: 3 }, /config\.nonsense is not known; known: cedargrad, data, /],
    [{ epochs: '3' }, /config\.epochs must be whole .*; got '3'/],
    [{ epochs: null }, /config\.epochs must be whole .*; got null/],
    [{ data: 'photos' }, /config\.data must be an object; got 'photos'/],
    [{ data: { folders: 'x' } }, /config\.data\.folders is not known; did you mean folder\?/],
    [{ data: { size: [1] } }, /config\.data\.size must be a number, \[height, width\] or "none"; got \[1\]/],
    [{ data: { channels: 2 } }, /config\.data\.channels must be one of 1, 3, 4; got 2/],
    [{ data: { badFiles: 'ignore' } }, /config\.data\.badFiles must be one of throw, skip; got 'ignore'/],
    [{ model: { widths: [8, 0] } }, /config\.model\.widths\[1\] must be whole and in \[1, 65536\]; got 0/],
    [{ model: { norm: 'yes' } }, /config\.model\.norm must be true or false; got 'yes'/],
    [{ loss: 'mae' }, /config\.loss must be one of mse, l1, bce, ssim; got 'mae'; did you mean mse\?/],
    [{ schedule: { every: 3 } }, /config\.schedule\.name is missing/],
    [{ schedule: { name: 'step', gamma: 0.5 } }, /config\.schedule: every must be whole/],
    [
      { schedule: { name: 'step', every: 1, per: 'day' } },
      /config\.schedule\.per must be one of epoch, step; got 'day'/,
    ],
    [{ schedule: { name: 'cosine', totl: 1 } }, /config\.schedule\.totl is not known; did you mean total\?/],
    [{ schedule: { name: 'warmup', steps: 1, after: 3 } }, /config\.schedule\.after must be a schedule/],
    [{ transforms: [{ name: 'flop' }] }, /config\.transforms\[0\]: name must be one of crop, .*; got .*'flop'/],
    [{ transforms: [{ name: 'flip', side: 1 }] }, /config\.transforms\[0\]\.side is not known; options are/],
    [{ transforms: [{ name: 'normalize', mean: 0, std: 1 }] }, /config\.transforms\[0\]\.name: normalize would take/],
    [{ ema: 1 }, /config\.ema must be in \[0, 1\); got 1/],
    [{ earlyStopping: { wait: 3 } }, /config\.earlyStopping\.wait is not known; known: patience, minDelta, monitor/],
    [[], /config must be an object; got \[\]/],
  ];
  for (const [config, message] of rows) {
    writeFileSync(at('config.json'), JSON.stringify(config));
    await refused(['train', '--data', photos, '--out', at('run'), '--config', at('config.json')], message);
  }
  writeFileSync(at('config.json'), '{ "epochs": 3, }');
  await refused(['train', '--config', at('config.json')], /config\.json must be JSON: /);
  assert.not(existsSync(at('run')));
});

test('a configuration that does not suit the images is refused', async () => {
  const train = ['train', '--data', photos, '--out', at('run'), '--config', at('config.json')];
  writeFileSync(at('config.json'), '{ "model": { "widths": [2, 2, 2, 2, 2] } }');
  await refused(train, /config\.model: size must be at least 32, because .*; got size=\[16,16\]; list fewer widths/);
  writeFileSync(at('config.json'), '{ "transforms": [{ "name": "flip" }, { "name": "noise", "std": 0.1 }] }');
  await refused(train, /config\.transforms\[1\]: noise would change the target too; use config\.noise/);
  writeFileSync(at('config.json'), '{ "loss": "ssim" }');
  await refused([...train, '--size', '8'], /config\.loss: ssim needs images of at least 11 × 11; got 8 × 8/);
  assert.not(existsSync(at('run')));
});

test('export refuses another kind of file, and options out of range', async () => {
  await refused(['export', photos, 'model.pt'], /the file must end in \.onnx; got 'model\.pt'/);
  await refused(['export', photos, 'model.onnx', '--opset', '9'], /--opset must be whole and in \[11, 25\]/);
  await refused(['export', photos, 'model.onnx', '--layout', 'CHW'], /--layout must be one of NCHW, NHWC/);
});

test('a folder that is no run is refused', async () => {
  for (const args of [
    ['eval'],
    ['summary'],
    ['report'],
    ['resume'],
    ['predict', '-o', 'a.png', photos],
    ['export', 'model.onnx'],
  ])
    await refused(
      [args[0], photos, ...args.slice(1)],
      /there is no run in '.*photos', because it has no config\.json/,
      1,
    );
});

test.run();
