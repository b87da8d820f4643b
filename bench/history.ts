/**
 * Figures of each release, in bench/history: the steps that `npm run bench` has timed, and sizes.
 * usage: npm run history             prints today's figures (bench/results, dist), and the change
 *                                    since the last release
 *        npm run history -- --save   writes them to bench/history/VERSION.json, where VERSION is
 *                                    package.json's
 * Not here: measuring. Figures of two machines, or of a busy one, cannot be compared. So the file
 * names the machine.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { compareSizes, lastRelease } from '../scripts/sizes.mjs';
import { workloads } from './data.js';
import { digits, repository, results, say, table } from './output.js';

/** One row of bench/results/w1.json and so on, as far as it is kept. */
interface Step {
  readonly workload: string;
  readonly peer: string;
  readonly threads: number;
  readonly mode: string;
  /** @units ms */
  readonly median_ms: number;
  /** Our time divided by PyTorch's best in the same run. Null without PyTorch. */
  readonly ratio_to_torch: number | null;
}

/** What a file of bench/history holds. */
interface Figures {
  readonly version: string;
  /** When and where the steps were timed. Null if none were. */
  readonly machine: {
    readonly date: string;
    readonly node: string;
    readonly cpu: string;
    readonly cores: number;
  } | null;
  readonly steps: readonly Step[];
  /** @units bytes */
  readonly sizes: Readonly<Record<string, number>>;
}

function readSteps(): Pick<Figures, 'machine' | 'steps'> {
  let machine: Figures['machine'] = null;
  const steps: Step[] = [];
  for (const workload of workloads) {
    const file = join(results, `${workload}.json`);
    if (!existsSync(file)) continue;
    const { date, node, cpu, cores, rows } = JSON.parse(readFileSync(file, 'utf8'));
    machine = { date, node, cpu, cores };
    for (const { peer, threads, mode, median_ms, ratio_to_torch } of rows as Step[])
      steps.push({ workload, peer, threads, mode, median_ms, ratio_to_torch });
  }
  return { machine, steps };
}

const nameOf = ({ workload, peer, threads, mode }: Step): string => `${workload} ${peer}, ${threads} threads, ${mode}`;
const change = (now: number, before: number | undefined): string =>
  before === undefined ? '-' : `${now < before ? '−' : '+'}${Math.abs(100 * (now / before - 1)).toFixed(1)} %`;
const ratio = (value: number | null | undefined): string => value?.toFixed(2) ?? '-';

const last = lastRelease() as Figures | null;
const { machine, steps } = readSteps();
const { sizes, lines } = await compareSizes();
const { version } = JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8')) as { version: string };

if (steps.length === 0) say('no steps are timed: npm run build && npm run bench');
else {
  const before = new Map(last?.steps.map((step) => [nameOf(step), step]));
  say(`steps: ${machine?.date}, ${machine?.cpu}, ${machine?.cores} cores, Node ${machine?.node}`);
  if (last?.machine != null)
    say(
      `${last.version}: ${last.machine.date}, ${last.machine.cpu}, ${last.machine.cores} cores, Node ${last.machine.node}`,
    );
  say(
    table(
      ['step', 'median ms', 'change', '/ PyTorch', `in ${last?.version ?? 'no release'}`],
      steps.map((step) => {
        const old = before.get(nameOf(step));
        return [
          nameOf(step),
          digits(step.median_ms),
          change(step.median_ms, old?.median_ms),
          ratio(step.ratio_to_torch),
          ratio(old?.ratio_to_torch),
        ];
      }),
      1,
    ),
  );
}
for (const line of lines) say(line);

if (process.argv.includes('--save')) {
  const figures: Figures = { version, machine, steps, sizes };
  const file = `bench/history/${version}.json`;
  writeFileSync(join(repository, file), `${JSON.stringify(figures, null, 2)}\n`);
  say(`written: ${file}`);
}
