/**
 * Times training steps on this library and its peers, interleaved, each configuration in processes
 * of its own. A step is forward, backward, Adam, and reading the loss. Not here: the networks
 * (workloads.ts, peers/), the timing of a step (timing.ts).
 */
import { join } from 'node:path';
import { usualWorkloads } from './data.js';
import { pytorch } from './header.js';
import { hasOwnCheck, type Report } from './measure.js';
import type { Options } from './options.js';
import { agreementOf, digits, emit, machine, progress, save, say, table, unsteady } from './output.js';
import { type Command, type Ours, peers, run, withBatch } from './processes.js';
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
    command: { ...command, env: withBatch(options.batch) },
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
    if (usualWorkloads.includes(workload) && tfjsInstalled())
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

/** One round of a configuration: a report is added to it, or its failure noted. */
async function measureOnce(configuration: Configuration, workload: string, budget: number): Promise<void> {
  const { command, reports } = configuration;
  try {
    const [report] = (await run(command, budget)) as Report[];
    if (hasOwnCheck(workload) && reports.length === 0)
      report.check = ((await run({ ...command, args: [...command.args, '--check'] }, budget)) as Report[])[0].check;
    reports.push(report);
  } catch (error) {
    configuration.failure = (error as Error).message;
  }
}

export async function steps(options: Options, ours: Ours): Promise<void> {
  const python = options.peers ? await pytorch() : null;
  if (options.peers && options.workloads.some((name) => usualWorkloads.includes(name)) && !tfjsInstalled())
    say('TensorFlow.js: skipped, because it is not installed (npm run bench -- --setup)');
  for (const workload of options.workloads) {
    const all = configurations(options, ours, python, workload);
    for (let round = 0; round < options.rounds; round++)
      for (const configuration of all) {
        if (configuration.failure !== null) continue;
        progress(`${workload}, round ${round + 1} of ${options.rounds}: ${configuration.name}`);
        await measureOnce(configuration, workload, options.budget);
      }
    progress('');
    const title = options.batch > 0 ? `${workload}-batch${options.batch}` : workload;
    const ran = all.filter(({ failure, reports }) => failure === null && reports.length > 0);
    const torch = ran.filter(({ kind }) => kind === 'torch');
    const blas = torch[0]?.reports[0].blas ?? null;
    const fair = blas !== null && /^(OpenBLAS|MKL)/.test(blas);
    const best = fair ? Math.min(...torch.map(({ reports }) => median(reports.map((r) => r.median_ms)))) : null;
    const rows = ran.map((configuration) => summarize(configuration, best));
    const failed = all.filter(({ failure }) => failure !== null).map(({ name, failure }) => ({ name, failure }));
    const agreement = agreementOf([...torch, ...ran.filter(({ kind }) => kind !== 'torch')])?.text ?? null;
    const noisy = unsteady(ran);
    save(title, {
      ...machine(),
      cedargrad: ours.from,
      workload,
      batch: options.batch || undefined,
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
      for (const { peer, threads, mode, median_ms, min_ms, ratio_to_torch, rss_mb } of rows)
        emit({ peer, workload: title, threads, mode, median_ms, min_ms, ratio_to_torch, rss_mb });
    if (!options.json && rows.length > 0)
      say(
        `\n${table(
          [title, 'threads', 'mode', 'median ms', 'min ms', '/ PyTorch', 'first step', 'from launch', 'peak MB'],
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
    if (agreement !== null) say(`${title}: ${agreement}`);
    if (blas !== null && !fair)
      say(`${title}: no ratio is quoted without OpenBLAS or MKL (apt-get install libopenblas0-pthread)`);
    if (noisy.length > 0)
      say(`${title}: rounds differ by more than a quarter, so quote nothing of: ${noisy.join('; ')}`);
    if (options.rounds < 3) say(`${title}: fewer than three rounds: a look, not figures to quote`);
    for (const { name, failure } of failed) say(`${title}: failed: ${name}: ${failure}`);
    if (rows.length === 0) process.exitCode = 1;
  }
}
