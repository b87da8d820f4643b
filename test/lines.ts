/**
 * Holds lines and files to their lengths, so that they can be read in a terminal and in a diff.
 * Code has at most 120 columns, comments and prose have at most 100, and a file of src has at most
 * 350 lines. Exceptions:
 * - A line of code may be longer if a string, template or regular expression crosses column 100.
 * - A web address may cross any limit.
 * - Tables, images, code and link targets of Markdown have no limit.
 * - A file of src is longer where its first comment says "Long because" and a reason.
 * - test/fixtures may have lines of any length, because generators and data are kept compact there.
 * Not here: the format of code (Biome, which has no limit for comments and literals).
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

const repository = fileURLToPath(new URL('..', import.meta.url));
const mostCode = 120;
const mostProse = 100;
const mostLines = 350;

/** The length of a line without its web addresses. */
const lengthOf = (line: string): number => [...line.replace(/https?:\/\/[^\s)>'"`]+/g, '')].length;

type Span = readonly [from: number, to: number];

/** The strings, templates and regular expressions of a source, in order. */
function literalsOf(source: string): Span[] {
  const literals: Span[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isStringLiteralLike(node) || ts.isTemplateExpression(node) || ts.isRegularExpressionLiteral(node))
      literals.push([node.getStart(file), node.getEnd()]);
    else ts.forEachChild(node, visit);
  };
  const file = ts.createSourceFile('file.ts', source, ts.ScriptTarget.ES2022);
  visit(file);
  return literals;
}

/** The comments of a source: what begins with // or /* outside its literals. */
function commentsOf(source: string, literals: readonly Span[]): Span[] {
  const comments: Span[] = [];
  const begin = /\/[/*]/g;
  for (let hit = begin.exec(source); hit !== null; hit = begin.exec(source)) {
    const { index } = hit;
    const around = literals.find(([from, to]) => from <= index && index < to);
    const end = source.indexOf(hit[0] === '//' ? '\n' : '*/', index);
    if (around === undefined) comments.push([index, end < 0 ? source.length : end + hit[0].length]);
    begin.lastIndex = around?.[1] ?? comments.at(-1)?.[1] ?? 0;
  }
  return comments;
}

/** Every line of code or comment that is too long, as `line: what, limit`. */
function longInCode(source: string): string[] {
  const wrong: string[] = [];
  const literals = literalsOf(source);
  const comments = commentsOf(source, literals);
  const covers = (spans: readonly Span[], at: number): boolean => spans.some(([from, to]) => from <= at && at < to);
  let start = 0;
  source.split('\n').forEach((line, i) => {
    const length = lengthOf(line);
    if (length > mostProse && covers(comments, start + line.length - 1))
      wrong.push(`${i + 1}: a comment of ${length} columns, at most ${mostProse}`);
    else if (length > mostCode && !covers(literals, start + mostProse))
      wrong.push(`${i + 1}: code of ${length} columns, at most ${mostCode}`);
    start += line.length + 1;
  });
  return wrong;
}

/** Every line of Python that is too long. A line that begins with # is comment. */
const longInPython = (source: string): string[] =>
  source.split('\n').flatMap((line, i) => {
    const most = /^\s*#/.test(line) ? mostProse : mostCode;
    return lengthOf(line) > most ? [`${i + 1}: ${lengthOf(line)} columns, at most ${most}`] : [];
  });

/** Every line of Markdown prose that is too long. */
function longInProse(text: string): string[] {
  const wrong: string[] = [];
  let isCode = false;
  text.split('\n').forEach((line, i) => {
    if (/^\s*(```|~~~)/.test(line)) isCode = !isCode;
    const length = lengthOf(line.replace(/\]\([^)]*\)/g, ']'));
    if (!isCode && !/^\s*(\||!\[)/.test(line) && length > mostProse)
      wrong.push(`${i + 1}: prose of ${length} columns, at most ${mostProse}`);
  });
  return wrong;
}

/** The line that says how long a file of src is, unless it gives a reason. */
function longFile(source: string): string[] {
  const count = source.split('\n').length - 1;
  const [header = ''] = /^\/\*\*.*?\*\//s.exec(source) ?? [];
  return count <= mostLines || header.replace(/\s*\n \*\s*/g, ' ').includes('Long because ')
    ? []
    : [`${count} lines, at most ${mostLines}; split it, or say in its header "Long because" and why`];
}

/** Files of a folder, by a path from the repository. */
const filesIn = (folder: string, ending: RegExp): string[] =>
  readdirSync(join(repository, folder), { recursive: true, encoding: 'utf8' })
    .map((file) => `${folder}/${file.replaceAll(sep, '/')}`)
    .filter((file) => ending.test(file) && !/(^|\/)(node_modules|results|out|fixtures)\//.test(file));

/** Whether it is a module that scripts/wasm.mjs makes. */
const isBinary = (file: string): boolean => /^src\/device\/wasm\/binary\w*\.ts$/.test(file);

const read = (file: string): string => readFileSync(join(repository, file), 'utf8');
const found = (files: readonly string[], check: (source: string) => string[]): string[] =>
  files.flatMap((file) => check(read(file)).map((problem) => `${file}:${problem}`));

const test = suite('lines');

for (const folder of ['src', 'test', 'bench', 'scripts', 'examples'])
  test(`lines of ${folder} fit`, () => {
    const files = filesIn(folder, /\.(ts|mjs|js)$/).filter((file) => !isBinary(file));
    assert.ok(files.length > 3, `${files.length} files`);
    const wrong = [...found(files, longInCode), ...found(filesIn(folder, /\.py$/), longInPython)];
    assert.is(wrong.length, 0, `\n${wrong.join('\n')}`);
  });

test('lines of prose fit', () => {
  const files = ['README.md', 'CHANGELOG.md', 'CONTRIBUTING.md', ...filesIn('docs', /\.md$/)];
  const wrong = found(files, longInProse);
  assert.is(wrong.length, 0, `\n${wrong.join('\n')}`);
});

test('files of src are short', () => {
  const wrong = found(
    filesIn('src', /\.ts$/).filter((file) => !isBinary(file)),
    longFile,
  );
  assert.is(wrong.length, 0, `\n${wrong.join('\n')}`);
});

const wide = 'x'.repeat(101);
const wider = 'x'.repeat(121);
const cases: readonly (readonly [name: string, problems: number, check: () => string[]])[] = [
  ['a line comment of 104 columns', 1, () => longInCode(`// ${wide}\n`)],
  ['a comment after code, together too long', 1, () => longInCode(`const a = 1; // ${'x'.repeat(90)}\n`)],
  ['a block comment on one line', 1, () => longInCode(`/* ${wide} */\nconst a = 1;\n`)],
  ['a line of a block comment', 1, () => longInCode(`/**\n * ${wide}\n */\nconst a = 1;\n`)],
  ['a comment at the end of a file', 1, () => longInCode(`const a = 1;\n// ${wide}`)],
  ['a comment between brackets', 1, () => longInCode(`f(\n  // ${wide}\n);\n`)],
  ['code that looks like a comment', 0, () => longInCode(`const a = '// ${wide}';\n`)],
  ['an address in a comment', 0, () => longInCode(`// https://example.org/${wide}\n`)],
  ['code of 101 columns', 0, () => longInCode(`${wide}\n`)],
  ['code of 121 columns', 1, () => longInCode(`${wider}\n`)],
  ['a string across column 100', 0, () => longInCode(`const a = '${wider}';\n`)],
  ['a template across column 100', 0, () => longInCode(`const a = \`\${b} ${wider}\`;\n`)],
  ['a string before column 100', 1, () => longInCode(`const a = 'x' + ${wider};\n`)],
  ['code after a string across column 100', 0, () => longInCode(`test('${wide}', () => f(a, b, c));\n`)],
  ['a comment of Python', 1, () => longInPython(`    # ${wide}\n`)],
  ['code of Python', 0, () => longInPython(`${wide}\n`)],
  ['prose of 101 columns', 1, () => longInProse(`${wide}\n`)],
  ['prose after code', 1, () => longInProse(`\`\`\`\n${wide}\n\`\`\`\n${wide}\n`)],
  ['a row of a table', 0, () => longInProse(`| ${wide} |\n`)],
  ['a long target of a link', 0, () => longInProse(`See [the page](${wide}).\n`)],
  ['a file of 351 lines', 1, () => longFile('\n'.repeat(351))],
  ['a file of 350 lines', 0, () => longFile('\n'.repeat(350))],
  ['a reason over two lines', 0, () => longFile(`/**\n * A. Long\n * because it is.\n */${'\n'.repeat(400)}`)],
  ['a reason that is not in the header', 1, () => longFile(`/** A. */\n// Long because it is.${'\n'.repeat(400)}`)],
];
for (const [name, problems, check] of cases)
  test(`${name}: ${problems === 0 ? 'is right' : 'is refused'}`, () => {
    const wrong = check();
    assert.is(wrong.length, problems, wrong.join('\n'));
  });

test.run();
