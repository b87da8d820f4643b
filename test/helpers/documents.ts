/**
 * The Markdown documents and the programs in them. Not here: running the programs
 * (test/documents.ts, test/browser/guide.mjs).
 *
 * The rules for a block of code:
 * - A block that begins with ```ts or ```js is a program. It is type-checked and run. With
 *   `no-run: REASON` behind the language it is only type-checked.
 * - `file=NAME` behind the language names the program. Others can then import it.
 * - The programs of a document run in order, in one folder. A program can read what an earlier one
 *   wrote.
 * - A ```text block right below a program is its output. In a ```text about block the numbers are
 *   those of one run, so others may differ from them by half.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { sep } from 'node:path';
import { fileURLToPath } from 'node:url';

export const repository = fileURLToPath(new URL('../..', import.meta.url));

export interface Block {
  readonly language: string;
  /** What follows `file=`. */
  readonly file: string | undefined;
  /** What follows `no-run:`. */
  readonly reason: string | undefined;
  readonly code: string;
}

export interface Program extends Block {
  readonly file: string;
  /** The text block below the program. */
  readonly printed: string | undefined;
  /** Whether the numbers in `printed` are those of one run. */
  readonly about: boolean;
}

/** The documents, as paths from the repository. */
export function documents(): string[] {
  const below = readdirSync(`${repository}docs`, { recursive: true, encoding: 'utf8' });
  return [...readdirSync(repository), ...below.map((file) => `docs/${file.replaceAll(sep, '/')}`)]
    .filter((file) => file.endsWith('.md'))
    .sort();
}

export const textOf = (document: string): string => readFileSync(repository + document, 'utf8');

const fence = /^```(.*)\n([\s\S]*?)^```\n(?:(?=```text( about)?\n([\s\S]*?)^```$)|)/gm;
const opening = /^(\w*)(?: file=(\S+))?(?: no-run: ((?!.* file=)\S.*))?$/;

/** All blocks of a text, and those among them that are programs. */
export function blocksOf(text: string): { blocks: Block[]; programs: Program[] } {
  const blocks: Block[] = [];
  const programs: Program[] = [];
  for (const [, info, code, about, printed] of `${text}\n`.matchAll(fence)) {
    if (/^text( about)?$/.test(info)) continue;
    const found = opening.exec(info);
    if (found === null || /^(typescript|javascript|mjs|tsx|jsx)$/.test(found[1]))
      throw new Error(`a block must begin with its language, file= and no-run: REASON; got ${info}`);
    const [, language, file, reason] = found;
    const block = { language, file, reason, code };
    blocks.push(block);
    if (language !== 'ts' && language !== 'js') continue;
    const name = file ?? `program${programs.length + 1}.${language}`;
    programs.push({ ...block, file: name, printed, about: about !== undefined });
  }
  return { blocks, programs };
}

const number = /-?\d+(?:\.\d+)?(?:e[-+]?\d+)?/g;

/** Whether two texts differ in nothing but their numbers, and those by at most half. */
export function isAbout(text: string, other: string): boolean {
  const [words, otherWords] = [text, other].map((t) => t.replace(number, '#'));
  const [numbers, otherNumbers] = [text, other].map((t) => (t.match(number) ?? []).map(Number));
  const isNear = (a: number, b: number): boolean => Math.abs(a - b) <= Math.max(Math.abs(a), Math.abs(b)) / 2;
  return words === otherWords && numbers.every((n, i) => isNear(n, otherNumbers[i]));
}
