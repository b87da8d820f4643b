/**
 * docs/mutation-survivors.md: the mutants that no test can distinguish from the code, each with its
 * reason. Not here: whether the reason is true.
 */
import type { Mutant } from './mutants.js';

/** One explanation may cover several changes: `## file`, then one or more diffs, then the text. */
export function explained(page: string): Set<string> {
  const known = new Set<string>();
  for (const section of page.split(/^## /m).slice(1)) {
    const file = section.slice(0, section.indexOf('\n')).trim();
    for (const [, diffs, reason] of section.matchAll(/((?:^```diff\n[\s\S]*?\n```\n+)+)([^`\n][^\n]*)/gm)) {
      if (reason.trim() === '' || reason.startsWith('#')) continue;
      for (const [, diff] of diffs.matchAll(/^```diff\n([\s\S]*?)\n```$/gm)) {
        const side = (sign: string): string =>
          diff
            .split('\n')
            .filter((line) => line.startsWith(sign))
            .map((line) => line.slice(1))
            .join('\n');
        known.add(keyOf({ file, before: side('-'), after: side('+') }));
      }
    }
  }
  return known;
}

/**
 * The identity of a mutant: its lines without white space, so that neither line numbers nor
 * formatting matter.
 */
export const keyOf = ({ file, before, after }: Pick<Mutant, 'file' | 'before' | 'after'>): string =>
  [file, before, after].map((text) => text.replace(/\s+/g, '')).join('\n');

/** A mutant as the page shows it. */
export const diffOf = ({ before, after }: Mutant): string =>
  [
    '```diff',
    ...before.split('\n').map((line) => `- ${line}`),
    ...after.split('\n').map((line) => `+ ${line}`),
    '```',
  ].join('\n');
