/**
 * Times forward passes of this library and of ONNX Runtime, interleaved, each configuration in
 * processes of its own. ONNX Runtime gets this library's exports, so all compute the same. Each
 * process checks that before it times. Not here: the passes (forward.ts, peers/onnxruntime.mjs).
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { PassReport } from './measure.js';
import type { Options } from './options.js';
import { digits, emit, machine, progress, save, say, table, unsteady } from './output.js';
import { type Command, data, type Ours, peers, run } from './processes.js';
import { runtimeInstalled } from './setup.js';
import { median } from './timing.js';

/** ONNX Runtime's native and WebAssembly builds. */
const runtimes = ['node', 'web'] as const;

interface Configuration {
  readonly name: string;
  readonly kind: 'ours' | (typeof runtimes)[number];
  readonly command: Command;
  readonly reports: PassReport[];
  failure: string | null;
}

function configurations(options: Options, ours: Ours, workload: string): Configuration[] {
  const made: Configuration[] = [];
  const add = (name: string, kind: Configuration['kind'], command: Command): void =>
    void made.push({ name, kind, command, reports: [], failure: null });
  for (const threads of options.threads.map(String)) {
    for (const device of options.devices)
      add(`cedargrad ${device}, ${threads} threads`, 'ours', ours.command('forward', [workload, device, threads]));
    if (options.peers)
      for (const build of runtimes.filter(runtimeInstalled))
        add(`onnxruntime-${build}, ${threads} threads`, build, {
          file: process.execPath,
          args: [join(peers, 'onnxruntime.mjs'), build, workload, threads],
        });
  }
  return made;
}

/** Over the rounds: the median of medians, the least of minima. */
const summarize = ({ kind, reports }: Configuration) => ({
  kind,
  peer: `${reports[0].peer} ${reports[0].version}`.trim(),
  workload: reports[0].workload,
  threads: reports[0].threads,
  median_ms: median(reports.map((r) => r.median_ms)),
  min_ms: Math.min(...reports.map((r) => r.min_ms)),
  difference: Math.max(...reports.map((r) => r.difference)),
  rss_mb: Math.max(...reports.map((r) => r.rss_mb)),
});

/** Writes the network as ONNX, and times every configuration by turns. */
async function measureAll(options: Options, ours: Ours, workload: string): Promise<Configuration[]> {
  const all = configurations(options, ours, workload);
  const [device] = options.devices;
  progress(`${workload}: export`);
  await run(ours.command('forward', [workload, device, String(options.threads[0]), '--export']), 0);
  for (let round = 0; round < options.rounds; round++)
    for (const configuration of all) {
      if (configuration.failure !== null) continue;
      progress(`${workload}, round ${round + 1} of ${options.rounds}: ${configuration.name}`);
      try {
        configuration.reports.push((await run(configuration.command, options.budget))[0] as PassReport);
      } catch (error) {
        configuration.failure = (error as Error).message;
      }
    }
  progress('');
  return all;
}

export async function inference(options: Options, ours: Ours): Promise<void> {
  const missing = runtimes.filter((build) => options.peers && !runtimeInstalled(build));
  for (const build of missing)
    say(`onnxruntime-${build}: skipped, because it is not installed (npm run bench -- --setup)`);
  for (const workload of options.workloads) {
    const all = await measureAll(options, ours, workload);
    // That of w5 has half a gigabyte.
    rmSync(join(data, `${workload}.onnx`));
    const ran = all.filter(({ failure, reports }) => failure === null && reports.length > 0);
    const failed = all.filter(({ failure }) => failure !== null).map(({ name, failure }) => ({ name, failure }));
    const noisy = unsteady(ran);
    const summaries = ran.map(summarize);
    const best = (kind: string): number =>
      Math.min(...summaries.filter((r) => r.kind === kind).map((r) => r.median_ms));
    const share = (ms: number, kind: string): number | null =>
      Number.isFinite(best(kind)) ? Number((ms / best(kind)).toFixed(3)) : null;
    const rows = summaries
      .map(({ kind: _, ...row }) => ({
        ...row,
        ratio_to_node: share(row.median_ms, 'node'),
        ratio_to_web: share(row.median_ms, 'web'),
      }))
      .sort((a, b) => a.median_ms - b.median_ms);
    save(`inference-${workload}`, {
      ...machine(),
      cedargrad: ours.from,
      workload,
      budget_ms: options.budget,
      rounds: options.rounds,
      noisy,
      rows,
      failed,
    });
    if (options.json) for (const row of rows) emit(row);
    else if (rows.length > 0)
      say(
        `\n${table(
          [`${workload}, forward`, 'threads', 'median ms', 'min ms', '/ node', '/ web', 'difference', 'peak MB'],
          rows.map((row) => [
            row.peer,
            String(row.threads),
            digits(row.median_ms),
            digits(row.min_ms),
            row.ratio_to_node?.toFixed(2) ?? '-',
            row.ratio_to_web?.toFixed(2) ?? '-',
            row.difference.toExponential(0),
            String(row.rss_mb),
          ]),
          1,
        )}`,
      );
    if (noisy.length > 0)
      say(`${workload}: rounds differ by more than a quarter, so quote nothing of: ${noisy.join('; ')}`);
    if (options.rounds < 3) say(`${workload}: fewer than three rounds: a look, not figures to quote`);
    for (const { name, failure } of failed) say(`${workload}: failed: ${name}: ${failure}`);
    if (failed.length > 0 || rows.length === 0) process.exitCode = 1;
  }
}
