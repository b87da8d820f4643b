/** Times each kernel of a compiled step of this library. */
import type { Options } from './options.js';
import { digits, emit, machine, save, say, table } from './output.js';
import { type Ours, run, withBatch } from './processes.js';

interface Profile {
  readonly peer: string;
  readonly steps: number;
  readonly step_ms: number;
  readonly profiled_ms: number;
  readonly kernels: readonly { kernel: string; calls: number; ms: number }[];
}

export async function profile(options: Options, ours: Ours): Promise<void> {
  const [workload] = options.workloads;
  const threads = options.threads.at(-1);
  const [report] = (await run(
    ours.command(
      'ours',
      [workload, options.devices[0], String(threads), 'compiled', '--profile'],
      withBatch(options.batch),
    ),
    options.budget,
  )) as Profile[];
  save(`profile-${workload}`, { ...machine(), cedargrad: ours.from, workload, threads, ...report });
  if (options.json) {
    for (const kernel of report.kernels) emit({ workload, threads, ...kernel });
    return;
  }
  const total = report.kernels.reduce((sum, { ms }) => sum + ms, 0);
  const rows = report.kernels.map(({ kernel, calls, ms }) => [
    kernel,
    digits(calls),
    ms.toFixed(3),
    `${((100 * ms) / total).toFixed(1)} %`,
  ]);
  say(`${workload} on ${report.peer}, ${threads} threads: one compiled step, mean of ${report.steps}`);
  say(table(['kernel', 'calls', 'ms', 'share'], [...rows, ['all kernels', '', total.toFixed(3), '']], 1));
  say(
    `the step takes ${digits(report.step_ms)} ms, ${digits(report.profiled_ms)} ms while every command is timed by itself`,
  );
}
