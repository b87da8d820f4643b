/**
 * The public exports and their declared types are those that test/api shows. A change of them is
 * meant, or it breaks programs of users. How they are read: scripts/api.ts.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { describe, differences, type Entry, emitDeclarations, entries, snapshotOf } from '../scripts/api.js';

const test = suite('public interface');
const list = entries();

test('there is a text for each entry point and no other', () => {
  assert.equal(
    list.map(({ name }) => name),
    [
      ...['cedargrad', 'cedargrad/data', 'cedargrad/io', 'cedargrad/models', 'cedargrad/train'],
      ...['cedargrad/distributed', 'cedargrad/browser'],
    ],
  );
  assert.equal(
    readdirSync(dirname(snapshotOf(list[0]))).sort(),
    list.map((entry) => basename(snapshotOf(entry))).sort(),
  );
});

for (const [entry, text] of describe(emitDeclarations(list), list))
  test(`${entry.name} exports what it did`, () => {
    const path = snapshotOf(entry);
    const before = existsSync(path) ? readFileSync(path, 'utf8') : '';
    const advice =
      'the public interface changed. If that is meant, write it into CHANGELOG.md and run `npm run api`, ' +
      'which writes test/api; commit both';
    assert.ok(before === text, `${advice}\n${entry.name}\n${differences(before, text).join('\n')}`);
  });

const main: Entry = { name: 'pack', file: 'index.d.ts' };
const part: Entry = { name: 'pack/part', file: 'part.d.ts' };
const files = {
  'index.d.ts': `
export { Layer, type Options, run } from './layer.js';
export * as init from './init.js';
export declare const limit: number;
`,
  'layer.d.ts': `
import type { Hidden } from './hidden.js';
export interface Options { size?: number }
export declare class Layer {
  #private;
  private readonly cache;
  protected more(): void;
  static of(): Layer;
  forward(x: number, hidden?: Hidden): number;
}
export declare function run(x: number): void;
export declare function run(x: string): import("./hidden.js").Hidden;
`,
  'init.d.ts': 'export declare const zeros: (n: number) => number[];\n',
  'hidden.d.ts': 'export interface Hidden { readonly inner: Inner }\ntype Inner = 1 | 2;\nexport type Unused = 3;\n',
  'part.d.ts': "export { Layer } from './layer.js';\nexport declare const own: string;\n",
};
type Files = typeof files;
const textsOf = (changed: Partial<Files> = {}): string[] => [
  ...describe(new Map(Object.entries({ ...files, ...changed })), [main, part]).values(),
];
const [before, beforePart] = textsOf();

test('a text shows each export with its declarations, and the types that they name', () => {
  assert.is(
    before,
    `# Layer
export declare class Layer {
    protected more(): void;
    static of(): Layer;
    forward(x: number, hidden?: Hidden): number;
}

# Options
export interface Options {
    size?: number;
}

# init
namespace

# init.zeros
export declare const zeros: (n: number) => number[];

# limit
export declare const limit: number;

# run
export declare function run(x: number): void;
export declare function run(x: string): Hidden;

# Hidden (not exported)
export interface Hidden {
    readonly inner: Inner;
}

# Inner (not exported)
type Inner = 1 | 2;
`,
  );
  assert.is(beforePart, '# Layer\nas in pack\n\n# own\nexport declare const own: string;\n');
});

const changes: readonly (readonly [string, keyof Files, string, string, RegExp])[] = [
  ['a removed export', 'index.d.ts', ', run', '', /^removed: run$/],
  ['a removed type', 'index.d.ts', ', type Options', '', /^removed: Options$/],
  ['a renamed export', 'index.d.ts', 'run }', 'run as go }', /^removed: run\nadded: go$/],
  [
    'a retyped constant',
    'index.d.ts',
    'limit: number',
    'limit: string',
    /^changed: limit\n {2}- .*number;\n {2}\+ .*string;$/,
  ],
  ['a changed option', 'layer.d.ts', 'size?: number', 'size: number', /^changed: Options\n {2}- size\?: number;\n/],
  ['a removed method', 'layer.d.ts', 'static of(): Layer;', '', /^changed: Layer\n {2}- static of\(\): Layer;$/],
  [
    'a changed method',
    'layer.d.ts',
    'forward(x: number,',
    'forward(x: string,',
    /^changed: Layer\n {2}- forward\(x: number/,
  ],
  ['a removed overload', 'layer.d.ts', 'export declare function run(x: number): void;', '', /^changed: run\n/],
  ['a member of a namespace', 'init.d.ts', 'number[]', 'string[]', /^changed: init\.zeros\n/],
  ['a type behind the exports', 'hidden.d.ts', '1 | 2', '1', /^changed: Inner \(not exported\)\n/],
];
for (const [name, file, from, to, expected] of changes)
  test(`${name} is a difference`, () => {
    assert.ok(files[file].includes(from));
    const [after] = textsOf({ [file]: files[file].replace(from, to) });
    assert.match(differences(before, after).join('\n'), expected);
  });

for (const [name, from, to] of [
  ['a private member', 'private readonly cache;', 'private readonly store;'],
  ['a comment', 'export interface Options', '/** Of a layer. */ export interface Options'],
])
  test(`${name} is no difference`, () => {
    assert.ok(files['layer.d.ts'].includes(from));
    assert.is(textsOf({ 'layer.d.ts': files['layer.d.ts'].replace(from, to) })[0], before);
  });

test.run();
