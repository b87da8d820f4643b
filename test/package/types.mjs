// The published types in a stranger's project: without the DOM's and Node's types, with library checks on, on the least TypeScript and on ours.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** The least version that compiles the types. It is the first whose typed arrays name their buffer (Int32Array<ArrayBuffer>). */
export const leastTypeScript = '5.7';

/** Each as a stranger may have it. `types: []` and `lib` leave out the types of Node and of the DOM. */
const settings = {
  Node: { module: 'nodenext', lib: ['es2022'] },
  'a bundler': { module: 'esnext', moduleResolution: 'bundler', lib: ['es2022'] },
  'a page': { module: 'esnext', moduleResolution: 'bundler', lib: ['es2022', 'dom'], exactOptionalPropertyTypes: true },
};

const everything = `import * as core from 'cedargrad';
import * as browser from 'cedargrad/browser';
import * as data from 'cedargrad/data';
import * as io from 'cedargrad/io';
import * as train from 'cedargrad/train';
type All = typeof core & typeof data & typeof io & typeof train;
type Same = [All] extends [typeof browser] ? ([typeof browser] extends [All] ? true : false) : false;
const same: Same = true;
const names = [core, data, io, train].flatMap((module) => Object.keys(module)).sort().join();
if (!same || names !== Object.keys(browser).sort().join()) throw new Error('names: ' + Object.keys(browser));
`;

/** Compiles `files` of a project, into its folder `built`. `compile` runs a compiler there. */
export function compile(run, project, files, options = settings.Node) {
  const compilerOptions = {
    strict: true,
    target: 'es2022',
    skipLibCheck: false,
    types: [],
    outDir: 'built',
    ...options,
  };
  writeFileSync(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, files }));
  run();
}

/** `compilers` are the paths of tsc, by name. */
export function checkTypes({ check, project, node, compilers, model }) {
  writeFileSync(join(project, 'everything.ts'), everything);
  writeFileSync(join(project, 'typed.ts'), model);
  for (const [compiler, tsc] of Object.entries(compilers))
    for (const [name, options] of Object.entries(settings))
      check(`the types compile with ${compiler} for ${name}, without skipLibCheck`, () =>
        compile(() => node([tsc()], project), project, ['typed.ts', 'everything.ts'], options),
      );
  check('the model that TypeScript compiled trains', () => void node([join('built', 'typed.js')], project));
  check(
    'the build for pages exports what all entry points export, with their types',
    () => void node(['--no-warnings', join('built', 'everything.js')], project),
  );
}
