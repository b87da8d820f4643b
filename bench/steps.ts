/**
 * Times training steps on this library and its peers, interleaved, each configuration in processes
 * of its own. A step is forward, backward, Adam, and reading the loss. Not here: the networks
 * (workloads.ts, peers/), the timing of a step (timing.ts).
 */
import { join } from 'node:path';
import { findPython } from '../scripts/find-python.js';
import type { Report } from './measure.js';
import type { Options } from './options.js';
import { agreementOf, digits, emit, machine, progress, save, say, table, unsteady } from './output.js';
import { type Command, type Ours, peers, run } from './processes.js';
import { tfjsInstalled } from './setup.js';
import { median } from './timing.js';

/** One row of the table to be. */
interface Configuration {
  readonly name: string;
  readonly kind: 'ours' | 'torch' | 'other';
  readonly command: Command;
  readonly reports: Report[];
  failure: string | null;
}

function configurations(options: Options, ours: Ours, python: string | null, workload: string): Configuration[] {
  const make = (name: string, kind: Configuration['kind'], command: Command): Configuration => ({
    name,
    kind,
    command,
    reports: [],
    failure: null,
  });
  const mine: Configuration[] = [];
  const others: Configuration[] = [];
  for (const device of options.devices)
    for (const threads of device.startsWith('wasm') ? options.threads : [1])
      for (const mode of device.startsWith('wasm') ? ['eager', 'compiled'] : ['eager'])
        mine.push(
          make(
            `cedargrad ${device}, ${threads} threads, ${mode}`,
            'ours',
            ours.command('ours', [workload, device, String(threads), mode]),
          ),
        );
  if (options.peers) {
    if (python !== null)
      for (const threads of options.threads)
        for (const layout of ['nchw', 'channels-last'])
          others.push(
            make(`PyTorch, ${threads} threads, ${layout}`, 'torch', {
              file: python,
              args: [join(peers, 'pytorch.py'), workload, String(threads), layout],
            }),
          );
    if (tfjsInstalled())
      others.push(
        make('TensorFlow.js wasm', 'other', { file: process.execPath, args: [join(peers, 'tfjs.mjs'), workload] }),
      );
  }
  // Ours and theirs by turns.
  return Array.from({ length: Math.max(mine.length, others.length) }, (_, i) => [mine[i], others[i]])
    .flat()
    .filter((c) => c !== undefined);
}

/** What stands in the results, per configuration. */
interface Row {
  readonly peer: string;
  readonly workload: string;
  readonly threads: number;
  readonly mode: string;
  readonly median_ms: number;
  readonly min_ms: number;
  readonly ratio_to_torch: number | null;
  readonly first_step_ms: number;
  readonly launch_to_first_ms: number;
  readonly rss_mb: number;
  readonly rounds: readonly Report[];
}

/** Over the rounds: the median of medians, the least of minima. */
function summarize({ reports }: Configuration, torch: number | null): Row {
  const over = (pick: (report: Report) => number): number => median(reports.map(pick));
  const { peer, version, workload, threads, mode } = reports[0];
  const milliseconds = over((r) => r.median_ms);
  return {
    peer: version === '' ? peer : `${peer} ${version}`,
    workload,
    threads,
    mode,
    median_ms: milliseconds,
    min_ms: Math.min(...reports.map((r) => r.min_ms)),
    ratio_to_torch: torch === null ? null : Number((milliseconds / torch).toFixed(3)),
    first_step_ms: over((r) => r.first_step_ms),
    launch_to_first_ms: over((r) => r.launch_to_first_ms),
    rss_mb: Math.max(...reports.map((r) => r.rss_mb)),
    rounds: reports,
  };
}

export async function steps(options: Options, ours: Ours): Promise<void> {
  const python = options.peers ? findPython() : null;
  if (options.peers) {
    if (python === null) say('skipped: PyTorch (no Python with torch found; npm run bench -- --setup)');
    if (!tfjsInstalled()) say('skipped: TensorFlow.js (npm run bench -- --setup)');
  }
  say(
    `cedargrad from ${ours.from === 'dist' ? 'dist' : 'the sources, compiled as they load: run npm run build first if the time from launch matters'}`,
  );
  for (const workload of options.workloads) {
    const all = configurations(options, ours, python, workload);
    for (let round = 0; round < options.rounds; round++)
      for (const configuration of all) {
        if (configuration.failure !== null) continue;
        progress(`${workload}, round ${round + 1} of ${options.rounds}: ${configuration.name}`);
        try {
          configuration.reports.push((await run(configuration.command, options.budget))[0] as Report);
        } catch (error) {
          configuration.failure = (error as Error).message;
        }
      }
    progress('');
    const ran = all.filter(({ failure, reports }) => failure === null && reports.length > 0);
    const torch = ran.filter(({ kind }) => kind === 'torch');
    const blas = torch[0]?.reports[0].blas ?? null;
    const fair = blas !== null && /^(OpenBLAS|MKL)/.test(blas);
    const best = fair ? Math.min(...torch.map(({ reports }) => median(reports.map((r) => r.median_ms)))) : null;
    const rows = ran.map((configuration) => summarize(configuration, best));
    const failed = all.filter(({ failure }) => failure !== null).map(({ name, failure }) => ({ name, failure }));
    const agreement = agreementOf([...torch, ...ran.filter(({ kind }) => kind !== 'torch')])?.text ?? null;
    const noisy = unsteady(ran);
    save(workload, {
      ...machine(),
      cedargrad: ours.from,
      workload,
      budget_ms: options.budget,
      rounds: options.rounds,
      blas,
      torch_best_ms: best,
      agreement,
      noisy,
      rows,
      failed,
    });
    if (options.json)
      for (const { peer, threads, mode, median_ms, min_ms, ratio_to_torch } of rows)
        emit({ peer, workload, threads, mode, median_ms, min_ms, ratio_to_torch });
    if (!options.json && rows.length > 0)
      say(
        `\n${table(
          [workload, 'threads', 'mode', 'median ms', 'min ms', '/ PyTorch', 'first step', 'from launch', 'peak MB'],
          [...rows]
            .sort((a, b) => a.median_ms - b.median_ms)
            .map((row) => [
              row.peer,
              String(row.threads),
              row.mode,
              digits(row.median_ms),
              digits(row.min_ms),
              row.ratio_to_torch?.toFixed(2) ?? '-',
              digits(row.first_step_ms),
              digits(row.launch_to_first_ms),
              String(row.rss_mb),
            ]),
          1,
        )}`,
      );
    if (agreement !== null) say(`${workload}: ${agreement}`);
    if (blas !== null)
      say(
        `${workload}: PyTorch multiplies with ${blas}${fair ? '' : ': no ratio is quoted without OpenBLAS or MKL (apt-get install libopenblas0-pthread)'}`,
      );
    if (noisy.length > 0)
      say(`${workload}: rounds differ by more than a quarter, so quote nothing of: ${noisy.join('; ')}`);
    if (options.rounds < 3) say(`${workload}: fewer than three rounds: a look, not figures to quote`);
    for (const { name, failure } of failed) say(`${workload}: failed: ${name}: ${failure}`);
    if (rows.length === 0) process.exitCode = 1;
  }
}
