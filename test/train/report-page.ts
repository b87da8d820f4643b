/**
 * The page of a report: what it shows, that no text of the data becomes markup, its size, and what
 * it refuses. Not here: the callback (report.ts), the page in a browser (test/browser).
 */
import { createHash } from 'node:crypto';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ValueError } from '../../src/index.js';
import { type ReportData, type ReportPictures, renderReport } from '../../src/train/index.js';
import { pageScript, pageScriptHash } from '../../src/train/report/page-script.js';
import { pageStyle, pageStyleHash } from '../../src/train/report/page-style.js';
import { version } from '../../src/version.js';
import { type Row, refuses, written } from '../helpers/refusals.js';

const test = suite('report page');

const pictures = (kind: ReportPictures['kind'], count: number, item: string): ReportPictures => ({
  kind,
  width: 4,
  height: 3,
  items: new Array(count).fill(item),
});
const base: ReportData = {
  status: 'running',
  epochs: 5,
  step: 24,
  started: '2026-11-30T10:43:00.000Z',
  updated: '2026-11-30T11:02:30.000Z',
  history: [
    { epoch: 1, step: 10, loss: 0.5, valLoss: 0.625, metrics: { psnr: 12.5 }, lr: 0.01, seconds: 61 },
    { epoch: 2, step: 20, loss: 0.25, valLoss: 0.375, metrics: { psnr: 17.25 }, lr: 0.005, seconds: 59 },
  ],
};
const full: ReportData = {
  ...base,
  title: 'Shoes',
  status: 'stopped',
  stopReason: 'valLoss has not improved for 3 epochs',
  resumed: [10],
  losses: [
    { step: 1, mean: 1, least: 1, greatest: 1, lr: 0.01 },
    { step: 2, mean: 0.75, least: 0.75, greatest: 0.75, lr: 0.01 },
  ],
  best: { epoch: 2, monitor: 'valLoss', value: 0.375 },
  samples: {
    inputs: pictures('image', 3, 'AAAA'),
    targets: pictures('image', 3, 'BBBB'),
    outputs: [
      { epoch: 1, pictures: pictures('image', 3, 'CCCC') },
      { epoch: 2, pictures: pictures('image', 3, 'DDDD') },
    ],
  },
  filters: { layer: 'encoder.0', shape: [3, 3, 1, 4], pictures: pictures('image', 4, 'EEEE') },
  layers: [
    { name: 'encoder.0', type: 'Conv2d', called: true, output: [1, 28, 28, 4], parameters: 40, multiplyAdds: 28224 },
    { name: 'spare', type: 'Linear', called: false, parameters: 1234567, multiplyAdds: 0 },
  ],
  config: { optimizer: { name: 'Adam', lr: 0.01, betas: [0.9, 0.999] }, seed: 7 },
  environment: { device: 'wasm (simd, 2 threads)' },
  warnings: ['the loss has risen'],
};

const countOf = (text: string, part: string): number => text.split(part).length - 1;
/** The text of a page, without markup and scripts. */
const plain = (page: string): string =>
  page
    .replace(/<(script|style)[^>]*>.*?<\/\1>/gs, ' ')
    .replace(/<[^>]*>/g, ' ')
    .replace(/\s+/g, ' ');

test('the page shows what the data says', () => {
  const page = renderReport(full);
  const text = plain(page);
  for (const part of [
    'Shoes',
    'stopped early',
    'valLoss has not improved for 3 epochs',
    'started 2026-11-30 10:43 UTC',
    'updated 2026-11-30 11:02 UTC',
    'resumed after step 10',
    'Epochs 2 of 5 24 steps',
    'Training loss 0.25 epoch 2',
    'Validation loss 0.375 epoch 2',
    'Best 0.375 validation loss, epoch 2',
    'psnr 17.25',
    'Time 2 min 00 s 1 min 00 s an epoch',
    'the loss has risen',
    'Epoch 2 best, latest',
    'All 4 filters of 3 × 3 of the layer encoder.0, over one input channel',
    'encoder.0 Conv2d [1,28,28,4] 40 28 224',
    'spare Linear (not called) – 1 234 567 0',
    'total 1 234 607 28 224',
    'optimizer.betas 0.9, 0.999',
    'seed 7',
    'device wasm (simd, 2 threads)',
    `cedargrad ${version}`,
  ])
    assert.ok(text.includes(part), `'${part}' in ${text}`);
  for (const [item, count] of Object.entries({ AAAA: 3, BBBB: 3, CCCC: 3, DDDD: 3, EEEE: 4 }))
    assert.is(countOf(page, `src="data:image/png;base64,${item}"`), count, item);
  assert.match(page, 'alt="Output after epoch 2 for sample 3"');
});

test('the numbers of the curves are a table and the words of the pictures', () => {
  const page = renderReport(full);
  const text = plain(page);
  assert.match(text, /epoch step loss validation psnr learning rate time 1 10 0\.5 0\.625 12\.5 0\.01 1 min 01 s/);
  assert.match(text, /Steps step loss learning rate 1 1 0\.01 2 0\.75 0\.01/);
  assert.match(page, 'validation: 0.625 at step 10, 0.375 at step 20, least 0.375 at step 20, greatest 0.625');
  // Loss and learning rate have two scales each, psnr has one.
  assert.is(countOf(page, 'role="img" aria-label="Loss.'), 2);
  assert.is(countOf(page, 'role="img" aria-label="psnr.'), 1);
});

test('a curve goes through its points', () => {
  // psnr is 12.5 at step 10 of 24 and 17.25 at step 20. The axis reaches 5 % further each way, so
  // the points lie 1/22 and 21/22 above the lower end.
  const all = [
    ...renderReport(full)
      .split('id="chart-metric-0"')[1]
      .matchAll(/<path class="line validation" d="([^"]*)"/g),
  ];
  // The first path is the legend's.
  assert.equal(
    all.map(([, path]) => path),
    ['M1 5H23', 'M417 955h0L833 45'],
  );
});

test('the losses of several steps have a band from the least to the greatest', () => {
  const losses = [1, 2].map((i) => ({ step: 12 * i, mean: 2, least: 1, greatest: 3 }));
  const page = renderReport({ ...base, losses, history: [] });
  // 12 of 24 steps are half the width. The axis reaches 5 % further than 1 and 3.
  assert.match(page, '<path class="band" d="M500 45L1000 45L1000 955L500 955Z"/>');
  assert.match(plain(page), 'step mean loss least greatest learning rate 12 2 1 3 – 24 2 1 3 –');
  assert.match(plain(page), 'A point of “each step” is the mean of 12 steps');
  assert.not.match(renderReport(full), 'class="band"');
});

test('numbers that are not finite leave gaps and are named', () => {
  const losses = [1, undefined, 3].map((v, i) => ({ step: i + 1, mean: v, least: v, greatest: v }));
  const history = [{ ...base.history[0], loss: Number.NaN, valLoss: Infinity }];
  const page = renderReport({ ...base, losses, history });
  assert.match(page, /<path class="line steps" d="M\d+ \d+h0M\d+ \d+h0"/);
  assert.match(plain(page), 'Training loss NaN epoch 1 Validation loss ∞ epoch 1');
  assert.match(plain(page), '2 – –');
});

test('before the first step there are no curves', () => {
  const page = renderReport({ ...base, step: 0, history: [] });
  assert.match(plain(page), 'Epochs 0 of 5 0 steps');
  assert.match(plain(page), 'There is no step yet.');
  assert.not.match(page, '<figure');
});

test('lines are drawn over those that they should be', () => {
  const samples = {
    inputs: pictures('line', 1, 'M0 1L2 3'),
    outputs: [{ epoch: 1, pictures: pictures('line', 1, 'M0 2L2 2') }],
  };
  const page = renderReport({ ...base, samples });
  assert.match(page, '<path class="wanted" d="M0 1L2 3"/><path class="made" d="M0 2L2 2"/>');
});

test('no text of the data becomes markup', () => {
  const evil = `</script><img src=x onerror="alert(1)">'"&<!--`;
  const data: ReportData = {
    ...full,
    title: evil,
    stopReason: evil,
    history: [{ ...base.history[0], metrics: { [evil]: 1 } }],
    best: { epoch: 1, monitor: evil, value: 1 },
    filters: { ...(full.filters as NonNullable<ReportData['filters']>), layer: evil },
    layers: [{ name: evil, type: evil, called: true, output: [1], parameters: 1, multiplyAdds: 0 }],
    config: { [evil]: evil, list: [evil, { [evil]: evil }] },
    environment: { [evil]: evil },
    warnings: [evil],
  };
  const page = renderReport(data);
  assert.not.match(page, 'src=x onerror="');
  assert.not.match(page, evil);
  assert.is(countOf(page, '</script'), 2);
  assert.is(countOf(page, '<!--'), 0);
  assert.ok(countOf(page, '&lt;/script&gt;&lt;img src=x onerror=&quot;alert(1)&quot;&gt;&#39;&quot;&amp;&lt;!--') > 10);
  assert.not.match(renderReport({ ...base, title: 'a\u0000b\ud800c' }), /[\0\ud800]/);
});

test('the page allows its own style and script only', () => {
  const hash = (text: string): string => `sha256-${createHash('sha256').update(text).digest('base64')}`;
  assert.is(pageScriptHash, hash(pageScript), 'write the right hash into page-script.ts');
  assert.is(pageStyleHash, hash(pageStyle), 'write the right hash into page-style.ts');
  const page = renderReport(full);
  assert.match(page, `content="default-src 'none'; img-src data:; style-src '${hash(pageStyle)}'; script-src '`);
  // Attributes with style or code would need another policy.
  assert.not.match(page.replace(/<(script|style)[^>]*>.*?<\/\1>/gs, ''), /\s(style|on\w+)=/);
  assert.equal(
    [...page.matchAll(/(?:src|href)="([^"]{0,22})/g)].map(([, link]) => link).filter((l) => !l.startsWith('data:')),
    [],
  );
});

test('the page stays below 2 MB', () => {
  const text = 'x'.repeat(100_000);
  const metrics = Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`metric ${i}`, Math.sqrt(i + 2)]));
  const history = Array.from({ length: 20_000 }, (_, i) => ({
    ...{ epoch: i + 1, step: 100 * (i + 1), loss: Math.PI / (i + 1), valLoss: Math.E / (i + 1), metrics },
    ...{ lr: 1 / (i + 7), seconds: 1 / 3 },
  }));
  const losses = Array.from({ length: 1024 }, (_, i) => ({
    ...{
      step: 2000 * (i + 1),
      mean: Math.PI / (i + 1),
      least: Math.E / (i + 1),
      greatest: 7 / (i + 3),
      lr: 1 / (i + 7),
    },
  }));
  // As much as the callback draws: 1.05 million bytes in base64.
  const samples = { outputs: [{ epoch: 1, pictures: pictures('image', 80, 'A'.repeat(17_500)) }] };
  const many = Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`name ${i}`, 'a long value of a setting']));
  const layer = { name: 'encoder.blocks.0.conv', type: 'Conv2d', called: true, output: [1, 64, 64, 64] };
  const page = renderReport({
    ...base,
    ...{ epochs: 20_000, history, losses, samples, config: { text, many } },
    layers: Array.from({ length: 400 }, () => ({ ...layer, parameters: 123456, multiplyAdds: 123456789 })),
    warnings: Array.from({ length: 200 }, () => text),
  });
  const bytes = Buffer.byteLength(page);
  assert.ok(bytes > 1_400_000 && bytes < 2_000_000, `${bytes} bytes`);
  assert.match(plain(page), 'There are 30 metrics, of which the first 12 are drawn.');
  assert.match(plain(page), 'These are the last 50 of 200.');
});

// biome-ignore lint/suspicious/noExplicitAny: what types forbid is what is tested
const render = renderReport as any;
const rows: readonly Row[] = [
  ['renderReport', () => render(), ValueError, /options must be an object; got undefined/],
  ['renderReport', () => render({ ...base, losess: [] }), ValueError, /got losess=\[\]; did you mean losses\?/],
  [
    'renderReport',
    () => render({ ...base, status: 'done' }),
    ValueError,
    /status must be 'running' or .*; got status='done'/,
  ],
  [
    'renderReport',
    () => render({ ...base, started: 'today' }),
    ValueError,
    /started must be a date .*; got started='today'/,
  ],
  [
    'renderReport',
    () => render({ ...base, step: 1.5 }),
    ValueError,
    /step must be whole and not negative; got step=1.5/,
  ],
  [
    'renderReport',
    () => render({ ...base, history: [{ ...base.history[0], loss: '1' }] }),
    ValueError,
    /history\[0\]\.loss must be a number; got history\[0\]\.loss='1'/,
  ],
  [
    'renderReport',
    () => render({ ...base, history: [{ ...base.history[0], metrics: { psnr: [1] } }] }),
    ValueError,
    /history\[0\]\.metrics\.psnr must be a number; got history\[0\]\.metrics\.psnr=\[1\]/,
  ],
  [
    'renderReport',
    () => render({ ...base, environment: { device: 5 } }),
    ValueError,
    /environment\.device must be text; got environment\.device=5/,
  ],
  [
    'renderReport',
    () => render({ ...base, samples: { outputs: [{ epoch: 1, pictures: pictures('image', 1, '"><b>') }] } }),
    ValueError,
    /samples\.outputs\[0\]\.pictures\.items\[0\] must be a PNG in base64; got .*'"><b>'/,
  ],
  [
    'renderReport',
    () => render({ ...base, samples: { outputs: [], inputs: pictures('line', 1, 'M0 0"/>') } }),
    ValueError,
    /samples\.inputs\.items\[0\] must be the data of a path/,
  ],
];
for (const row of rows) test(`refused: ${written(row[1])}`.slice(0, 100), () => refuses(row, undefined));

test.run();
