/**
 * The programs in the documents compile, run, and print what the documents say. The rules that tell
 * which blocks are programs are in helpers/documents.ts. The pages in docs/guide.md run in
 * browser/guide.mjs.
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { pathToFileURL } from 'node:url';
import { format } from 'node:util';
import ts from 'typescript';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { device, setDefaultDevice } from '../src/index.js';
import { blocksOf, documents, isAbout, type Program, repository, textOf } from './helpers/documents.js';

// Below the repository, so that the programs find the package by its name; ignored by git.
const work = `${repository}out/documents`;
const folderOf = (document: string): string => `${work}/${document.replace(/\.md$/, '')}`;
const all = documents().map((document) => ({ document, programs: blocksOf(textOf(document)).programs }));
const list: readonly { readonly document: string; readonly program: Program; readonly path: string }[] = all.flatMap(
  ({ document, programs }) =>
    programs.map((program) => ({ document, program, path: `${folderOf(document)}/${program.file}` })),
);

const test = suite('documents');
test.before(() => {
  rmSync(work, { recursive: true, force: true });
  for (const { program, path } of list) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, program.code);
  }
});
test.after(() => rmSync(work, { recursive: true, force: true }));

const guides = [
  'first-model',
  'guide',
  'from-pytorch',
  'from-tensorflow',
  'devices',
  'unpooling',
  'compile',
  'own-op',
  'own-device',
].map((name) => `docs/${name}.md`);
test('the README, the guides and the pages about unpooling and devices have programs', () => {
  const found = all.filter(({ programs }) => programs.length > 0).map(({ document }) => document);
  for (const document of ['README.md', ...guides]) assert.ok(found.includes(document), document);
});

test('the name of a file stands above its block, because readers do not see the opening line', () => {
  for (const document of documents())
    for (const { file } of blocksOf(textOf(document)).blocks)
      if (file !== undefined)
        assert.ok(new RegExp(`^\\*\\*${file}\\*\\*\n\n\`\`\`\\w+ file=${file}\\b`, 'm').test(textOf(document)), file);
});

test('no two programs of a document have the same name', () => {
  const paths = list.map(({ path }) => path);
  assert.equal(
    paths.filter((path, i) => paths.indexOf(path) !== i),
    [],
  );
});

test('the rules of blocks', () => {
  const text = [
    '```ts\na\n```\n```text\nA\n```\n\n',
    '```js file=b.js no-run: needs a page\nb\n```\n\n```text about\nnot right below\n```\n',
    '```sh\nc\n```\n```html file=d.html\nd\n```\n',
    '```ts\ne\n```\n```text about\nE 1\n```',
  ];
  const { blocks, programs } = blocksOf(text.join(''));
  assert.equal(
    blocks.map(({ language, file, code }) => [language, file, code]),
    [
      ['ts', undefined, 'a\n'],
      ['js', 'b.js', 'b\n'],
      ['sh', undefined, 'c\n'],
      ['html', 'd.html', 'd\n'],
      ['ts', undefined, 'e\n'],
    ],
  );
  assert.equal(
    programs.map(({ file, reason, printed, about }) => [file, reason, printed, about]),
    [
      ['program1.ts', undefined, 'A\n', false],
      ['b.js', 'needs a page', undefined, false],
      ['program3.ts', undefined, 'E 1\n', true],
    ],
  );
  for (const wrong of ['ts norun', 'ts no-run', 'ts no-run:', 'typescript', 'js no-run: x file=y.js'])
    assert.throws(() => blocksOf(`\`\`\`${wrong}\na\n\`\`\`\n`), /a block must begin with/, wrong);
  assert.ok(isAbout('loss 0.5, step 3', 'loss 0.4, step 3'));
  assert.not(isAbout('loss 0.5', 'loss 0.2'));
  assert.not(isAbout('loss 0.5', 'error 0.5'));
});

test('the programs compile', () => {
  const { config } = ts.readConfigFile(`${repository}tsconfig.json`, ts.sys.readFile);
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, repository);
  const files = list.map(({ path }) => path);
  const program = ts.createProgram(files, { ...options, allowJs: true, checkJs: true, types: ['node'] });
  const problems = files.flatMap((file) => {
    const source = program.getSourceFile(file);
    return [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)];
  });
  assert.equal(
    problems.map(({ file, messageText }) => `${file?.fileName}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`),
    [],
  );
});

const reference = await device('reference');
const printing = async (path: string): Promise<string> => {
  const { log } = console;
  const lines: string[] = [];
  console.log = (...args: unknown[]) => void lines.push(`${format(...args)}\n`);
  try {
    await import(pathToFileURL(path).href);
  } finally {
    console.log = log;
    setDefaultDevice(reference);
  }
  return lines.join('');
};

for (const { document, program, path } of list.filter(({ program }) => program.reason === undefined))
  test(`${document}: ${program.file} runs${program.printed === undefined ? '' : ', and prints what stands below it'}`, async () => {
    process.chdir(folderOf(document));
    try {
      const text = await printing(path);
      const { printed, about } = program;
      if (printed !== undefined && !(about && isAbout(text, printed))) assert.is(text, printed);
    } finally {
      process.chdir(repository);
    }
  });

test.run();
