/** The processes of the benchmark. Not here: what runs in them (ours.ts, peers/). */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { writeData } from './data.js';
import { repository, results } from './output.js';

export const data = join(results, 'data');
export const build = join(results, 'build');
export const peers = join(repository, 'bench/peers');

// Without these two OpenBLAS chooses its kernels itself, as it would for anyone.
export const { OPENBLAS_CORETYPE: _core, OPENBLAS_L2_SIZE: _cache, ...environment } = process.env;

export interface Command {
  readonly file: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** The environment of processes with another batch size; 0 is the workload's own. */
export const withBatch = (batch: number): Record<string, string> => (batch > 0 ? { BATCH: String(batch) } : {});

/** The JSON lines that a process prints. @throws Error with the last line of stderr if it fails */
export function run({ file, args, env }: Command, budget: number): Promise<unknown[]> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, {
      cwd: repository,
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: 20 * 60_000,
      env: {
        ...environment,
        BUDGET: String(budget),
        BENCH_DATA: data,
        BENCH_MEASURE: pathToFileURL(join(build, 'measure.js')).href,
        PYTHONDONTWRITEBYTECODE: '1',
        T0: String(Math.round((performance.timeOrigin + performance.now()) * 1e6)),
        ...env,
      },
    });
    let out = '';
    let errors = '';
    child.stdout.on('data', (chunk) => (out += chunk));
    child.stderr.on('data', (chunk) => (errors += chunk));
    child.on('error', reject);
    child.on('close', (code, signal) => {
      if (code !== 0) {
        const lines = errors.trim().split('\n');
        const line = lines.find((text) => /^(\S*Error|Uncaught)\b/.test(text.trim())) ?? lines.at(-1);
        reject(new Error(line?.trim() || `ended with ${signal ?? code}`));
      } else
        resolve(
          out
            .split('\n')
            .filter((line) => line.startsWith('{'))
            .map((line) => JSON.parse(line)),
        );
    });
  });
}

const newest = (folder: string): number =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' }).reduce((time, file) => {
    const info = statSync(join(folder, file));
    return info.isFile() ? Math.max(time, info.mtimeMs) : time;
  }, 0);

/**
 * The command that starts this library's processes: on the built package if it is up to date, else
 * on the sources.
 */
export interface Ours {
  readonly from: 'dist' | 'sources';
  command(script: string, args: readonly string[], env?: Readonly<Record<string, string>>): Command;
}

/**
 * Strips the types of the benchmark's own files, so that its processes need no compiler. The files
 * import the package by its name.
 */
export async function prepare(): Promise<Ours> {
  const { default: ts } = await import('typescript');
  mkdirSync(build, { recursive: true });
  const folder = join(repository, 'bench');
  for (const file of readdirSync(folder).filter((name) => name.endsWith('.ts'))) {
    const { outputText } = ts.transpileModule(readFileSync(join(folder, file), 'utf8'), {
      compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext },
    });
    writeFileSync(join(build, file.replace(/\.ts$/, '.js')), outputText);
  }
  writeData(data);
  const entry = join(repository, 'dist/index.js');
  const fresh = existsSync(entry) && statSync(entry).mtimeMs >= newest(join(repository, 'src'));
  return {
    from: fresh ? 'dist' : 'sources',
    command: (script, args, env) => ({
      file: process.execPath,
      args: fresh
        ? [join(build, `${script}.js`), ...args]
        : ['--conditions=cedargrad-source', '--import', 'tsx', join(repository, 'bench', `${script}.ts`), ...args],
      env,
    }),
  };
}
