/** How results are shown and kept. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const repository = fileURLToPath(new URL('..', import.meta.url));
export const results = join(repository, 'bench/results');

let people: NodeJS.WriteStream = process.stdout;
/** For people: stdout, or after `keepStdout` stderr. */
export const say = (line: string): void => void people.write(`${line}\n`);
export const keepStdout = (): void => void (people = process.stderr);
/** For programs: one JSON line on stdout. */
export const emit = (row: object): void => void process.stdout.write(`${JSON.stringify(row)}\n`);
/** A line that the next one overwrites, where a person looks on. */
export const progress = (text: string): void => void (process.stderr.isTTY && process.stderr.write(`\r\x1b[K${text}`));

/** Columns as wide as their widest cell; the first `left` aligned left. */
export function table(header: readonly string[], rows: readonly (readonly string[])[], left: number): string {
  const all = [header, ...rows];
  const widths = header.map((_, i) => Math.max(...all.map((row) => row[i].length)));
  return all
    .map((row) =>
      row
        .map((cell, i) => (i < left ? cell.padEnd(widths[i]) : cell.padStart(widths[i])))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
export const digits = (value: number): string => value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0);

export const machine = () => ({
  date: new Date().toISOString(),
  node: process.version,
  v8: process.versions.v8,
  platform: `${process.platform} ${process.arch} ${release()}`,
  cpu: cpus()[0]?.model.trim() ?? 'unknown',
  cores: availableParallelism(),
  memory_gb: Number((totalmem() / 1e9).toFixed(1)),
  load: loadavg()[0],
});

export function save(name: string, contents: unknown): void {
  mkdirSync(results, { recursive: true });
  writeFileSync(join(results, `${name}.json`), `${JSON.stringify(contents, null, 2)}\n`);
}

/** One configuration's name and its rounds. */
export interface Timed {
  readonly name: string;
  readonly reports: readonly { readonly median_ms: number }[];
}
export interface Measured extends Timed {
  readonly reports: readonly { readonly median_ms: number; readonly check: readonly number[] }[];
}

/**
 * Compares every configuration's first three losses without dropout with those of the first one.
 * Gives the largest relative difference.
 */
export function agreementOf(ran: readonly Measured[]): { readonly text: string; readonly agree: boolean } | null {
  if (ran.length < 2) return null;
  const standard = ran[0].reports[0].check;
  let worst = 0;
  let whose = '';
  for (const { name, reports } of ran)
    for (const [i, loss] of reports[0].check.entries()) {
      const difference = Math.abs(loss / standard[i] - 1);
      if (!(difference <= worst)) [worst, whose] = [difference, name];
    }
  const text = `the first three losses without dropout agree to ${worst.toExponential(0)}`;
  const agree = worst <= 1e-3;
  return { agree, text: agree ? text : `WARNING: ${text} only; farthest off: ${whose}` };
}

/** Configurations whose rounds disagree: something else ran on the machine. */
export const unsteady = (ran: readonly Timed[]): string[] =>
  ran
    .filter(({ reports }) => {
      const medians = reports.map((r) => r.median_ms);
      return Math.max(...medians) > 1.25 * Math.min(...medians);
    })
    .map(({ name }) => name);
