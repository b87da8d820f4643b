/**
 * Warning signs in what a report sees of a run. Not here: the signs that a program can look for by
 * itself (diagnostics.ts).
 */
import type { Seen, Values } from './samples.js';

/**
 * Outputs that differ by less than this share of what they should differ by count as the same.
 * @units mean square over mean square
 */
const constantShare = 1e-4;

/** How much samples differ from their mean: the mean square over all samples and elements. */
function spread({ data }: Values, count: number): number {
  const size = data.length / count;
  let sum = 0;
  for (let i = 0; i < size; i++) {
    let mean = 0;
    for (let n = 0; n < count; n++) mean += (data[n * size + i] as number) / count;
    for (let n = 0; n < count; n++) sum += ((data[n * size + i] as number) - mean) ** 2;
  }
  return sum / data.length;
}

/** Whether a model gives nearly the same output for samples whose targets differ. */
export function isConstant({ inputs, targets, outputs, count }: Seen): boolean {
  if (count < 2) return false;
  const wanted = spread(targets ?? inputs, count);
  return wanted > 0 && spread(outputs, count) < constantShare * wanted;
}

/** The number of values that are NaN or infinite. */
function countBad(values: ArrayLike<number>): number {
  let bad = 0;
  for (let i = 0; i < values.length; i++) if (!Number.isFinite(values[i])) bad++;
  return bad;
}

/** Warnings about the outputs after an epoch. */
export function signsOf(seen: Seen, silent: readonly string[], epoch: number): string[] {
  const signs: string[] = [];
  const bad = countBad(seen.outputs.data);
  if (bad > 0) signs.push(`After epoch ${epoch}, ${bad} output values of the samples are NaN or infinite.`);
  else if (isConstant(seen))
    signs.push(
      `After epoch ${epoch}, the outputs for ${seen.count} different samples are nearly the same. ` +
        'The model may have learnt a constant.',
    );
  for (const name of silent)
    signs.push(`After epoch ${epoch}, ${name || 'the ReLU'} gives only zeros for the samples. Its units may be dead.`);
  return signs;
}
