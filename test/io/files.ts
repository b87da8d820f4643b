import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmod,
  chown,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ValueError } from '../../src/errors.js';
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

files('two threads and two processes that save one path never mix', async ({ directory }) => {
  const path = join(directory, 'shared');
  const program = fileURLToPath(new URL('../helpers/save-many.ts', import.meta.url));
  const times = 60;
  const begun = new Int32Array(new SharedArrayBuffer(4));
  const threads = [1, 2].map((byte) => {
    const worker = new Worker(`import('tsx/esm/api').then((tsx) => tsx.tsImport(${JSON.stringify(program)}, '/'))`, {
      eval: true,
      argv: [path, String(byte), String(times)],
      workerData: { begun },
    });
    return new Promise<string>((done) => {
      worker.on('error', (error) => done(String(error)));
      worker.on('exit', (code) => done(code === 0 ? 'saved' : `exit ${code}`));
    });
  });
  const processes = [3, 4].map(async (byte) => {
    const child = spawn(process.execPath, ['--import', 'tsx', program, path, String(byte), String(times)]);
    const [code] = await once(child, 'exit');
    return code === 0 ? 'saved' : `exit ${code}`;
  });
  let busy = true;
  const all = Promise.all([...threads, ...processes]).finally(() => {
    busy = false;
  });
  let reads = 0;
  for (; busy; await new Promise((turn) => setTimeout(turn, 1))) {
    const bytes = await readFile(path).catch(() => null);
    if (bytes === null) continue;
    reads++;
    assert.is(bytes.length, 20_000 + 1000 * bytes[0], 'a file of one save');
    assert.ok(bytes.every((v) => v === bytes[0]));
  }
  assert.equal(await all, ['saved', 'saved', 'saved', 'saved']);
  assert.ok(reads > 10, `${reads} reads`);
  assert.equal(await readdir(directory), ['shared']);
});

files('a symbolic link stays, and its file is replaced, whether it exists or not', async ({ directory }) => {
  const [real, link, dangling] = ['real/model.bin', 'latest', 'next'].map((name) => join(directory, name));
  await mkdir(join(directory, 'real'));
  await writeFile(real, 'old');
  await symlink('real/model.bin', link);
  await writeFileAtomic(link, 'new');
  assert.is(await readlink(link), 'real/model.bin');
  assert.is(await readFile(real, 'utf8'), 'new');
  await symlink('made/by/now.bin', dangling);
  await writeFileAtomic(dangling, 'first');
  assert.ok((await lstat(dangling)).isSymbolicLink());
  assert.is(await readFile(join(directory, 'made/by/now.bin'), 'utf8'), 'first');
  assert.equal((await readdir(join(directory, 'real'))).sort(), ['model.bin']);
  const [a, b] = ['a', 'b'].map((name) => join(directory, name));
  await symlink(a, b);
  await symlink(b, a);
  const error = await refusal(writeFileAtomic(a, 'x'));
  assert.is(error.code, 'ELOOP');
});

files('the mode stays, and the owner where the system allows it', async ({ directory }) => {
  const path = join(directory, 'secret');
  await writeFile(path, 'old');
  const root = process.getuid?.() === 0;
  if (root) await chown(path, 1234, 2345);
  for (const mode of [0o600, 0o640, 0o4755]) {
    await chmod(path, mode);
    await writeFileAtomic(path, 'new');
    const { mode: now, uid, gid } = await stat(path);
    assert.is(now & 0o7777, mode);
    if (root) assert.equal([uid, gid], [1234, 2345]);
  }
  const fresh = join(directory, 'fresh');
  await writeFileAtomic(fresh, 'new');
  assert.is((await stat(fresh)).mode & 0o777, 0o666 & ~process.umask());
});

/** What a call rejects with. */
const refusal = async (call: Promise<unknown>): Promise<NodeJS.ErrnoException> => {
  try {
    await call;
  } catch (error) {
    return error as NodeJS.ErrnoException;
  }
  throw new Error('it was taken');
};

files('what is no plain file is refused and stays', async ({ directory }) => {
  const folder = join(directory, 'folder');
  const pipe = join(directory, 'pipe');
  await mkdir(folder);
  // Not /dev/null: a failure would replace it for the whole machine.
  execFileSync('mkfifo', [pipe]);
  for (const [path, what] of [
    [folder, 'a directory'],
    [pipe, 'a device, pipe or socket'],
  ]) {
    const error = await refusal(writeFileAtomic(path, 'x'));
    assert.instance(error, ValueError);
    assert.is(
      error.message,
      `writeFileAtomic: path must name a plain file, or none that exists; got path='${path}', ${what}; only a plain file can be replaced as a whole`,
    );
  }
  assert.ok((await stat(pipe)).isFIFO());
  assert.equal((await readdir(directory)).sort(), ['folder', 'pipe']);
});

files('a path that names no file is refused', async ({ directory }) => {
  for (const path of ['', `${directory}/`, undefined as unknown as string, 5 as unknown as string]) {
    const error = await refusal(writeFileAtomic(path, 'x'));
    assert.instance(error, ValueError);
    assert.match(error.message, /^writeFileAtomic: path must name a file; got path=/);
  }
});

files('names may be as long as the system allows, in letters of many bytes too', async ({ directory }) => {
  for (const name of ['n'.repeat(255), 'ü'.repeat(127), '𝕏'.repeat(63)]) {
    await writeFileAtomic(join(directory, name), name);
    await writeFileAtomic(join(directory, name), name);
    assert.is(await readFile(join(directory, name), 'utf8'), name);
  }
  assert.is((await readdir(directory)).length, 3);
});

files("the system's errors name the caller's path and keep their code", async ({ directory }) => {
  await writeFile(join(directory, 'file'), 'old');
  for (const [path, code] of [
    [join(directory, 'file', 'inner'), 'ENOTDIR'],
    [join(directory, 'n'.repeat(256)), 'ENAMETOOLONG'],
    // Where mkdir answers "no such file" for ever; Node's recursive one never returns there.
    ['/proc/nowhere/x', 'ENOENT'],
    ['/dev/full/x', 'ENOTDIR'],
  ]) {
    const error = await refusal(writeFileAtomic(path, 'new'));
    assert.equal([error.code, error.path], [code, path]);
    assert.match(error.message, new RegExp(`^${code}: [^,]+, writeFileAtomic '.*'$`));
    assert.ok(error.message.endsWith(`'${path}'`));
    assert.instance(error.cause, Error);
  }
  assert.equal(await readdir(directory), ['file']);
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
