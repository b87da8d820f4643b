/**
 * Trains on several processes by Open MPI: equality with one process, repetition, faults, and
 * resuming with another number of ranks. It needs mpirun and koffi, and ends in "N passed, N
 * failed". Not here: what needs no MPI (test/distributed).
 * usage: npm run mpi-check
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { decodeSafetensors } from 'cedargrad/io';
import * as assert from 'uvu/assert';
import type { Outcome } from './equality.js';

const rankCounts = [2, 4];
/** Longest time from a fault to the end of all ranks. @units seconds */
const mostSeconds = 10;
const timeLimitMs = 120_000;

interface Ended {
  readonly status: number | null;
  readonly output: string;
  readonly seconds: number;
}

/** Runs a program of this folder, alone for 0 ranks, else by mpirun. */
function start(ranks: number, file: string, ...args: string[]): Ended {
  const program = fileURLToPath(new URL(file, import.meta.url));
  const node = [process.execPath, '--conditions=cedargrad-source', '--import', 'tsx', program, ...args];
  const asRoot = process.getuid?.() === 0 ? ['--allow-run-as-root'] : [];
  // In some containers a process may not read another one's memory.
  const mpi = ['--oversubscribe', '--mca', 'btl_vader_single_copy_mechanism', 'none'];
  const command = ranks === 0 ? node : ['mpirun', ...asRoot, ...mpi, '-np', String(ranks), ...node];
  const from = performance.now();
  const { status, stdout, stderr, error } = spawnSync(command[0] as string, command.slice(1), {
    encoding: 'utf8',
    timeout: timeLimitMs,
  });
  if (error !== undefined) throw error;
  return { status, output: stdout + stderr, seconds: (performance.now() - from) / 1000 };
}

function succeed(ranks: number, file: string, ...args: string[]): Ended {
  const ended = start(ranks, file, ...args);
  assert.is(ended.status, 0, ended.output);
  return ended;
}

const work = mkdtempSync(join(tmpdir(), 'cedargrad-mpi-'));
const folder = (): string => mkdtempSync(join(work, 'run-'));
let passed = 0;
let failed = 0;
function check(name: string, fn: () => string): void {
  try {
    console.log(`ok   ${name}: ${fn()}`);
    passed++;
  } catch (error) {
    failed++;
    console.log(`FAIL ${name}\n${(error as Error).stack}`);
  }
}

const norm = (a: readonly number[], b: readonly number[]): number =>
  Math.sqrt(a.reduce((sum, v, i) => sum + (v - (b[i] as number)) ** 2, 0));
const farthest = (a: readonly number[], b: readonly number[]): number =>
  Math.max(0, ...a.map((v, i) => Math.abs(v - (b[i] as number))));

/** The way from the first weights to the last, and how far the weights end from each other. */
function compare(alone: Outcome, together: Outcome): string {
  assert.is(farthest(alone.before, together.before), 0, 'the first weights differ');
  const way = norm(alone.weights, alone.before);
  assert.ok(way > 0.1, `the weights hardly move: ${way}`);
  const distance = norm(alone.weights, together.weights) / way;
  const losses = farthest(alone.losses, together.losses);
  const validation = farthest(alone.validation, together.validation);
  assert.ok(distance < 1e-4 && losses < 1e-6 && validation < 1e-4, `${distance}, ${losses}, ${validation}`);
  return `weights ${distance.toExponential(1)}, losses ${losses.toExponential(1)}`;
}

const outcomesOf = (ranks: number): Record<string, Outcome> => {
  const file = join(folder(), 'outcomes.json');
  succeed(ranks, 'equality.ts', file);
  return JSON.parse(readFileSync(file, 'utf8'));
};

const alone = outcomesOf(0);
for (const ranks of rankCounts) {
  const together = outcomesOf(ranks);
  for (const [name, outcome] of Object.entries(together))
    check(`${ranks} ranks agree with one process: ${name}`, () => {
      if (name.endsWith('compiled')) assert.equal(outcome.modes, ['eager', 'recorded', 'compiled']);
      return compare(alone[name] as Outcome, outcome);
    });
}
const weightsIn = (at: string): Buffer => readFileSync(join(at, 'weights'));
const floatsIn = (at: string): number[] => {
  const { tensors } = decodeSafetensors(weightsIn(at));
  return Object.values(tensors).flatMap((t) => [...(t.data as Float32Array)]);
};

const whole = folder();
succeed(0, 'small.ts', whole, '0', 'none');
check('mpirun with one rank gives the same bits as no mpirun', () => {
  const at = folder();
  succeed(1, 'small.ts', at, '0', 'none');
  assert.ok(weightsIn(at).equals(weightsIn(whole)));
  return 'equal';
});
for (const ranks of rankCounts)
  check(`${ranks} ranks repeat their bits, and only rank 0 prints`, () => {
    const [first, second] = [folder(), folder()];
    const { output } = succeed(ranks, 'small.ts', first, '0', 'none');
    succeed(ranks, 'small.ts', second, '0', 'none');
    assert.ok(weightsIn(first).equals(weightsIn(second)));
    assert.is(output.match(/^epoch /gm)?.length, 3, output);
    return 'equal';
  });

check('a run of 2 ranks goes on with 4 and ends alone', () => {
  const at = folder();
  succeed(2, 'small.ts', at, '13', 'none');
  succeed(4, 'small.ts', at, '22', 'none');
  succeed(0, 'small.ts', at, '0', 'none');
  const [one, other] = [floatsIn(whole), floatsIn(at)];
  const distance = farthest(one, other);
  assert.ok(distance < 1e-5, `weights differ by ${distance}`);
  return `weights differ by ${distance.toExponential(1)}`;
});

interface Fault {
  readonly ranks: readonly number[];
  readonly message: RegExp;
  /** Whether it happens after a checkpoint was written. */
  readonly resumes: boolean;
}
const hasEnded = /another rank has ended, and this one waits for it/g;
const faults: Readonly<Record<string, Fault>> = {
  throw: { ranks: [2, 4], message: /^Error: the data are gone$/gm, resumes: true },
  kill: { ranks: [2, 4], message: /exited on signal 9/g, resumes: true },
  exit: { ranks: [2], message: hasEnded, resumes: true },
  leave: { ranks: [4], message: hasEnded, resumes: true },
  model: {
    ranks: [2, 4],
    message: /ValueError\]?: distributed: all ranks must have the same model.*; got rank 0: .*; rank 1: /g,
    resumes: false,
  },
};
const undisturbed = succeed(2, 'small.ts', folder(), '0', 'none').seconds;
for (const [fault, { ranks: counts, message, resumes }] of Object.entries(faults))
  for (const ranks of counts)
    check(`${ranks} ranks end together: ${fault}`, () => {
      const at = folder();
      const { status, output, seconds } = start(ranks, 'small.ts', at, '0', fault);
      assert.ok(status !== 0, 'it ended as if nothing had happened');
      const count = output.match(message)?.length ?? 0;
      assert.is(count, 1, `${count} messages:\n${output}`);
      assert.ok(seconds < undisturbed * ranks + mostSeconds, `${seconds} s`);
      // The checkpoint of the fourth step is whole.
      if (!resumes) return `${seconds.toFixed(1)} s`;
      succeed(0, 'small.ts', at, '0', 'none');
      const distance = farthest(floatsIn(whole), floatsIn(at));
      assert.ok(distance < 1e-5, `the resumed run differs by ${distance}`);
      return `${seconds.toFixed(1)} s, and the run resumes`;
    });

rmSync(work, { recursive: true });
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;
