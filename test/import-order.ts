/**
 * Checks the order of the layers (docs/architecture.md). It reads the imports of every file in src
 * and reports each import that breaks a rule. An import that runs may only name its own layer or a
 * lower one. An import of types (`import type`) may name any layer, but operations name no device
 * implementation.
 * `import { type A }` counts as an import that runs, because with verbatimModuleSyntax the compiler
 * keeps it as `import {}`.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join, posix, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

const repository = fileURLToPath(new URL('..', import.meta.url));

/** The layers, lowest first. A file belongs to the first layer whose pattern it matches. */
const layers: readonly { readonly name: string; readonly level: number; readonly files: RegExp }[] = [
  {
    name: 'errors, arguments, platform, copies, version',
    level: 0,
    files: /^(errors|arguments|platform|copies|version)\.ts$/,
  },
  { name: 'values', level: 1, files: /^values\// },
  { name: 'device', level: 2, files: /^device\// },
  { name: 'graph', level: 3, files: /^autograd\/(graph|hooks|in-place|lifetimes|recompute|results|watch)\.ts$/ },
  { name: 'ops', level: 4, files: /^autograd\/ops\// },
  { name: 'backward', level: 5, files: /^autograd\/(backward|checkpoint|custom-grad)\.ts$/ },
  { name: 'Tensor', level: 6, files: /^tensor\// },
  { name: 'compile', level: 7, files: /^autograd\/(compile\.ts$|tape\/)/ },
  { name: 'gradcheck', level: 7, files: /^autograd\/gradcheck\.ts$/ },
  { name: 'nn', level: 8, files: /^nn\// },
  { name: 'optim', level: 8, files: /^optim\// },
  { name: 'io', level: 9, files: /^io\// },
  { name: 'models', level: 9, files: /^models\// },
  { name: 'data', level: 10, files: /^data\// },
  { name: 'train', level: 11, files: /^train\// },
  { name: 'index', level: 12, files: /^(index|browser)\.ts$/ },
  { name: 'distributed', level: 12, files: /^distributed\// },
  { name: 'cli', level: 13, files: /^cli\// },
];
const layerOf = (file: string) => layers.find((layer) => layer.files.test(file));

interface Import {
  readonly specifier: string;
  readonly kind: 'static' | 'dynamic' | 'type';
}

/** Everything that a source imports or re-exports. */
function importsOf(source: string): Import[] {
  const found: Import[] = [];
  const add = (specifier: ts.Node | undefined, kind: Import['kind']): void => {
    if (specifier !== undefined && ts.isStringLiteralLike(specifier)) found.push({ specifier: specifier.text, kind });
  };
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node))
      add(node.moduleSpecifier, node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword ? 'type' : 'static');
    else if (ts.isExportDeclaration(node)) add(node.moduleSpecifier, node.isTypeOnly ? 'type' : 'static');
    else if (ts.isImportEqualsDeclaration(node) && ts.isExternalModuleReference(node.moduleReference))
      add(node.moduleReference.expression, node.isTypeOnly ? 'type' : 'static');
    else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) add(node.argument.literal, 'type');
    else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword)
      add(node.arguments[0], 'dynamic');
    else if (ts.isCallExpression(node) && ts.isIdentifier(node.expression) && node.expression.text === 'require')
      add(node.arguments[0], 'static');
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile('file.ts', source, ts.ScriptTarget.ES2022, true));
  return found;
}

/** The file in src to which a relative specifier in `file` refers. */
const resolveFrom = (file: string, specifier: string): string =>
  posix.join(posix.dirname(file), specifier).replace(/\.js$/, '.ts');

/**
 * Returns every broken rule as `file imports 'specifier': rule`. Paths of files are relative to
 * src.
 */
function check(sources: Record<string, string>, dependencies: readonly string[]): string[] {
  const wrong: string[] = [];
  const edges = new Map<string, string[]>();
  for (const [file, source] of Object.entries(sources)) {
    const layer = layerOf(file);
    if (layer === undefined) {
      wrong.push(`${file}: stands in no known layer; give it a place in test/import-order.ts and docs/architecture.md`);
      continue;
    }
    const below: string[] = [];
    edges.set(file, below);
    for (const { specifier, kind } of importsOf(source)) {
      const broken = (rule: string): void => void wrong.push(`${file} imports '${specifier}': ${rule}`);
      if (!specifier.startsWith('.')) {
        const name = specifier.startsWith('@') ? specifier.split('/').slice(0, 2).join('/') : specifier.split('/')[0];
        if (specifier.startsWith('node:')) {
          if (kind === 'static' && layer.name !== 'cli')
            broken('node modules are imported dynamically only, so that browsers can load the file');
        } else if (name === 'gpu.js') {
          if (!file.startsWith('device/gpu/')) broken('only src/device/gpu names gpu.js');
          else if (kind === 'static') broken('gpu.js is imported dynamically only: the core works without it');
        } else if (kind !== 'type' && !dependencies.includes(name))
          broken('what runs imports declared dependencies only (package.json)');
        continue;
      }
      const target = resolveFrom(file, specifier);
      if (layer.name === 'ops' && /^device\/(reference|wasm|gpu)\b/.test(target))
        broken('ops name no device implementation, not even its types');
      if (kind === 'type') continue;
      const targetLayer = layerOf(target);
      if (targetLayer === undefined) {
        broken('stands in no known layer');
        continue;
      }
      below.push(target);
      if (layer.name === 'nn' && targetLayer.name === 'device')
        broken('nn calls no kernel: it imports nothing that runs from src/device');
      else if (targetLayer.level > layer.level)
        broken(`${layer.name} stands below ${targetLayer.name}; for types write import type`);
      else if (targetLayer.level === layer.level && targetLayer !== layer)
        broken(`${layer.name} and ${targetLayer.name} do not import each other`);
    }
  }
  for (const cycle of cyclesOf(edges)) wrong.push(`${cycle[0]} imports itself in a circle: ${cycle.join(' → ')}`);
  return wrong;
}

/** Returns a cycle of files for each import that closes one. */
function cyclesOf(edges: ReadonlyMap<string, readonly string[]>): string[][] {
  const cycles: string[][] = [];
  const done = new Set<string>();
  const path: string[] = [];
  const visit = (file: string): void => {
    if (path.includes(file)) cycles.push([...path.slice(path.indexOf(file)), file]);
    if (done.has(file) || path.includes(file)) return;
    path.push(file);
    for (const next of edges.get(file) ?? []) visit(next);
    path.pop();
    done.add(file);
  };
  for (const file of edges.keys()) visit(file);
  return cycles;
}

const test = suite('layers');

test('src keeps the order', () => {
  const root = join(repository, 'src');
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter(
    (file) => file.endsWith('.ts') && !file.includes('assembly'),
  );
  assert.ok(files.length > 20, `only ${files.length} files found`);
  const sources = Object.fromEntries(
    files.map((file) => [file.replaceAll(sep, '/'), readFileSync(join(root, file), 'utf8')]),
  );
  const { dependencies } = JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8'));
  const wrong = check(sources, Object.keys(dependencies));
  assert.is(wrong.length, 0, `\n${wrong.join('\n')}`);
});

const cases: readonly { readonly file: string; readonly source: string; readonly rule: RegExp | null }[] = [
  { file: 'device/device.ts', source: "import { sizeOf } from '../values/shape.js';", rule: null },
  {
    file: 'values/shape.ts',
    source: "import { Storage } from '../device/storage.js';",
    rule: /^values\/shape\.ts imports '\.\.\/device\/storage\.js': values stands below device/,
  },
  { file: 'values/shape.ts', source: "import type { Device } from '../device/device.js';", rule: null },
  { file: 'values/shape.ts', source: "export type { Device } from '../device/device.js';", rule: null },
  { file: 'values/shape.ts', source: "import { type Device } from '../device/device.js';", rule: /stands below/ },
  { file: 'values/shape.ts', source: "export * from '../device/device.js';", rule: /stands below/ },
  { file: 'values/shape.ts', source: "const late = () => import('../device/device.js');", rule: /stands below/ },
  {
    file: 'autograd/ops/conv.ts',
    source: "import { Tensor } from '../../tensor/tensor.js';",
    rule: /ops stands below Tensor/,
  },
  { file: 'autograd/backward.ts', source: "import { add } from './ops/arithmetic.js';", rule: null },
  {
    file: 'tensor/create.ts',
    source: "import { gradcheck } from '../autograd/gradcheck.js';",
    rule: /Tensor stands below gradcheck/,
  },
  {
    file: 'autograd/ops/conv.ts',
    source: "import { ReferenceDevice } from '../../device/reference/index.js';",
    rule: /no device implementation/,
  },
  {
    file: 'autograd/ops/conv.ts',
    source: "import type { GpuDevice } from '../../device/gpu/index.js';",
    rule: /no device implementation/,
  },
  { file: 'nn/conv.ts', source: "import { defaultDevice } from '../device/select.js';", rule: /nn calls no kernel/ },
  {
    file: 'nn/conv.ts',
    source: "import { Adam } from '../optim/index.js';",
    rule: /nn and optim do not import each other/,
  },
  {
    file: 'optim/adam.ts',
    source: "import { Module } from '../nn/index.js';",
    rule: /optim and nn do not import each other/,
  },
  { file: 'io/checkpoint.ts', source: "import { Module } from '../nn/index.js';", rule: null },
  { file: 'nn/conv.ts', source: "import { Progress } from '../train/index.js';", rule: /nn stands below train/ },
  { file: 'train/fit.ts', source: "import { Tensor } from '../index.js';", rule: /train stands below index/ },
  { file: 'nn/conv.ts', source: "import { x } from '../misc/x.js';", rule: /no known layer/ },
  { file: 'misc/x.ts', source: '', rule: /^misc\/x\.ts: stands in no known layer/ },
  { file: 'values/shape.ts', source: "import './shape.js';", rule: /circle: values\/shape\.ts → values\/shape\.ts/ },
  { file: 'device/gpu/index.ts', source: "const load = () => import('gpu.js');", rule: null },
  { file: 'device/gpu/index.ts', source: "import type { GPU } from 'gpu.js';", rule: null },
  {
    file: 'device/gpu/index.ts',
    source: "import { GPU } from 'gpu.js';",
    rule: /dynamically only: the core works without it/,
  },
  {
    file: 'device/select.ts',
    source: "const load = () => import('gpu.js');",
    rule: /only src\/device\/gpu names gpu\.js/,
  },
  { file: 'io/files.ts', source: "const load = () => import('node:fs/promises');", rule: null },
  {
    file: 'io/files.ts',
    source: "import { readFile } from 'node:fs/promises';",
    rule: /node modules are imported dynamically only/,
  },
  { file: 'io/png.ts', source: "import { encode } from 'fast-png';", rule: null },
  { file: 'io/png.ts', source: "import { deflate } from 'fflate';", rule: /declared dependencies only/ },
];
for (const { file, source, rule } of cases)
  test(`${file}: ${source || 'empty'} ${rule === null ? 'is right' : 'is refused'}`, () => {
    const wrong = check({ [file]: source }, ['fast-png', 'ndarray']);
    assert.is(wrong.length, rule === null ? 0 : 1, wrong.join('\n'));
    if (rule !== null) assert.match(wrong[0], rule);
  });

test('a circle through several files is named once', () => {
  const wrong = check(
    { 'nn/a.ts': "import './b.js';", 'nn/b.ts': "import './c.js';", 'nn/c.ts': "import './a.js';" },
    [],
  );
  assert.equal(wrong, ['nn/a.ts imports itself in a circle: nn/a.ts → nn/b.ts → nn/c.ts → nn/a.ts']);
});

test.run();
