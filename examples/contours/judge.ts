/**
 * How good the contours of a detector are on a data set, by the measures of BSDS500. Not here: the
 * measures (measures/), and the detectors (predict.ts, baselines.ts).
 */
import { FastRandom } from 'cedargrad';
import type { Dataset, HostArray, ImagePair } from 'cedargrad/data';
import { annotators } from './data/bsds.js';
import { evaluate, type ImageCounts } from './measures/evaluate.js';
import type { ContourMap } from './measures/maps.js';
import { type Summary, summarise } from './measures/summarise.js';

/** Finds the contours of an image [H,W,3]. Its map has lines one or two pixels wide. */
export type Detector = (image: HostArray) => ContourMap | Promise<ContourMap>;

/**
 * The measures of several detectors on the same images.
 *
 * @shape items: images [H,W,3] and contours [H,W,A] of A annotators
 * @throws as the detectors and `evaluate`
 */
export async function judge<Name extends string>(
  dataset: Dataset<ImagePair>,
  detectors: Readonly<Record<Name, Detector>>,
): Promise<Record<Name, Summary>> {
  const names = Object.keys(detectors) as Name[];
  const counts = new Map<Name, ImageCounts[]>(names.map((name) => [name, []]));
  for (let i = 0; i < dataset.length; i++) {
    const [image, contours] = await dataset.item(i, new FastRandom(i));
    const [height, width] = image.shape;
    const truths = annotators(contours).map(({ data }) => ({ height, width, data: data as Float32Array }));
    for (const name of names) counts.get(name)?.push(evaluate(await detectors[name](image), truths));
  }
  const summaries = names.map((name) => [name, summarise(counts.get(name) ?? [])] as const);
  return Object.fromEntries(summaries) as Record<Name, Summary>;
}

/** The measures of several detectors as a table, best ODS first. */
export function tableOf(summaries: Readonly<Record<string, Summary>>): string {
  const rows = Object.entries(summaries)
    .sort(([, a], [, b]) => b.ods.f - a.ods.f)
    .map(([name, { ods, ois, ap }]) => [name, ...[ods.f, ois.f, ap, ods.threshold].map((v) => v.toFixed(3))]);
  const all = [['', 'ODS', 'OIS', 'AP', 'threshold'], ...rows];
  const widths = all[0].map((_, i) => Math.max(...all.map((row) => row[i].length)));
  return all
    .map((row) => row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i] + 2))).join(''))
    .join('\n');
}
