/**
 * The printed table of Module.summary. This file only formats text. The forward pass that fills the
 * rows is in module.ts.
 */
import { show } from '../errors.js';

/** One call of one layer. */
export interface SummaryRow {
  readonly layer: string;
  /** Shape of the output. Null if the layer was not called or did not return a tensor. */
  readonly output: readonly number[] | null;
  readonly parameters: number;
  readonly multiplyAdds: number;
}

/** Separates thousands by commas, in every locale. */
const grouped = (n: number): string => String(n).replace(/\B(?=(\d{3})+$)/g, ',');

/** Rows and totals as aligned text. */
export function formatSummary(rows: readonly SummaryRow[], trainable: number): string {
  const total = (of: (row: SummaryRow) => number): number => rows.reduce((n, row) => n + of(row), 0);
  const parameters = total((r) => r.parameters);
  const cells = [
    ['layer', 'output', 'parameters', 'multiply-adds'],
    ...rows.map((r) => [
      r.layer,
      r.output === null ? '-' : show(r.output),
      grouped(r.parameters),
      grouped(r.multiplyAdds),
    ]),
    ['total', '', grouped(parameters), grouped(total((r) => r.multiplyAdds))],
  ];
  const widths = cells[0].map((_, column) => Math.max(...cells.map((line) => line[column].length)));
  const lines = cells.map((line) =>
    line.map((text, column) => (column < 2 ? text.padEnd(widths[column]) : text.padStart(widths[column]))).join('  '),
  );
  const rule = '-'.repeat(lines[0].length);
  const note = trainable === parameters ? [] : [`trainable parameters: ${grouped(trainable)}`];
  return [lines[0], rule, ...lines.slice(1, -1), rule, lines[lines.length - 1], ...note].join('\n');
}
