/**
 * Every exported op has a row in the op table, known numbers for each of its options and defaults,
 * and a complete doc comment. Every row names an exported op.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import * as cedar from '../../src/index.js';
import { knownCalls } from '../helpers/known.js';
import { opTable } from '../helpers/op-table.js';

const test = suite('op table completeness');
const directory = new URL('../../src/autograd/ops/', import.meta.url);
const files = readdirSync(directory).filter((file) => file.endsWith('.ts'));
const exported = cedar as unknown as Record<string, unknown>;

/** The functions of ops: exports of src/autograd/ops that index.ts exports too, without classes. */
const ops = new Map<string, string>();
for (const file of files) {
  const module = (await import(new URL(file, directory).href)) as Record<string, unknown>;
  for (const [name, value] of Object.entries(module))
    if (
      typeof value === 'function' &&
      exported[name] === value &&
      !/^class\b/.test(Function.prototype.toString.call(value))
    )
      ops.set(name, file);
}

test('the list of ops is not empty and holds the known families', () => {
  assert.ok(ops.size >= 60, `${ops.size} ops`);
  for (const name of [
    'add',
    'relu',
    'sum',
    'reshape',
    'matmul',
    'conv2d',
    'conv2dTranspose',
    'maxPool2d',
    'maxUnpool2d',
    'bceWithLogits',
    'dropout',
  ])
    assert.ok(ops.has(name), name);
});

test('every exported op has a row', () => {
  const missing = [...ops.keys()].filter((name) => !opTable.some((row) => row.op === name));
  assert.equal(missing, [], 'add a row to test/helpers/op-table.ts');
});

test('every row names an exported op, and has a name of its own', () => {
  assert.equal(
    opTable.map((row) => row.op).filter((name) => !ops.has(name)),
    [],
  );
  const names = opTable.map((row) => row.name);
  assert.equal(
    names.filter((name, i) => names.indexOf(name) !== i),
    [],
  );
});

/**
 * The declared optional parameters of each op, and the options of its option objects. Also the
 * named types of parameters and options that index.ts does not export.
 */
function declarations(): { options: Map<string, Set<string>>; hidden: string[] } {
  const index = fileURLToPath(new URL('../../src/index.ts', import.meta.url));
  const program = ts.createProgram([index], {
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    lib: ['lib.es2023.d.ts', 'lib.dom.d.ts'],
    strict: true,
    skipLibCheck: true,
    types: ['node'],
  });
  const checker = program.getTypeChecker();
  const source = program.getSourceFile(index) as ts.SourceFile;
  const exports = checker.getExportsOfModule(checker.getSymbolAtLocation(source) as ts.Symbol);
  const options = new Map<string, Set<string>>();
  // Axes is short for a union that a caller can write.
  const named = new Set([...exports.map(({ name }) => name), 'ArrayLike', 'Partial', 'Omit', 'Axes']);
  const hidden: string[] = [];
  const look = (op: string, declaration: ts.Node | undefined): void => {
    const type = (declaration as ts.ParameterDeclaration | ts.PropertySignature | undefined)?.type?.getText() ?? '';
    const words = type.replaceAll(/'[^']*'/g, '').match(/\b[A-Z]\w+/g) ?? [];
    hidden.push(...words.filter((name) => !named.has(name)).map((name) => `${name} of ${op}`));
  };
  for (const symbol of exports) {
    if (!ops.has(symbol.name)) continue;
    const names = new Set<string>();
    const [signature] = checker.getTypeOfSymbolAtLocation(symbol, source).getCallSignatures();
    for (const parameter of signature.getParameters()) {
      const declaration = parameter.valueDeclaration as ts.ParameterDeclaration;
      look(symbol.name, declaration);
      const type = checker.getNonNullableType(checker.getTypeOfSymbolAtLocation(parameter, declaration));
      const forms = (type.isUnion() ? type.types : [type]).filter((form) => {
        const declared = form.aliasSymbol ?? type.aliasSymbol ?? form.symbol;
        return /Options$/.test(declared?.name ?? '') || form.symbol?.name === '__type';
      });
      if (forms.length === 0) {
        if (checker.isOptionalParameter(declaration)) names.add(parameter.name);
        continue;
      }
      const properties = forms.flatMap((form) => checker.getPropertiesOfType(form));
      for (const { valueDeclaration } of properties) look(symbol.name, valueDeclaration);
      const found = new Set(properties.map(({ name }) => name));
      for (const name of found) {
        const needed = forms.every((form) => {
          const property = checker.getPropertyOfType(form, name);
          return property !== undefined && (property.flags & ts.SymbolFlags.Optional) === 0;
        });
        if (!needed) names.add(name);
      }
    }
    options.set(symbol.name, names);
  }
  return { options, hidden };
}
const { options, hidden } = declarations();

test("the types of ops' parameters and options can be named by a caller", () => {
  assert.equal(hidden, [], 'export them from src/index.ts');
});

test('the options of ops are found where they are declared', () => {
  assert.is(options.size, ops.size);
  const sorted = (op: string): string[] => [...(options.get(op) ?? [])].sort();
  assert.equal(sorted('tanh'), []);
  assert.equal(sorted('relu'), ['inPlace']);
  assert.equal(sorted('leakyRelu'), ['slope']);
  assert.equal(sorted('softmax'), ['axis']);
  assert.equal(sorted('std'), ['axes', 'correction', 'keepDims']);
  assert.equal(sorted('conv2d'), ['bias', 'dilation', 'groups', 'padding', 'stride']);
  assert.equal(sorted('crossEntropy'), ['ignoreIndex', 'labelSmoothing', 'reduction', 'weight']);
  assert.ok(sorted('maxUnpool2d').includes('kernelSize') && sorted('maxUnpool2d').includes('strides'));
});

for (const [op, declared] of options)
  test(`${op} has known numbers, with and without each option`, () => {
    const calls = knownCalls.filter((call) => call.op === op);
    assert.ok(calls.length > 0, 'add a case to test/fixtures/gen_expected.py and a call to test/helpers/known.ts');
    for (const option of declared) {
      assert.ok(
        calls.some(({ gives }) => gives.includes(option)),
        `no known call of ${op} gives ${option}`,
      );
      assert.ok(
        calls.some(({ gives }) => !gives.includes(option)),
        `no known call of ${op} leaves ${option} to its default`,
      );
    }
    const unknown = calls.flatMap(({ gives }) => gives).filter((name) => !declared.has(name));
    assert.equal(unknown, [], 'these are no options');
  });

for (const [name, file] of ops)
  test(`${name} documents @shape, @gradient, @throws and @source`, () => {
    const source = readFileSync(new URL(file, directory), 'utf8');
    const at = source.search(new RegExp(`^export (?:function|const) ${name}\\b`, 'm'));
    assert.ok(at >= 0, `no export of ${name} in ${file}`);
    const before = source.slice(0, at).trimEnd();
    assert.ok(before.endsWith('*/'), `${name} in ${file} has no doc comment right above it`);
    const comment = before.slice(before.lastIndexOf('/**'));
    for (const tag of ['@shape', '@gradient', '@throws', '@source'])
      assert.ok(comment.includes(tag), `${name} in ${file} lacks ${tag}`);
  });

test.run();
