/** docs/unpooling.md holds what it shows: its pictures are those that the script makes now, and its TypeScript blocks compile and print what stands below them. */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { format } from 'node:util';
import ts from 'typescript';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { pictures } from '../scripts/unpooling-pictures.js';
import { decodePng } from '../src/io/png.js';

const repository = fileURLToPath(new URL('..', import.meta.url));
const folder = `${repository}docs/images/unpooling`;
const guide = readFileSync(`${repository}docs/unpooling.md`, 'utf8');
const blocks = [...guide.matchAll(/^```ts\n([\s\S]*?)^```\n(?:```text\n([\s\S]*?)^```)?/gm)].map(
  ([, code, printed]) => ({
    code,
    printed,
  }),
);
// Below the repository, so that they find the package by its name; ignored by git.
const programs = `${repository}out/unpooling-guide`;
const fileOf = (i: number): string => `${programs}/block${i + 1}.ts`;

const test = suite('unpooling guide');
test.before(() => {
  mkdirSync(programs, { recursive: true });
  for (const [i, { code }] of blocks.entries()) writeFileSync(fileOf(i), code);
});
test.after(() => rmSync(programs, { recursive: true, force: true }));

test('the folder holds the pictures of the script and no others', () => {
  assert.equal(
    readdirSync(folder).sort(),
    Object.keys(pictures)
      .map((name) => `${name}.png`)
      .sort(),
  );
});

for (const [name, make] of Object.entries(pictures))
  test(`picture ${name}: current, small, and shown`, () => {
    const bytes = readFileSync(`${folder}/${name}.png`);
    const { width, height, data } = decodePng(bytes);
    const now = make();
    assert.equal([width, height], [now.width, now.height], 'npm run unpooling-pictures');
    assert.ok(Buffer.from(data).equals(now.data), 'npm run unpooling-pictures');
    assert.ok(bytes.length < 20_000, `${bytes.length} bytes`);
    assert.ok(guide.includes(`](images/unpooling/${name}.png)`), 'the guide shows it');
  });

test('links within the guide lead to headings', () => {
  const headings = [...guide.matchAll(/^#+ (.*)$/gm)].map(([, title]) =>
    title
      .toLowerCase()
      .replace(/[^a-z0-9 -]/g, '')
      .replaceAll(' ', '-'),
  );
  for (const [, anchor] of guide.matchAll(/\]\(#([^)]+)\)/g)) assert.ok(headings.includes(anchor), anchor);
});

test('the blocks compile', () => {
  const { config } = ts.readConfigFile(`${repository}tsconfig.json`, ts.sys.readFile);
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, repository);
  const files = blocks.map((_, i) => fileOf(i));
  const program = ts.createProgram(files, { ...options, types: ['node'] });
  const problems = files.flatMap((file) => {
    const source = program.getSourceFile(file);
    return [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)];
  });
  assert.equal(
    problems.map(({ file, messageText }) => `${file?.fileName}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`),
    [],
  );
});

for (const [i, { printed }] of blocks.entries())
  test(`block ${i + 1} prints what the guide says`, async () => {
    const { log } = console;
    const lines: string[] = [];
    console.log = (...args: unknown[]) => void lines.push(`${format(...args)}\n`);
    try {
      await import(fileOf(i));
    } finally {
      console.log = log;
    }
    assert.is(lines.join(''), printed);
  });

test.run();
