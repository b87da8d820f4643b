/**
 * Mutation testing: changes the sources in small ways, one at a time, and sees whether a test
 * fails. A mutant survives if every test passes. Then a test is missing, or the change has no
 * effect, and docs/mutation-survivors.md says why. The sample is drawn from a fixed seed
 * (docs/decisions/0020-mutation-testing.md).
 *
 * The mutants run in two copies of the repository in a temporary folder. All TypeScript is compiled
 * there once, which halves the time of a quick test file. Only the test files that execute the
 * changed code are run, up to the first failing test. The command fails if less than 95 % are
 * killed, or if a survivor is not explained.
 * WORD limits it to files whose path contains one of the words. --again limits it to the survivors
 * of the last run.
 * usage: npm run mutate [-- [--sample N] [--again] WORD...]
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { transformSync } from 'esbuild';
import { runFile, testFiles } from '../helpers/run-file.js';
import { readCoverage } from './coverage.js';
import { diffOf, explained, keyOf } from './explained.js';
import { type Mutant, mutantsOf } from './mutants.js';

const seed = 1;
const leastKilled = 0.95;
const folders = ['autograd', 'device', 'nn', 'optim'];
const binary = 'src/device/wasm/binary.ts';
const repository = fileURLToPath(new URL('../..', import.meta.url));
const out = join(repository, 'out/mutate');
const survivorsPage = 'docs/mutation-survivors.md';

const { values: options, positionals: words } = parseArgs({
  options: { sample: { type: 'string', default: '320' }, again: { type: 'boolean', default: false } },
  allowPositionals: true,
});
const isKernel = (file: string): boolean => file.startsWith('src/device/wasm/assembly/');
const read = (file: string): string => readFileSync(join(repository, file), 'utf8');

// ---- copies

const temporary = mkdtempSync(join(tmpdir(), 'cedargrad-mutate-'));
process.on('exit', () => rmSync(temporary, { recursive: true, force: true }));
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(1));

/** As tsconfig.json has it. */
const compile = (text: string, sourcefile: string): string =>
  transformSync(text, {
    loader: 'ts',
    sourcefile,
    sourcemap: 'inline',
    tsconfigRaw: { compilerOptions: { target: 'ES2022', verbatimModuleSyntax: true } },
  }).code;
const compiledName = (file: string): string => file.replace(/\.ts$/, '.js');

function copy(name: string): string {
  const to = join(temporary, name);
  const listed = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: repository,
    encoding: 'utf8',
  });
  for (const file of [
    ...listed
      .split('\0')
      .filter((each) => each !== '' && each !== 'node_modules' && existsSync(join(repository, each))),
    binary,
  ]) {
    mkdirSync(dirname(join(to, file)), { recursive: true });
    copyFileSync(join(repository, file), join(to, file));
    if (file.endsWith('.ts') && !file.endsWith('.d.ts') && !isKernel(file))
      writeFileSync(join(to, compiledName(file)), compile(read(file), file));
  }
  // The package finds itself by the condition 'cedargrad-source'.
  const description = read('package.json').replaceAll(/("cedargrad-source": ".*)\.ts"/g, '$1.js"');
  writeFileSync(join(to, 'package.json'), description);
  symlinkSync(join(repository, 'node_modules'), join(to, 'node_modules'), 'dir');
  return to;
}
const copies = [copy('a'), copy('b')];

/** Does work in both copies, one item at a time in each, until `next` has no more. */
async function inBoth<T>(next: () => T | undefined, work: (item: T, root: string) => Promise<void>): Promise<void> {
  await Promise.all(
    copies.map(async (root) => {
      for (let item = next(); item !== undefined; item = next()) await work(item, root);
    }),
  );
}

// ---- mutants and the tests that run them

const sources = folders.flatMap((folder) =>
  readdirSync(join(repository, 'src', folder), { recursive: true, encoding: 'utf8' })
    .map((file) => `src/${folder}/${file.replaceAll('\\', '/')}`)
    .filter((file) => file.endsWith('.ts') && file !== binary)
    .sort(),
);
const all = sources.flatMap((file) => mutantsOf(file, read(file), seed));
const places = new Map(
  sources
    .filter((file) => !isKernel(file))
    .map((file) => [file, [...new Set(all.filter((m) => m.file === file).map((m) => m.start))].sort((a, b) => a - b)]),
);

/**
 * The positions that a test file executes, and its time. They are kept between runs, as long as
 * nothing that it may execute has changed.
 */
interface Known {
  readonly key: string;
  readonly seconds: number;
  readonly executed: Readonly<Record<string, readonly number[]>>;
}
/**
 * Tests of files that are not changed here, and whole programs and trainings. A mutant that only
 * these detect deserves a test of its own.
 */
const leftOut =
  /^(data|examples|io|judges|train)\/|^(cedn|copies|documents|import-order|run-self|unpooling-guide|ops\/completeness)\.ts/;
const tests = testFiles(join(repository, 'test')).filter((file) => !leftOut.test(file));

/** Test files that fail without any change. */
const broken: string[] = [];

const textOf = (folder: string): string =>
  readdirSync(join(repository, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .sort()
    .map((file) => read(`${folder}/${file}`))
    .join('\0');
const common = ['src', 'examples', 'test/helpers', 'test/mutate'].map(textOf).join('\0');

async function measured(): Promise<Map<string, Known>> {
  mkdirSync(out, { recursive: true });
  const cache = join(out, 'coverage.json');
  const before: Record<string, Known> = existsSync(cache) ? JSON.parse(readFileSync(cache, 'utf8')) : {};
  const known = new Map<string, Known>();
  const left = [...tests];
  await inBoth(
    () => left.shift(),
    async (test, root) => {
      const key = createHash('sha256')
        .update(common)
        .update(read(`test/${test}`))
        .digest('hex');
      if (before[test]?.key === key) {
        known.set(test, before[test]);
        return;
      }
      const folder = mkdtempSync(join(temporary, 'coverage-'));
      const start = performance.now();
      const { failed, output } = await runFile(join(root, 'test', compiledName(test)), {
        cwd: root,
        node: [],
        timeLimitMs: 600_000,
        env: { NODE_V8_COVERAGE: folder },
      });
      const seconds = (performance.now() - start) / 1000;
      if (failed > 0) {
        broken.push(test);
        console.log(`fails without any change, and is left out: ${test}\n${output}`);
        return;
      }
      const executed = [...readCoverage(folder, root, places)].map(([file, starts]) => [file, [...starts]]);
      known.set(test, { key, seconds, executed: Object.fromEntries(executed) });
      writeFileSync(cache, JSON.stringify(Object.fromEntries(known)));
      console.log(`covers  ${test}  ${seconds.toFixed(1)} s`);
    },
  );
  return known;
}

/**
 * The test files that execute the changed position. Those likely to fail soon come first: quick
 * ones, and those with a name like the file's. Conformance only runs for files of devices, because
 * an op runs the same code on all devices that it compares.
 */
function testsOf({ file, start }: Mutant, known: ReadonlyMap<string, Known>): string[] {
  const names = new Set(file.split(/\W/).slice(1, -1));
  const cost = (test: string): number => {
    const alike = test.split(/\W/).filter((name) => names.has(name)).length;
    return (known.get(test) as Known).seconds * 0.3 ** alike;
  };
  return [...known]
    .filter(([test]) => file.startsWith('src/device/') || !test.endsWith('conformance.ts'))
    .filter(([, { executed }]) =>
      isKernel(file) ? executed['src/device/wasm/index.ts'] !== undefined : executed[file]?.includes(start),
    )
    .map(([test]) => test)
    .sort((a, b) => cost(a) - cost(b));
}

// ---- one mutant

type Fate = 'killed' | 'survived' | 'same';
interface Result {
  readonly mutant: Mutant;
  readonly fate: Fate;
  /** The test file that failed; for a survivor, how many passed. */
  readonly by: string;
  readonly seconds: number;
}

const kernels: {
  compile(root: string, build: 'simd' | 'relaxed'): Promise<Buffer>;
  moduleOf(simd: Buffer, relaxed: Buffer): string;
} = await import(new URL('../../scripts/kernels.mjs', import.meta.url).href);

/**
 * Changes a file in a copy of the repository, and its compiled code. Returns false if the compiled
 * code stays the same, or the change does not compile.
 */
async function change(file: string, text: string, root: string): Promise<boolean> {
  writeFileSync(join(root, file), text);
  if (isKernel(file)) {
    try {
      const bytes = await kernels.compile(root, 'simd');
      if (read(binary).includes(bytes.toString('base64'))) return false;
      // In the place of both builds, so that it runs on every Node.
      writeFileSync(join(root, compiledName(binary)), compile(kernels.moduleOf(bytes, bytes), binary));
      return true;
    } catch {
      return false;
    }
  }
  const minified = (code: string): string => transformSync(code, { loader: 'ts', minify: true }).code;
  try {
    if (minified(text) === minified(read(file))) return false;
  } catch {
    return false;
  }
  writeFileSync(join(root, compiledName(file)), compile(text, file));
  return true;
}

function restore(file: string, root: string): void {
  for (const each of isKernel(file) ? [file, binary] : [file]) {
    copyFileSync(join(repository, each), join(root, each));
    if (!isKernel(each)) writeFileSync(join(root, compiledName(each)), compile(read(each), each));
  }
}

async function fateOf(
  mutant: Mutant,
  root: string,
  known: ReadonlyMap<string, Known>,
): Promise<Pick<Result, 'fate' | 'by'>> {
  const { file, start, end, replacement } = mutant;
  const original = read(file);
  try {
    if (!(await change(file, original.slice(0, start) + replacement + original.slice(end), root)))
      return { fate: 'same', by: 'no test' };
    const chosen = testsOf(mutant, known);
    for (const test of chosen) {
      const { failed } = await runFile(join(root, 'test', compiledName(test)), {
        cwd: root,
        node: [],
        timeLimitMs: 1000 * (20 + 5 * (known.get(test) as Known).seconds),
        stopAtFailure: true,
      });
      if (failed > 0) return { fate: 'killed', by: test };
    }
    return { fate: 'survived', by: `${chosen.length} test files` };
  } finally {
    restore(file, root);
  }
}

// ---- all of them

const results = join(out, 'results.json');
const last: { survivors: Mutant[] } = options.again ? JSON.parse(readFileSync(results, 'utf8')) : { survivors: [] };
const again = new Set(last.survivors.map(keyOf));
const sample = all
  .filter(
    (m) =>
      (!options.again || again.has(keyOf(m))) && (words.length === 0 || words.some((word) => m.file.includes(word))),
  )
  .sort((a, b) => a.rank - b.rank);

const started = performance.now();
const known = await measured();
const done: Result[] = [];
let wanted = Number(options.sample);

/** Hands out mutants in their order; for each that turned out to be the same code, one more. */
let handedOut = 0;
const next = (): Mutant | undefined => (handedOut < wanted ? sample[handedOut++] : undefined);
await inBoth(next, async (mutant, root) => {
  const start = performance.now();
  const { fate, by } = await fateOf(mutant, root, known);
  const seconds = (performance.now() - start) / 1000;
  if (fate === 'same') wanted++;
  done.push({ mutant, fate, by, seconds });
  console.log(`${fate.padEnd(8)}  ${mutant.file}:${mutant.line}  ${by}  ${seconds.toFixed(1)} s`);
  if (fate === 'survived') console.log(diffOf(mutant));
});

const valid = done.filter(({ fate }) => fate !== 'same');
const survivors = valid.filter(({ fate }) => fate === 'survived').map(({ mutant }) => mutant);
const minutes = (performance.now() - started) / 60_000;
writeFileSync(results, JSON.stringify({ seed, minutes, survivors, results: done }, null, 1));

console.log('\nfolder     mutants  killed');
for (const folder of [...folders, '']) {
  const own = valid.filter(({ mutant }) => mutant.file.startsWith(`src/${folder}`));
  const killed = own.filter(({ fate }) => fate === 'killed').length;
  const percent = own.length === 0 ? '' : `${((100 * killed) / own.length).toFixed(1)} %`;
  console.log(
    `${(folder || 'all').padEnd(9)} ${String(own.length).padStart(8)} ${String(killed).padStart(7)}  ${percent}`,
  );
}
const reasons = existsSync(join(repository, survivorsPage)) ? explained(read(survivorsPage)) : new Set();
const unexplained = survivors.filter((mutant) => !reasons.has(keyOf(mutant)));
for (const mutant of unexplained)
  console.log(`\nnot explained in ${survivorsPage}: ${mutant.file}:${mutant.line}\n${diffOf(mutant)}`);
const share = valid.length === 0 ? 1 : 1 - survivors.length / valid.length;
console.log(
  `\n${valid.length} mutants, ${valid.length - survivors.length} killed, ${survivors.length} survived, ` +
    `${unexplained.length} of them not explained; ${done.length - valid.length} more were the same code; ${minutes.toFixed(1)} minutes`,
);
process.exitCode = share < leastKilled || unexplained.length > 0 || broken.length > 0 ? 1 : 0;
