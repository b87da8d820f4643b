/**
 * The public exports of each entry point of the package and their declared types, as text: one file
 * per entry point in test/api. test/api.ts compares these files with the sources, so that a change
 * of the public interface is seen as a difference of text.
 * usage: npm run api   writes the files
 * Not here: doc comments, private members, and what types mean (npm run types).
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const repository = fileURLToPath(new URL('..', import.meta.url));

/** The emitted declaration files below src: text by path from src, such as `nn/conv.d.ts`. */
export type Declarations = ReadonlyMap<string, string>;

/** An entry point, as users import it, and the file that declares its exports. */
export interface Entry {
  /** Such as `cedargrad/io`. */
  readonly name: string;
  /** Path from src, such as `io/index.d.ts`. */
  readonly file: string;
}

/** The entry points that package.json exports. Their file of text is `snapshotOf(entry)`. */
export function entries(): Entry[] {
  const { name, exports } = JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8')) as {
    name: string;
    exports: Record<string, string | { types: string }>;
  };
  return Object.entries(exports).flatMap(([path, target]) =>
    typeof target === 'string' ? [] : [{ name: posix.join(name, path), file: target.types.replace(/^\.\/dist\//, '') }],
  );
}

/** The file with an entry point's text, for example `test/api/cedargrad-io.txt`. */
export const snapshotOf = ({ name }: Entry): string => join(repository, 'test/api', `${name.replace('/', '-')}.txt`);

/** Emits the declarations of the sources as the build does, without comments. */
export function emitDeclarations(files: readonly Entry[]): Declarations {
  const config = ts.getParsedCommandLineOfConfigFile(
    join(repository, 'tsconfig.build.json'),
    { removeComments: true, emitDeclarationOnly: true, noEmitOnError: false, noCheck: true },
    { ...ts.sys, onUnRecoverableConfigFileDiagnostic: ({ messageText }) => void console.error(messageText) },
  );
  if (config === undefined) throw new Error('api: tsconfig.build.json must be readable');
  const source = join(repository, 'src');
  const roots = files.map(({ file }) => join(source, file.replace(/\.d\.ts$/, '.ts')));
  const program = ts.createProgram(roots, config.options);
  const emitted = new Map<string, string>();
  const output = join(repository, 'dist');
  program.emit(
    undefined,
    (path, text) => void emitted.set(posix.relative(output.replaceAll('\\', '/'), path), text),
    undefined,
    true,
  );
  return emitted;
}

/** A program of declarations that are not on disk. It has no library: names alone are resolved. */
function programOf(declarations: Declarations): ts.Program {
  const options: ts.CompilerOptions = {
    noLib: true,
    types: [],
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
  };
  const pathOf = (file: string): string => file.replace(/^\//, '');
  const host: ts.CompilerHost = {
    ...ts.createCompilerHost(options),
    getCurrentDirectory: () => '/',
    fileExists: (file) => file === '/package.json' || declarations.has(pathOf(file)),
    readFile: (file) => (file === '/package.json' ? '{ "type": "module" }' : declarations.get(pathOf(file))),
    directoryExists: () => true,
    getDirectories: () => [],
    realpath: (file) => file,
    getSourceFile(file, version) {
      const text = declarations.get(pathOf(file));
      return text === undefined ? undefined : ts.createSourceFile(file, text, version, true);
    },
  };
  return ts.createProgram(
    [...declarations.keys()].map((file) => `/${file}`),
    options,
    host,
  );
}

const isPrivate = (member: ts.ClassElement): boolean =>
  (member.name !== undefined && ts.isPrivateIdentifier(member.name)) ||
  (ts.getCombinedModifierFlags(member) & ts.ModifierFlags.Private) !== 0;

/** Leaves out private members, and the paths of `import('./file.js').Name`. */
const publicPart: ts.TransformerFactory<ts.Node> = (context) => {
  const { factory } = context;
  const visit = (node: ts.Node): ts.Node | undefined => {
    if (ts.isClassElement(node) && isPrivate(node)) return undefined;
    const plain = ts.visitEachChild(node, visit, context);
    if (!ts.isImportTypeNode(plain) || plain.qualifier === undefined) return plain;
    const { argument, qualifier, typeArguments } = plain;
    const isOurs = ts.isLiteralTypeNode(argument) && /^["']\./.test(argument.getText());
    if (!isOurs) return plain;
    return plain.isTypeOf
      ? factory.createTypeQueryNode(qualifier, typeArguments)
      : factory.createTypeReferenceNode(qualifier, typeArguments);
  };
  return (node) => visit(node) as ts.Node;
};

const printer = ts.createPrinter({ removeComments: true });

/** The statement that declares, for a variable the list with its keywords. */
function statementOf(declaration: ts.Declaration): ts.Node {
  return ts.isVariableDeclaration(declaration) ? declaration.parent.parent : declaration;
}

function textOf(declaration: ts.Declaration): string {
  const statement = statementOf(declaration);
  const { transformed } = ts.transform(statement, [publicPart]);
  return printer.printNode(ts.EmitHint.Unspecified, transformed[0], declaration.getSourceFile());
}

const headline = (name: string): string => `# ${name}`;

/**
 * The text of each entry point: a section per export, sorted by name, with its declarations. An
 * export that an earlier entry point has too refers to that one. Types that no entry point exports,
 * but that the exported declarations name, follow at the end.
 */
export function describe(declarations: Declarations, entryPoints: readonly Entry[]): Map<Entry, string> {
  const program = programOf(declarations);
  const checker = program.getTypeChecker();
  const aliased = (symbol: ts.Symbol): ts.Symbol =>
    (symbol.flags & ts.SymbolFlags.Alias) !== 0 ? checker.getAliasedSymbol(symbol) : symbol;
  const byName = (a: ts.Symbol, b: ts.Symbol): number => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0);
  const exportsOf = (symbol: ts.Symbol): ts.Symbol[] => checker.getExportsOfModule(symbol).sort(byName);

  /** What an entry point has shown, with the words that refer to it. */
  const shown = new Map<ts.Symbol, string>();
  /** Types of no entry point, in the order in which they are met. */
  const hidden = new Set<ts.Symbol>();
  const all = new Set<ts.Symbol>();

  const isTopLevel = (symbol: ts.Symbol): boolean =>
    symbol.declarations?.some((node) => {
      const { parent } = statementOf(node);
      return parent !== undefined && ts.isSourceFile(parent);
    }) === true;
  /** Notes which declarations of ours a declaration names. */
  const lookFor = (node: ts.Node): void => {
    if (ts.isClassElement(node) && isPrivate(node)) return;
    if (ts.isIdentifier(node)) {
      const found = checker.getSymbolAtLocation(node);
      const symbol = found === undefined ? undefined : aliased(found);
      if (symbol !== undefined && isTopLevel(symbol) && !all.has(symbol)) hidden.add(symbol);
    }
    ts.forEachChild(node, lookFor);
  };

  const section = (name: string, symbol: ts.Symbol): string => {
    const nodes = symbol.declarations ?? [];
    const file = nodes.find(ts.isSourceFile);
    if (file !== undefined) {
      const inner = exportsOf(symbol).map((member) => section(`${name}.${member.name}`, aliased(member)));
      return [`${headline(name)}\nnamespace`, ...inner].join('\n\n');
    }
    for (const node of nodes) lookFor(statementOf(node));
    return [headline(name), ...nodes.map(textOf)].join('\n');
  };
  const collect = (symbol: ts.Symbol): void => {
    all.add(symbol);
    if (symbol.declarations?.some(ts.isSourceFile)) for (const member of exportsOf(symbol)) collect(aliased(member));
  };

  const moduleOf = ({ name, file }: Entry): ts.Symbol => {
    const source = program.getSourceFile(`/${file}`);
    const symbol = source && checker.getSymbolAtLocation(source);
    if (symbol === undefined) throw new Error(`api: ${name} must export something; got ${file}`);
    return symbol;
  };
  for (const entry of entryPoints) for (const symbol of exportsOf(moduleOf(entry))) collect(aliased(symbol));

  const texts = new Map<Entry, string>();
  for (const entry of entryPoints) {
    const sections = exportsOf(moduleOf(entry)).map((symbol) => {
      const target = aliased(symbol);
      const words = shown.get(target);
      if (words !== undefined) return `${headline(symbol.name)}\n${words}`;
      shown.set(target, `as in ${entry.name}`);
      return section(symbol.name, target);
    });
    const others: string[] = [];
    for (const symbol of hidden) {
      if (shown.has(symbol)) continue;
      shown.set(symbol, '');
      // Its own types join the set, and the loop meets them too.
      others.push(section(`${symbol.name} (not exported)`, symbol));
    }
    texts.set(entry, `${[...sections, ...others.sort()].join('\n\n')}\n`);
  }
  return texts;
}

/** The difference of two texts of an entry point, by sections. Empty if they are equal. */
export function differences(before: string, after: string): string[] {
  const sections = (text: string): Map<string, string> => {
    const found = new Map<string, string>();
    for (const part of text.split(/^# /m).filter((each) => each.trim() !== '')) {
      const end = part.indexOf('\n');
      const name = part.slice(0, end);
      // Two files may each have a hidden type of the same name.
      found.set(name, `${found.get(name) ?? ''}${part.slice(end).trimEnd()}\n`);
    }
    return found;
  };
  const [old, now] = [sections(before), sections(after)];
  const indent = (mark: string, lines: readonly string[]): string[] => lines.map((line) => `  ${mark} ${line.trim()}`);
  const found: string[] = [];
  for (const [name, text] of old) {
    const current = now.get(name);
    if (current === undefined) found.push(`removed: ${name}`);
    else if (current !== text) {
      const [lines, others] = [text.split('\n'), current.split('\n')];
      found.push(
        [
          `changed: ${name}`,
          ...indent(
            '-',
            lines.filter((line) => !others.includes(line)),
          ),
          ...indent(
            '+',
            others.filter((line) => !lines.includes(line)),
          ),
        ].join('\n'),
      );
    }
  }
  for (const name of now.keys()) if (!old.has(name)) found.push(`added: ${name}`);
  return found;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const list = entries();
  for (const [entry, text] of describe(emitDeclarations(list), list)) {
    const path = snapshotOf(entry);
    const before = existsSync(path) ? readFileSync(path, 'utf8') : '';
    for (const difference of differences(before, text)) console.log(`${entry.name}: ${difference}`);
    writeFileSync(path, text);
  }
}
