/**
 * Fuzzing of generated calls, broken calls, programs, compiled steps and files. Each part has a
 * process of its own, which is watched for hangs and for memory. Every failure is shrunk and
 * printed with its seed. --from begins with that seed instead of a random one. --seed runs one
 * batch of that seed, of each part.
 * usage: npm run fuzz -- [--seconds 600] [--part calls] [--from N | --seed N]
 */
import { type ChildProcess, fork } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const names = ['calls', 'broken', 'programs', 'steps', 'files'];
/** How much is drawn from one seed. */
const runsOf: Readonly<Record<string, number>> = { calls: 25, broken: 25, programs: 4, steps: 2, files: 40 };
const patienceMs = 90_000;
const mostBytes = 3 * 2 ** 30;
/** Failures of one part after which it is not tried further. */
const mostFailures = 10;

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '600' },
    part: { type: 'string' },
    from: { type: 'string' },
    seed: { type: 'string' },
  },
});
const seconds = Number(values.seconds);
if (!(seconds > 0)) throw new Error(`--seconds must be positive; got ${values.seconds}`);
const chosen = values.part === undefined ? names : [values.part];
if (!chosen.every((name) => names.includes(name)))
  throw new Error(`--part must be one of ${names}; got ${values.part}`);
const once = values.seed !== undefined;
const given = values.seed ?? values.from;
const firstSeed = given === undefined ? Math.floor(Math.random() * 2 ** 30) : Number(given);
if (!Number.isInteger(firstSeed)) throw new Error(`a seed must be whole; got ${given}`);

interface Said {
  readonly seed: number;
  readonly runs?: number;
  readonly failure?: string | null;
}

/** Resident bytes of a process, where /proc tells them. */
function residentBytes({ pid }: ChildProcess): number {
  try {
    return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
}

let passed = 0;
let failed = 0;

/**
 * Runs a process of a part, beginning with a seed, until `deadline`. Returns the seed to continue
 * with, or null at the end.
 */
function process_(part: string, from: number, deadline: number): Promise<number | null> {
  return new Promise((done) => {
    const child = fork(
      fileURLToPath(new URL('child.ts', import.meta.url)),
      [part, String(from), String(runsOf[part])],
      {
        execArgv: ['--conditions=cedargrad-source', '--import', 'tsx'],
        stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
      },
    );
    let seed = from;
    let heard = Date.now();
    let told = '';
    let failures = 0;
    let over = false;
    child.stderr?.on('data', (chunk) => {
      told = (told + chunk).slice(-4000);
    });
    const report = (what: string): void => {
      failed++;
      failures++;
      console.log(`FAIL ${part}, seed ${seed}: ${what}\n     again: npm run fuzz -- --part ${part} --seed ${seed}\n`);
    };
    const end = (problem: string | null, next: number | null): void => {
      if (over) return;
      over = true;
      clearInterval(timer);
      if (problem !== null) report(problem);
      child.kill('SIGKILL');
      done(next);
    };
    const timer = setInterval(() => {
      if (Date.now() - heard > patienceMs) end(`no end after ${patienceMs / 1000} s`, seed + 1);
      else if (residentBytes(child) > mostBytes) end(`took more than ${mostBytes} bytes`, seed + 1);
      else if (Date.now() > deadline + 5_000 + patienceMs / 2) end('no end after its time', null);
    }, 200);
    child.on('message', (message) => {
      const said = message as Said;
      heard = Date.now();
      seed = said.seed;
      if (said.runs === undefined) return;
      if (said.failure == null) passed += said.runs;
      else report(said.failure);
      if (once || Date.now() > deadline) end(null, null);
      else if (failures >= mostFailures) end('too many failures; the rest of this part is left out', null);
    });
    child.on('exit', (code, signal) => end(`its process ended: ${signal ?? code}\n${told}`, seed + 1));
  });
}

console.log(`fuzzing for ${seconds} s from seed ${firstSeed}: ${chosen.join(', ')}`);
for (const [i, part] of chosen.entries()) {
  const start = Date.now();
  const [before, missed] = [passed, failed];
  const deadline = start + (seconds * 1000) / chosen.length;
  let restarts = 0;
  for (
    let seed: number | null = firstSeed + i * 1_000_000 * (once ? 0 : 1);
    seed !== null && restarts < mostFailures;
    restarts++
  )
    seed = await process_(part, seed, deadline);
  console.log(
    `${part}: ${passed - before} passed, ${failed - missed} failed  ${((Date.now() - start) / 1000).toFixed(1)} s`,
  );
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;
