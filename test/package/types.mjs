/**
 * Checks the published types in a user's project. `skipLibCheck` is off. The compilers are the
 * least version of TypeScript that is supported and our own version. Only the project of a page has
 * the types of the DOM, and none has those of Node.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * The least version that compiles the types. It is the first version in which typed arrays have
 * their buffer as a type parameter, as in Int32Array<ArrayBuffer>.
 */
export const leastTypeScript = '5.7';

/**
 * Compiler options that a user's project may have, by the place where it runs. `types: []` leaves
 * out the types of Node, and a `lib` without 'dom' leaves out those of the DOM.
 */
const settings = {
  Node: { module: 'nodenext', lib: ['es2022'] },
  'a bundler': { module: 'esnext', moduleResolution: 'bundler', lib: ['es2022'] },
  'a page': { module: 'esnext', moduleResolution: 'bundler', lib: ['es2022', 'dom'], exactOptionalPropertyTypes: true },
};

const everything = `import * as core from 'cedargrad';
import * as browser from 'cedargrad/browser';
import * as data from 'cedargrad/data';
import * as distributed from 'cedargrad/distributed';
import * as io from 'cedargrad/io';
import * as models from 'cedargrad/models';
import * as train from 'cedargrad/train';
// Two entry points have a checkpoint.
type Core = Omit<typeof core, 'checkpoint'> & { gradientCheckpoint: typeof core.checkpoint };
type All = Core & typeof data & typeof io & typeof models & typeof train;
type Same = [All] extends [typeof browser] ? ([typeof browser] extends [All] ? true : false) : false;
const same: Same = true;
const own = Object.keys(core).map((name) => (name === 'checkpoint' ? 'gradientCheckpoint' : name));
const names = [...own, ...[data, io, models, train].flatMap((module) => Object.keys(module))].sort().join();
if (!same || names !== Object.keys(browser).sort().join()) throw new Error('names: ' + Object.keys(browser));
// A page has no other processes.
if ((await distributed.distributed()).size !== 1 || 'distributed' in browser) throw new Error('distributed');
`;

/** Compiles `files` of a project into its folder `built`. `run` starts the compiler there. */
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

/**
 * Runs the checks of this file in `project`. `compilers` has a function for each compiler, by name,
 * that returns the path of its tsc.
 */
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
