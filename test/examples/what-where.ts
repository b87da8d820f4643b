/** The example what-where: a short run, and mistakes on its command line. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { decodePng } from '../../src/io/index.js';
import { runExample } from '../helpers/example.js';

const test = suite('what-where');
const out = mkdtempSync(join(tmpdir(), 'what-where-'));
test.after(() => rmSync(out, { recursive: true }));

const example = (...args: string[]) => runExample('what-where', ...args);

test('two epochs: the digits are rebuilt best from both, the picture is whole, and a second run prints the same', () => {
  const run = () => {
    const { status, stdout, stderr } = example('--epochs', '2', '--device', 'wasm', '--out', out);
    assert.is(status, 0, stderr);
    assert.is(stderr, '');
    return stdout.slice(stdout.indexOf('mean squared error'));
  };
  const printed = run();
  const of = (name: string): number => Number(printed.match(new RegExp(`^ {2}${name}: .* (0\\.\\d{5})`, 'm'))?.[1]);
  const [both, ...others] = ['both', 'what alone', 'where alone', 'neither'].map(of);
  for (const other of others) assert.ok(both < other, printed);
  assert.equal(readdirSync(out), ['what-where.png']);
  const { width, height, channels } = decodePng(readFileSync(join(out, 'what-where.png')));
  assert.equal([width, height, channels], [1019, 572, 3]);
  assert.is(run(), printed);
});

test('--help is on stdout; mistakes are one line and exit 2', () => {
  const help = example('--help');
  assert.equal([help.status, help.stderr], [0, '']);
  assert.match(help.stdout, /^usage: npm run what-where/m);
  for (const [args, message] of [
    [['--epochs', '0'], "--epochs must be a whole number of at least 1; got '0'"],
    [['--epochs', ''], "--epochs must be a whole number of at least 1; got ''"],
    [
      ['--device', 'abacus'],
      "--device must be one of auto, webgpu, webgl2, webgl, headlessgl, gpu, wasm, reference; got 'abacus'",
    ],
    [['--out', ''], "--out must name a directory; got ''"],
    [['--epoch', '1'], "Unknown option '--epoch'"],
  ] as const) {
    const { status, stdout, stderr } = example(...args);
    assert.equal([status, stdout, stderr.trimEnd().split('\n').length], [2, '', 1], stderr);
    assert.ok(stderr.startsWith(`what-where: ${message}`), stderr);
  }
});

test.run();
