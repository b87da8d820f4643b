import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { writeFileAtomic } from '../../src/io/index.js';

const files = suite<{ directory: string }>('files');

files.before.each(async (context) => {
  context.directory = await mkdtemp(join(tmpdir(), 'cedargrad-'));
});
files.after.each(({ directory }) => rm(directory, { recursive: true }));

files('makes the directory, replaces the file, leaves nothing else', async ({ directory }) => {
  const path = join(directory, 'a', 'b', 'model.bin');
  await writeFileAtomic(path, new Uint8Array([1, 2]));
  await writeFileAtomic(path, new Uint8Array([3]));
  assert.equal([...(await readFile(path))], [3]);
  await writeFileAtomic(path, 'text');
  assert.is(await readFile(path, 'utf8'), 'text');
  assert.equal(await readdir(join(directory, 'a', 'b')), ['model.bin']);
});

files('many writers at once leave one whole file', async ({ directory }) => {
  const path = join(directory, 'shared');
  await Promise.all(Array.from({ length: 20 }, (_, i) => writeFileAtomic(path, new Uint8Array(10000).fill(i))));
  const bytes = await readFile(path);
  assert.is(bytes.length, 10000);
  assert.ok(bytes.every((v) => v === bytes[0]));
  assert.equal(await readdir(directory), ['shared']);
});

files('a failure keeps the old file and cleans up', async ({ directory }) => {
  await mkdir(join(directory, 'taken', 'inner'), { recursive: true });
  await writeFile(join(directory, 'taken', 'inner', 'file'), 'old');
  let failed = false;
  await writeFileAtomic(join(directory, 'taken'), 'new').catch(() => {
    failed = true;
  });
  assert.ok(failed);
  assert.equal(await readdir(directory), ['taken']);
});

files.run();
