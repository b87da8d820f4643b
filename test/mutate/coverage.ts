/**
 * The positions of the sources that a test file runs, from V8's own coverage and the source maps of
 * the compiled code. Not here: WebAssembly, which V8's coverage does not include.
 */
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

interface Report {
  readonly result: readonly {
    readonly url: string;
    readonly functions: readonly { readonly ranges: readonly Range[] }[];
  }[];
  readonly 'source-map-cache'?: Readonly<
    Record<string, { readonly lineLengths: readonly number[]; readonly data: { readonly mappings: string } | null }>
  >;
}
interface Range {
  readonly startOffset: number;
  readonly endOffset: number;
  readonly count: number;
}
/** Where a place of the source went, both as offsets in their texts. */
interface Mapping {
  readonly source: number;
  readonly generated: number;
}

const digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

/**
 * The numbers of one segment of a source map. They are base64 digits of five bits each, the least
 * significant first. The sixth bit says that more digits follow, and the lowest bit of the number
 * is its sign.
 */
function numbersOf(segment: string): number[] {
  const numbers: number[] = [];
  let value = 0;
  let shift = 0;
  for (const digit of segment) {
    const bits = digits.indexOf(digit);
    value += (bits & 31) << shift;
    shift += 5;
    if (bits & 32) continue;
    numbers.push(value & 1 ? -(value >> 1) : value >> 1);
    value = 0;
    shift = 0;
  }
  return numbers;
}

/** The offset at which each line starts. */
function startsOf(lengths: readonly number[]): number[] {
  let at = 0;
  return lengths.map((length) => {
    const start = at;
    at += length + 1;
    return start;
  });
}

/**
 * All mappings of a source map of one source, by their position in the source.
 * @source ECMA-426, "Source map format"
 */
function mappingsOf(mappings: string, generatedLines: readonly number[], sourceLines: readonly number[]): Mapping[] {
  const [into, from] = [startsOf(generatedLines), startsOf(sourceLines)];
  const found: Mapping[] = [];
  let [line, column] = [0, 0];
  mappings.split(';').forEach((segments, generatedLine) => {
    let generatedColumn = 0;
    for (const segment of segments.split(',')) {
      const numbers = numbersOf(segment);
      generatedColumn += numbers[0] ?? 0;
      if (numbers.length < 4) continue;
      line += numbers[2];
      column += numbers[3];
      found.push({ source: from[line] + column, generated: into[generatedLine] + generatedColumn });
    }
  });
  return found.sort((a, b) => a.source - b.source);
}

/** Whether a place of what runs was reached: the smallest range around it decides. */
function reached(functions: Report['result'][number]['functions'], at: number): boolean {
  let smallest: Range | null = null;
  for (const { ranges } of functions)
    for (const range of ranges)
      if (
        range.startOffset <= at &&
        at < range.endOffset &&
        (smallest === null || range.endOffset - range.startOffset < smallest.endOffset - smallest.startOffset)
      )
        smallest = range;
  return smallest !== null && smallest.count > 0;
}

/**
 * Reads and empties the coverage folder of a process and its children. `places` are the offsets in
 * question, in the files of the repository at `root`. Returns those that were executed, by file.
 * Every file that was loaded has an entry.
 */
export function readCoverage(
  folder: string,
  root: string,
  places: ReadonlyMap<string, readonly number[]>,
): Map<string, Set<number>> {
  const executed = new Map<string, Set<number>>();
  for (const name of readdirSync(folder)) {
    const report = JSON.parse(readFileSync(join(folder, name), 'utf8')) as Report;
    for (const [file, asked] of places) {
      const url = pathToFileURL(join(root, file.replace(/\.ts$/, '.js'))).href;
      for (const script of report.result) {
        if (script.url !== url) continue;
        const known = executed.get(file) ?? new Set();
        executed.set(file, known);
        const map = report['source-map-cache']?.[url];
        if (!map?.data) throw new Error(`no source map of ${file}`);
        const source = readFileSync(join(root, file), 'utf8');
        const lengths = source.split('\n').map((line) => line.length);
        const mappings = mappingsOf(map.data.mappings, map.lineLengths, lengths);
        let k = 0;
        for (const place of asked) {
          while (k + 1 < mappings.length && mappings[k + 1].source <= place) k++;
          if (mappings.length > 0 && reached(script.functions, mappings[k].generated)) known.add(place);
        }
      }
    }
    rmSync(join(folder, name));
  }
  return executed;
}
