/**
 * The ports of posted snippets print exactly the files in test/examples/ports. The posted numbers
 * are written out here once more, from the posts, because the files alone would only record what
 * the ports happen to print. To renew a file, run npm run -s ports -- NAME >
 * test/examples/ports/NAME.txt
 */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { names, run } from '../../examples/ports/index.js';
import { source } from '../../examples/ports/print.js';
import type { Golden } from '../helpers/golden.js';

const test = suite('examples/ports');
const text = (file: string): string => readFileSync(new URL(file, import.meta.url), 'utf8');

/** Lines, or several at once, as posted: in the order in which the port prints them. */
const posted: Partial<Record<(typeof names)[number], readonly string[]>> = {
  'zero-filled': [
    '0 0 0 0 0 / 0 1 0 2 0 / 0 0 0 0 0 / 0 3 0 4 0 / 0 0 0 0 0',
    'shape (1, 6, 12, 6) sum 216',
    'shape (1, 6, 8, 3)\nres[0, ::2, ::2] == mat: true\nall zero elsewhere: true',
  ],
  'argmax-scatter': [
    `[[[[ 67.87465668  71.41509247  46.98169327]
   [ 48.19697189  47.83817673  55.389534  ]
   [ 23.51480675  43.86433411  48.48768616]
   [ 83.74739075  66.82654572  81.30921173]]

  [[ 21.17181969  14.59358978  47.21593857]
   [ 25.94748688  76.70527649   9.67714787]
   [ 74.96897888  15.72545815  36.21578217]
   [ 40.15810394  46.98136902  37.93695068]]

  [[ 19.17402649  13.34600449  63.32398605]
   [ 75.63816071  39.96374512  50.45898056]
   [  4.35934067  71.83367157  95.57234192]
   [  0.63753128  26.81066895  83.41733551]]

  [[ 27.07540894  90.00960541   6.51501417]
   [ 66.9224472   60.66981506  63.90122223]
   [  9.09529877  87.97344208  11.55341911]
   [ 67.55619049  50.58227921  57.45575333]]]]`,
    `[[[[ 67.87465668  76.70527649  55.389534  ]
   [ 83.74739075  66.82654572  81.30921173]]

  [[ 75.63816071  90.00960541  63.90122223]
   [ 67.55619049  87.97344208  95.57234192]]]]`,
    `[[[[ 0 16  5]
   [ 9 10 11]]

  [[27 37 41]
   [45 43 32]]]]`,
    `[[[[ 67.87465668   0.           0.        ]
   [  0.           0.          55.389534  ]
   [  0.           0.           0.        ]
   [ 83.74739075  66.82654572  81.30921173]]

  [[  0.           0.           0.        ]
   [  0.          76.70527649   0.        ]
   [  0.           0.           0.        ]
   [  0.           0.           0.        ]]

  [[  0.           0.           0.        ]
   [ 75.63816071   0.           0.        ]
   [  0.           0.          95.57234192]
   [  0.           0.           0.        ]]

  [[  0.          90.00960541   0.        ]
   [  0.           0.          63.90122223]
   [  0.          87.97344208   0.        ]
   [ 67.55619049   0.           0.        ]]]]`,
  ],
  tilt: [
    '200, 300, 201, 299',
    'out 9 10 11 12 15 16 17 18\nargmax 8 9 10 11 14 15 16 17',
    // [[0,0],[0,0],[0,0]], [[0,0],[9,10],[11,12]], [[0,0],[15,16],[17,18]], a channel a line.
    'unpooled 0 0 0 / 0 9 11 / 0 15 17\n         0 0 0 / 0 10 12 / 0 16 18',
    '0 0 0 0 0 / 6 0 8 0 0 / 0 0 0 14 0 / 16 0 0 0 0 / 0 0 0 0 0',
    '5 0 6 0 0 / 0 0 0 7 0 / 8 0 0 0 0 / 0 0 0 0 0 / 0 0 0 0 0',
  ],
  'batch-index': [
    '4 8 / 8 5  and  5 7 / 8 9',
    '4 7 / 9 11  and  17 19 / 24 30',
    'argmax 0 1 3 5 0 2 6 8',
    'include_batch_in_index 0 1 3 5 9 11 15 17',
  ],
  duplicates: ['[0, 23, 0, 10, 9, 0, 0, 0]'],
  'max-pool-grad': [
    '11 12 0 13 0 14 0 0 0\n11 12 14 16',
    '11 12 13 0 15 16 17 0 19 20 21 0 0 0 0 0\n11 0 25 0 0 31 0 17 19 0 41 0 0 0 0 0\n54 0 62 0 0 60 0 22 47 0 51 0 0 0 0 0',
    '(1, 300, 300, 3)',
  ],
  resize: [
    '[[[[1]\n   [2]]\n\n  [[3]\n   [4]]]]',
    '[[[[ 1  2  3]\n   [ 4  5  6]]\n\n  [[ 7  8  9]\n   [10 11 12]]]]',
    '1 2 5 6 / 3 4 7 8 / 9 10 13 14 / 11 12 15 16',
    '1 1 3 2 / 1 1 3 2 / 4 4 10 6 / 3 3 7 4',
  ],
  addons: [
    '0 13 0 0 0 0 4 0',
    '1 0 0 2 3 0 0 4 5 0 0 6 7 0 0 8',
    '1 0 0 0 0 2 0 0 0 0 3 0 0 4 0 0 0 0 0 5 6 0 0 0 0 0 0 7 0 0 0 8',
    '0 0 1 0 0 0 0 0 3 4 0 0 5 0 0 6 0 0 0 0 0 0 0 2 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 7 0 0 8 9 0 0 10 0 0 0 0 0 0 0 0 0 0 0 0 0 0 15 0 0 16 0 0 0 0 0 0 11 0 0 12 0 0 0 14 13 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 ' +
      '17 18 0 0 0 30 0 20 0 0 0 0 0 0 21 0 0 0 0 0 0 24 0 0 0 0 0 0 0 0 19 0 0 0 0 22 0 0 0 0 0 0 23 0 0 0 0 0 0 0 27 28 0 0 0 0 29 0 0 0 0 0 0 32 0 0 0 0 25 26 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 31 0 0 0 0 0 0 0 0 0',
    'pooled 6 8 at 5 7\n0 0 0 0 / 0 6 0 8',
    'pooled 8 7 16 15 at 4 6 13 14\n0 0 0 0 / 8 0 7 0 / 0 0 0 0 / 0 16 15 0',
    '0 0 0 0 / 8 0 0 0 / 0 0 0 0 / 0 0 0 0',
    'pooled 8 7 16 15 at 4 6 13 14\n0 0 0 0 / 8 0 7 0 / 0 0 0 0 / 0 16 15 0',
    '0 0 0 0 0 / 0 7 0 0 10 / 0 0 0 0 0 / 0 20 0 0 19',
  ],
  'torch-onnx': [
    `tensor([[[[ 0.,  0.,  0.,  0.],
          [ 0.,  6.,  0.,  8.],
          [ 0.,  0.,  0.,  0.],
          [ 0., 14.,  0., 16.]]]])`,
    `tensor([[[[ 0.,  0.,  0.,  0.,  0.],
          [ 0.,  7.,  0.,  9.,  0.],
          [ 0.,  0.,  0.,  0.,  0.],
          [ 0., 17.,  0., 19.,  0.]]]])`,
    '0 2 0 4 0 6 0 8\n0 2 0 4 0 6 0 8 0\n0 2 0 4 0 6 0 8\n',
    'pooled 3 4 / 4 5, at 4 5 / 7 8, unpooled 0 0 0 / 0 3 4 / 0 4 5',
    '0 0 0 0 / 0 1 0 2 / 0 0 0 0 / 0 3 0 4\n0 0 0 0 0 / 0 5 0 6 0 / 0 0 0 0 0 / 0 7 0 8 0 / 0 0 0 0 0',
  ],
};

for (const name of names)
  test(`${name} prints what it should, and what was posted`, async () => {
    const printed = await run(name);
    assert.is(printed, text(`./ports/${name}.txt`));
    let at = 0;
    for (const part of posted[name] ?? []) {
      const found = printed.indexOf(part, at);
      assert.ok(found >= 0, `posted, but not printed:\n${part}`);
      at = found + part.length;
    }
    const last = printed.trimEnd().split('\n').at(-1) as string;
    const claim = last.startsWith(source.derived) ? source.derived : last;
    assert.is(claim === source.derived, posted[name] === undefined, 'says where its numbers come from');
    assert.ok(Object.values(source).some((known) => known === claim));
    assert.is(claim === source.mixed, /\*$| \*[ ,]/m.test(printed.replace(last, '')), 'marks what was not posted');
  });

test('cedn prints the golden losses of the run with dropout', async () => {
  const golden: Golden = JSON.parse(text('../fixtures/cedn-golden.json'));
  const want = golden.losses_after_steps_0_10['seed_lr1_keep.5_mask_RandomState7'].f64.slice(1);
  const lines = (await run('cedn')).split('\n').slice(1, 21);
  want.forEach((loss, i) => {
    assert.is(lines[2 * i], `step ${i + 1}`);
    const got = Number(lines[2 * i + 1].replace(/^loss /, ''));
    assert.ok(Math.abs(got / loss - 1) < 2e-9, `step ${i + 1}: ${got}, want ${loss}`);
  });
});

test('every port is named, in its README too, and has a file of what it prints', () => {
  const files = (folder: string, ending: string): string[] =>
    readdirSync(new URL(folder, import.meta.url))
      .filter((file) => file.endsWith(ending))
      .map((file) => file.slice(0, -ending.length))
      .sort();
  const sorted = [...names].sort();
  assert.equal(
    files('../../examples/ports/', '.ts').filter((file) => file !== 'index' && file !== 'print'),
    sorted,
  );
  assert.equal(files('./ports/', '.txt'), sorted);
  const readme = text('../../examples/ports/README.md');
  for (const name of names) assert.match(readme, `(${name}.ts)`);
});

test('the command runs one, and refuses a name that is none', () => {
  const command = (...args: string[]) =>
    spawnSync(
      process.execPath,
      ['--conditions=cedargrad-source', '--import', 'tsx', 'examples/ports/index.ts', ...args],
      {
        cwd: fileURLToPath(new URL('../..', import.meta.url)),
        encoding: 'utf8',
      },
    );
  const { status, stdout } = command('duplicates');
  assert.is(status, 0);
  assert.is(stdout, text('./ports/duplicates.txt'));
  const wrong = command('duplicates', 'nothing');
  assert.is(wrong.status, 2);
  assert.is(wrong.stdout, '');
  assert.match(wrong.stderr, /^ports: no port is called 'nothing'; there are zero-filled, .*\n$/);
});

test.run();
