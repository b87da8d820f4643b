/**
 * Two copies of the library in one program give one warning. One copy gives none, in whichever ways
 * it is imported.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

const test = suite('copies');
const folder = mkdtempSync(join(tmpdir(), 'cedargrad-copies-'));
const index = fileURLToPath(new URL('../src/index.ts', import.meta.url));
const bundle = async (contents: string, name: string, platform: 'node' | 'browser' = 'node'): Promise<string> => {
  const outfile = join(folder, name);
  await build({
    stdin: { contents: contents.replaceAll('cedargrad', index), resolveDir: folder },
    outfile,
    bundle: true,
    format: 'esm',
    platform,
    external: ['gpu.js', 'webgpu', 'node:*'],
    logLevel: 'error',
  });
  return outfile;
};
test.before(async () => {
  for (const name of ['a.mjs', 'b.mjs', 'c.mjs']) await bundle("export * from 'cedargrad';", name);
});
test.after(() => rmSync(folder, { recursive: true }));

/** What a program warns of. */
function warnings(program: string, flags: readonly string[] = []): string {
  const file = join(folder, 'program.mjs');
  writeFileSync(file, `${program}\nconsole.log('ran');`);
  const { stdout, stderr } = spawnSync(process.execPath, [...flags, file], { encoding: 'utf8', cwd: folder });
  assert.is(stdout, 'ran\n', stderr);
  return stderr;
}
const times = (text: string): number => text.split('two copies of cedargrad are loaded').length - 1;

test('a second copy warns once, and a third says no more', () => {
  const said = warnings("await import('./a.mjs'); await import('./b.mjs'); await import('./c.mjs');");
  assert.is(times(said), 1, said);
  assert.match(said, /\[CEDARGRAD_TWO_COPIES\] CedarWarning: two copies of cedargrad/);
  assert.match(said, '`npm ls cedargrad` shows where they come from');
  assert.is(warnings("await import('./a.mjs'); await import('./b.mjs');", ['--no-warnings']), '');
});

test('where there is no process, as in a page, the console warns', () => {
  const said = warnings(
    "const { log, warn } = console; delete globalThis.process; await import('./a.mjs'); await import('./b.mjs');",
  );
  assert.is(times(said), 1, said);
  assert.match(said, /^cedargrad: two copies of cedargrad/);
});

test('one copy does not warn: imported twice, in a worker, beside its own parts', () => {
  assert.is(
    warnings(
      `import { Worker } from 'node:worker_threads';
import { once } from 'node:events';
await import('./a.mjs'); await import('./a.mjs');
const worker = new Worker(new URL('./worker.mjs', import.meta.url));
await once(worker, 'exit');`.replace('./worker.mjs', './a.mjs'),
    ),
    '',
  );
});

// package.json's sideEffects: false lets bundlers drop files of which nothing is used.
test('a bundle has the mark where it uses tensors, and nothing of the library where it uses nothing', async () => {
  for (const [used, marked] of [
    ["import { Linear } from 'cedargrad'; console.log(new Linear(2, 2));", true],
    ["import { tensor } from 'cedargrad'; console.log(tensor([1]));", true],
    ["import { ShapeError } from 'cedargrad'; console.log(ShapeError);", false],
    ["import 'cedargrad'; console.log(1);", false],
  ] as const)
    for (const platform of ['node', 'browser'] as const) {
      const text = readFileSync(await bundle(used, 'bundle.mjs', platform), 'utf8');
      assert.is(text.includes('cedargrad.copies'), marked, used);
    }
});

test('a bundle of little runs: what makes tensors is never dropped', async () => {
  for (const make of ['tensor([1, 2])', 'zeros([2])', 'ones([2])', 'rand([2])']) {
    const name = make.split('(')[0];
    await bundle(`import { ${name} } from 'cedargrad'; console.error(${make}.mul(2).size);`, 'small.mjs');
    assert.is(warnings("await import('./small.mjs');"), '2\n', make);
  }
});

test.run();
