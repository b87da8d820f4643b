/**
 * The program in a process of its own: signals, readers that go away, and disks without room. Each
 * time the run stays whole, and can go on. Not here: what the commands do (commands.ts).
 */
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { decodeSafetensors } from '../../src/io/index.js';
import { cedargrad, ended, objectsOf, start, writePictures } from '../helpers/command.js';

const test = suite('the program as a process');
const folder = mkdtempSync(join(tmpdir(), 'cedargrad-process-'));
test.after(() => rmSync(folder, { recursive: true }));
const at = (...names: string[]): string => join(folder, ...names);
const photos = writePictures(at('photos'), 10);
const small = at('small.json');
writeFileSync(small, JSON.stringify({ model: { widths: [8], code: 2 }, batchSize: 2 }));

const train = (run: string, ...args: string[]): string[] => [
  ...['train', '--data', photos, '--out', at(run), '--config', small, '--device', 'wasm', ...args],
];

/** Waits until the process has printed a text. */
const printed = (child: ChildProcessWithoutNullStreams, text: string): Promise<void> =>
  new Promise((resolve, reject) => {
    let seen = '';
    child.stdout.on('data', (more) => {
      seen += more;
      if (seen.includes(text)) resolve();
    });
    child.on('close', () => reject(new Error(`ended without ${text}: ${seen}`)));
  });

const tensorsOf = (run: string) => decodeSafetensors(readFileSync(at(run, 'last.checkpoint'))).tensors;
const leftovers = (run: string): string[] => readdirSync(at(run)).filter((name) => name.endsWith('.tmp'));

test('Ctrl-C saves, and the resumed run has the bits of one that never stopped', async () => {
  const epochs = ['--epochs', '20'];
  const whole = ended(start(train('whole', ...epochs)));
  const child = start(train('stopped', ...epochs, '--json'));
  const end = ended(child);
  await printed(child, '"event":"epoch"');
  child.kill('SIGINT');
  const stopped = await end;
  assert.equal([stopped.code, stopped.signal], [130, null], stopped.err);
  assert.is(stopped.err, 'cedargrad train: SIGINT: saving after this step; once more to end at once\n');
  const last = objectsOf(stopped.out).at(-1) as Record<string, unknown>;
  assert.equal([last.event, last.stopReason], ['result', 'aborted']);
  assert.ok((last.step as number) >= 5 && (last.step as number) < 100, `step ${last.step}`);
  assert.equal(leftovers('stopped'), []);
  const resumed = await ended(start(['resume', at('stopped')]));
  assert.equal([resumed.code, resumed.err], [0, '']);
  assert.match(resumed.out, /^after epoch \d+ and step \d+\n/);
  assert.is((await whole).code, 0);
  for (const file of ['best.safetensors', 'images.json', 'config.json'])
    assert.equal(readFileSync(at('stopped', file)), readFileSync(at('whole', file)), file);
  assert.equal(tensorsOf('stopped'), tensorsOf('whole'));
});

test('a second Ctrl-C ends at once, and the last checkpoint is whole', async () => {
  // Large images on the reference device take long for a step, so that both signals meet one.
  const slow = ['--size', '64', '--batch', '16', '--epochs', '1000', '--json'];
  const child = start([...train('slow').slice(0, -2), '--device', 'reference', ...slow]);
  const end = ended(child);
  await printed(child, '"event":"epoch","epoch":2');
  const timer = setInterval(() => child.kill('SIGINT'), 10);
  const { code, out, err } = await end;
  clearInterval(timer);
  assert.is(code, 130);
  assert.is(err, 'cedargrad train: SIGINT: saving after this step; once more to end at once\n');
  assert.not.match(out, /"event":"(end|result)"/);
  const summary = await cedargrad('summary', at('slow'));
  assert.match(summary.out, /; [1-9]\d* of 1000 epochs\n/);
});

test('a reader that leaves ends the run as SIGPIPE would, and it is saved', async () => {
  const child = start(train('unread', '--epochs', '10000'));
  const end = ended(child);
  await printed(child, 'epoch ');
  child.stdout.destroy();
  const { code, err } = await end;
  assert.equal([code, err], [141, '']);
  assert.ok(existsSync(at('unread', 'last.checkpoint')));
  const help = start(['--help']);
  help.stdout.destroy();
  assert.ok([0, 141].includes((await ended(help)).code as number));
});

test('a full disk is one line, and the old checkpoint stays', async () => {
  // The limit is in blocks of 1024 bytes. The report fits, the checkpoint does not.
  const before = readFileSync(at('whole', 'last.checkpoint'));
  const blocks = Math.floor(before.length / 1024);
  const { code, err } = await ended(start(['resume', at('whole'), '--epochs', '21'], `ulimit -f ${blocks}`));
  assert.is(code, 1);
  assert.match(
    err,
    /^cedargrad resume: EFBIG: file too large, writeFileAtomic '.*whole\/(last\.checkpoint|report\.html)'\n$/,
  );
  assert.equal(readFileSync(at('whole', 'last.checkpoint')), before);
  assert.equal(leftovers('whole'), []);
  // With room again, it goes on.
  const again = await cedargrad('resume', at('whole'), '--epochs', '21');
  assert.equal([again.code, again.err], [0, '']);
});

test.run();
