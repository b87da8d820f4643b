/**
 * The losses of all steps in bounded memory: at first a point for each step, later a point for 2,
 * 4, 8 … steps. Not here: the mean over an epoch, which the history has.
 */
import type { ReportLoss } from './data.js';

/** The largest number of points. */
export const mostPoints = 1024;

/** The losses of successive steps. Only finite losses count in mean, least and greatest. */
interface Point {
  step: number;
  steps: number;
  finite: number;
  mean: number;
  least: number | null;
  greatest: number | null;
  lr: number | null;
}

/** A point as JSON: step, steps, finite, mean, least, greatest, lr. */
type StoredPoint = readonly [number, number, number, number, number | null, number | null, number | null];

export interface LossTraceState {
  /** The number of steps of a full point. */
  readonly every: number;
  /** The first step whose loss was not finite. */
  readonly firstBad: number | null;
  readonly points: readonly StoredPoint[];
}

const extreme = (pick: (a: number, b: number) => number, a: number | null, b: number | null): number | null =>
  a === null ? b : b === null ? a : pick(a, b);

/** Adds the steps of a later point to a point. */
function merge(into: Point, later: Point): void {
  const finite = into.finite + later.finite;
  if (finite > 0) into.mean += ((later.mean - into.mean) * later.finite) / finite;
  into.finite = finite;
  into.steps += later.steps;
  into.step = later.step;
  into.least = extreme(Math.min, into.least, later.least);
  into.greatest = extreme(Math.max, into.greatest, later.greatest);
  into.lr = later.lr ?? into.lr;
}

/** Collects the loss of every step. */
export class LossTrace {
  #every = 1;
  #firstBad: number | null = null;
  #points: Point[] = [];

  /** The first step whose loss was not finite. */
  get firstBad(): number | null {
    return this.#firstBad;
  }
  /** The last step that was added, or 0. */
  get step(): number {
    return this.#points.at(-1)?.step ?? 0;
  }

  add(step: number, loss: number, lr: number | null): void {
    const isFinite = Number.isFinite(loss);
    if (!isFinite) this.#firstBad ??= step;
    const edge = isFinite ? loss : null;
    const point = { step, steps: 1, finite: isFinite ? 1 : 0, mean: edge ?? 0, least: edge, greatest: edge, lr };
    const last = this.#points.at(-1);
    if (last !== undefined && last.steps < this.#every) merge(last, point);
    else this.#points.push(point);
    if (this.#points.length > mostPoints) this.#halve();
  }

  #halve(): void {
    this.#every *= 2;
    const points: Point[] = [];
    this.#points.forEach((point, i) => {
      if (i % 2 === 0) points.push(point);
      else merge(points.at(-1) as Point, point);
    });
    this.#points = points;
  }

  points(): ReportLoss[] {
    return this.#points.map(({ step, mean, least, greatest, lr }) => ({
      step,
      ...(least !== null && greatest !== null && { mean, least, greatest }),
      ...(lr !== null && { lr }),
    }));
  }

  stateDict(): LossTraceState {
    return {
      every: this.#every,
      firstBad: this.#firstBad,
      points: this.#points.map((p): StoredPoint => [p.step, p.steps, p.finite, p.mean, p.least, p.greatest, p.lr]),
    };
  }

  loadStateDict({ every, firstBad, points }: LossTraceState): void {
    this.#every = every;
    this.#firstBad = firstBad;
    this.#points = points.map(([step, steps, finite, mean, least, greatest, lr]) => ({
      step,
      steps,
      finite,
      mean,
      least,
      greatest,
      lr,
    }));
  }
}
