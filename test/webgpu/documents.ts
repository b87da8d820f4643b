/**
 * Runs the programs of the documents that need a WebGPU adapter. Not here: all other programs, and
 * type checks (../documents.ts).
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { blocksOf, documents, repository, textOf } from '../helpers/documents.js';

const reason = 'it needs a WebGPU adapter';
// The folder is inside the repository, so that the programs find the package by its name. Git
// ignores it.
const folder = `${repository}out/webgpu-documents`;
const list = documents().flatMap((document) =>
  blocksOf(textOf(document))
    .programs.filter((program) => program.reason === reason)
    .map(({ file, code }) => ({
      name: `${document}: ${file}`,
      file: `${document.replaceAll('/', '-')}-${file}`,
      code,
    })),
);

const test = suite('documents on WebGPU');
test.before(() => void mkdirSync(folder, { recursive: true }));
test.after(() => rmSync(folder, { recursive: true, force: true }));

test('there is such a program', () => assert.ok(list.length > 0));

for (const { name, file, code } of list)
  test(`${name} runs`, () => {
    writeFileSync(`${folder}/${file}`, code);
    execFileSync(process.execPath, ['--import', 'tsx', `${folder}/${file}`], { stdio: 'pipe', timeout: 120_000 });
  });

test.run();
