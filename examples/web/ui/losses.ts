/**
 * The losses of a training as a curve of bounded length. While there are few steps, each has its
 * point. Later a point is the mean of two steps, then of four, and so on. Not here: how the curve
 * is drawn (loss-chart.tsx).
 */

/** A curve has at most this many points, about one for each two pixels of a chart. It is even. */
export const mostPoints = 512;

export interface LossCurve {
  /** How many steps a point stands for. The last point may stand for fewer. */
  readonly binSize: number;
  /** The mean loss of each point's steps. */
  readonly means: readonly number[];
  /** How many steps there are. */
  readonly steps: number;
}

export const emptyCurve: LossCurve = { binSize: 1, means: [], steps: 0 };

/** How many steps the last point of a curve stands for. */
const inLast = ({ binSize, means, steps }: LossCurve): number => steps - (means.length - 1) * binSize;

/**
 * Joins each two points into one. There is an odd number of points, so the last one, which may
 * stand for fewer steps, stays alone.
 */
function halved({ binSize, means, steps }: LossCurve): LossCurve {
  const joined: number[] = [];
  for (let i = 0; i + 1 < means.length; i += 2) joined.push((means[i] + means[i + 1]) / 2);
  return { binSize: 2 * binSize, means: [...joined, ...means.slice(-1)], steps };
}

/** The curve with the losses of some more steps. */
export function withLosses(curve: LossCurve, losses: readonly number[]): LossCurve {
  let { binSize, means, steps } = curve;
  let grown = [...means];
  for (const loss of losses) {
    const last = grown.length - 1;
    const count = inLast({ binSize, means: grown, steps });
    if (grown.length > 0 && count < binSize) grown[last] += (loss - grown[last]) / (count + 1);
    else grown.push(loss);
    steps++;
    if (grown.length > mostPoints) {
      ({ binSize, means, steps } = halved({ binSize, means: grown, steps }));
      grown = [...means];
    }
  }
  return { binSize, means: grown, steps };
}

/** The points of a curve: the middle of each point's steps, and its mean. */
export function pointsOf(curve: LossCurve): [steps: number[], losses: number[]] {
  const { binSize, means } = curve;
  const lengthOf = (i: number): number => (i === means.length - 1 ? inLast(curve) : binSize);
  return [means.map((_, i) => i * binSize + (lengthOf(i) + 1) / 2), [...means]];
}
