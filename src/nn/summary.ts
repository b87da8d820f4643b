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
  const column = (texts: readonly string[], pad: 'padStart' | 'padEnd'): readonly string[] => {
    const width = Math.max(...texts.map((text) => text.length));
    return texts.map((text) => text[pad](width));
  };
  const columns = [
    column(['layer', ...rows.map((r) => r.layer), 'total'], 'padEnd'),
    column(['output', ...rows.map((r) => (r.output === null ? '-' : show(r.output))), ''], 'padEnd'),
    column(['parameters', ...rows.map((r) => grouped(r.parameters)), grouped(parameters)], 'padStart'),
    column(
      ['multiply-adds', ...rows.map((r) => grouped(r.multiplyAdds)), grouped(total((r) => r.multiplyAdds))],
      'padStart',
    ),
  ];
  const line = (at: number): string => columns.map((texts) => texts.at(at)).join('  ');
  const rule = '-'.repeat(line(0).length);
  const note = trainable === parameters ? [] : [`trainable parameters: ${grouped(trainable)}`];
  return [line(0), rule, ...rows.map((_, i) => line(i + 1)), rule, line(-1), ...note].join('\n');
}
