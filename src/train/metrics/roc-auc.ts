/** The area under the ROC curve. Not here: the curve. */
import { checkTensor } from '../../autograd/graph.js';
import { ShapeError, show, ValueError } from '../../errors.js';
import type { Tensor } from '../../tensor/tensor.js';
import type { TypedArray } from '../../values/dtype.js';
import { sameShape } from '../../values/shape.js';
import { checkGroup, type Metric, type MetricGroup } from './metric.js';

/** The scores of positive and of negative elements. */
interface Scores {
  readonly positive: Float64Array;
  readonly negative: Float64Array;
}

/** Reads the scores of a batch. */
async function scoresOf(op: string, prediction: Tensor, target: Tensor): Promise<Scores> {
  checkTensor(op, 'prediction', prediction);
  checkTensor(op, 'target', target);
  if (!sameShape(prediction.shape, target.shape))
    throw new ShapeError(
      op,
      'target must have the shape of the prediction',
      `prediction=${show(prediction.shape)}, target=${show(target.shape)}`,
    );
  const [scores, targets] = await Promise.all([prediction.data(), target.data()]);
  return divided(op, scores, targets);
}

function divided(op: string, scores: TypedArray, targets: TypedArray): Scores {
  const all = Float64Array.from(scores);
  const wrong = all.findIndex(Number.isNaN);
  if (wrong >= 0)
    throw new ValueError(op, 'scores must not be NaN', `element ${wrong} of ${all.length}`, 'has the model diverged?');
  const isPositive = (_: number, i: number): boolean => (targets[i] ?? 0) > 0.5;
  return { positive: all.filter(isPositive), negative: all.filter((v, i) => !isPositive(v, i)) };
}

/**
 * The share of pairs of a positive and a negative element in which the positive one has the higher
 * score. A pair with equal scores counts half. That is the Mann–Whitney U of midranks divided by
 * the number of pairs.
 */
function area(op: string, { positive, negative }: Scores): number {
  if (positive.length === 0 || negative.length === 0)
    throw new ValueError(
      op,
      'there must be positive and negative elements',
      `${positive.length} positive, ${negative.length} negative`,
      'of batches that may lack one kind compute it over the set: RocAuc',
    );
  positive.sort();
  negative.sort();
  let pairs = 0;
  let below = 0;
  let upTo = 0;
  for (const score of positive) {
    while (below < negative.length && (negative[below] as number) < score) below++;
    while (upTo < negative.length && (negative[upTo] as number) <= score) upTo++;
    pairs += (below + upTo) / 2;
  }
  return pairs / positive.length / negative.length;
}

/**
 * The area under the receiver operating characteristic: the probability that a positive element has
 * a higher score than a negative one, with equal scores counted half. For the sum R of the positive
 * elements' midranks it is (R − n₊(n₊+1)/2)/(n₊·n₋). Elements are positive where the target is
 * greater than 0.5. Scores may be logits, probabilities or errors, because only their order counts.
 * All elements of the batch count together. Of a set compute it by RocAuc, because the mean of the
 * batches' areas is another number.
 * @shape prediction [any], target, as prediction
 * @units 0 … 1, and 0.5 for scores that tell nothing
 * @throws ShapeError when shapes differ; ValueError for a NaN score, or if there are no positive or
 * no negative elements, where the area is not defined
 * @source Mann and Whitney 1947; Hanley and McNeil 1982; sklearn.metrics.roc_auc_score
 */
export async function rocAuc(prediction: Tensor, target: Tensor): Promise<number> {
  return area('rocAuc', await scoresOf('rocAuc', prediction, target));
}

/**
 * The area under the ROC curve of all elements of a set. It keeps all scores until reset(), eight
 * bytes for each.
 * @units 0 … 1
 * @throws as rocAuc, at update() for scores and at compute() for a set that lacks positive or
 * negative elements
 * @source Mann and Whitney 1947; sklearn.metrics.roc_auc_score
 */
export class RocAuc implements Metric {
  #positive: Float64Array[] = [];
  #negative: Float64Array[] = [];

  reset(): void {
    this.#positive = [];
    this.#negative = [];
  }
  async update(prediction: Tensor, target: Tensor): Promise<void> {
    const { positive, negative } = await scoresOf('RocAuc.update', prediction, target);
    this.#positive.push(positive);
    this.#negative.push(negative);
  }
  merge(group: MetricGroup): void {
    checkGroup('RocAuc.merge', group);
    this.#positive = [gathered(group, joined(this.#positive))];
    this.#negative = [gathered(group, joined(this.#negative))];
  }
  compute(): number {
    return area('RocAuc.compute', { positive: joined(this.#positive), negative: joined(this.#negative) });
  }
}

/** The numbers of all processes, those of rank 0 first. */
function gathered(group: MetricGroup, own: Float64Array): Float64Array {
  const lengths = new Float64Array(group.size);
  lengths[group.rank] = own.length;
  group.sumInPlace(lengths);
  const before = lengths.subarray(0, group.rank).reduce((a, b) => a + b, 0);
  const all = new Float64Array(lengths.reduce((a, b) => a + b, 0));
  all.set(own, before);
  group.sumInPlace(all);
  return all;
}

function joined(parts: readonly Float64Array[]): Float64Array {
  const all = new Float64Array(parts.reduce((n, part) => n + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
