/**
 * Some samples of a run, whose outputs are drawn after some of the epochs. Not here: how arrays
 * become pictures (thumbnails.ts).
 */
import { noGrad } from '../../autograd/backward.js';
import { isTensor } from '../../autograd/graph.js';
import type { Tensor } from '../../tensor/tensor.js';
import type { ReportOutputs, ReportPictures, ReportSamples } from './data.js';
import type { ReportRun } from './run.js';
import { drawBatch, kindOf, type Range, rangeOf } from './thumbnails.js';

/** The largest number of epochs whose outputs are shown. */
export const mostEpochs = 8;
/** The largest number of samples. */
export const mostSamples = 8;
/** All images together, before compression. In base64 they are a third longer. @units bytes */
const mostBytes = 1_050_000;
const unit: Range = [0, 1];

export interface SampleOptions {
  readonly samples: readonly Tensor[] | undefined;
  readonly sampleCount: number;
  /** Absent: 0 … 1 for images, and what fits for lines. */
  readonly range: Range | 'auto' | undefined;
  readonly output: ((prediction: Tensor) => Tensor) | undefined;
}

/** The values of a batch of samples, read from the device. */
export interface Values {
  readonly data: ArrayLike<number>;
  /** @shape the samples', without the batch axis */
  readonly shape: readonly number[];
}

/** What the model made of the samples. */
export interface Seen {
  readonly inputs: Values;
  readonly targets: Values | undefined;
  readonly outputs: Values;
  readonly count: number;
}

/** The methods of a DataLoader that save and restore its position. */
interface Positioned {
  readonly length: number | undefined;
  stateDict(): object;
  loadStateDict(state: object): void;
}

const isPositioned = (source: object): source is Positioned => 'stateDict' in source && 'loadStateDict' in source;

/**
 * Whether a source can be iterated without taking anything from the run. A generator cannot,
 * because it is its own iterator.
 */
function isRepeatable(source: object): boolean {
  if (isPositioned(source)) return source.length !== undefined;
  return !('next' in source);
}

/**
 * The first batch of the first epoch, or undefined where taking it would disturb the run. A loader
 * is put back to its position, so the run gets the same batches with a report as without one.
 */
export async function firstBatch(source: ReportRun['data']): Promise<readonly Tensor[] | undefined> {
  if (typeof source === 'function' || !isRepeatable(source)) return undefined;
  const position = isPositioned(source) ? source.stateDict() : undefined;
  const move = (state: object): void => (source as unknown as Positioned).loadStateDict(state);
  if (position !== undefined) move({ ...position, epoch: 0, batch: 0 });
  try {
    for await (const batch of source) return Array.isArray(batch) && batch.every(isTensor) ? batch : undefined;
    return undefined;
  } finally {
    if (position !== undefined) move(position);
  }
}

/** The first samples of each tensor of a batch, kept until they are released. */
const firstOf = (batch: readonly Tensor[], count: number): readonly Tensor[] =>
  noGrad(() => batch.map((t) => t.slice([0, count]).clone().keep()));

async function valuesOf(t: Tensor): Promise<Values> {
  return { data: await t.data(), shape: t.shape.slice(1) };
}

/**
 * The epoch that a full list can best do without. It is neither the first, the last nor the best.
 * Of the others it is the one whose neighbours are nearest to each other, counted by ratio, since
 * an autoencoder changes most in its first epochs.
 */
export function leastUseful(epochs: readonly number[], best: number | undefined): number {
  let chosen = -1;
  let nearest = Infinity;
  epochs.forEach((epoch, i) => {
    const [before, after] = [epochs[i - 1], epochs[i + 1]];
    if (before === undefined || after === undefined || epoch === best) return;
    const ratio = after / before;
    if (ratio < nearest) [chosen, nearest] = [i, ratio];
  });
  return chosen;
}

const samePictures = (a: ReportPictures | undefined, b: ReportPictures | undefined): boolean =>
  a?.items.length === b?.items.length && (a === undefined || a.items.every((item, i) => item === b?.items[i]));

/** Draws the same samples after each epoch. */
export class SampleWatch {
  readonly #options: SampleOptions;
  #batch: readonly Tensor[] | undefined;
  #inputs: Values | undefined;
  #targets: Values | undefined;
  #drawn: { readonly inputs?: ReportPictures; readonly targets?: ReportPictures } = {};
  #outputs: ReportOutputs[] = [];
  #restored: ReportSamples | undefined;

  constructor(options: SampleOptions) {
    this.#options = options;
  }

  /** The batch of samples, once it is taken. */
  get batch(): readonly Tensor[] | undefined {
    return this.#batch;
  }

  /** Takes the samples and draws their inputs and targets. Returns what a user should know. */
  async begin(run: ReportRun): Promise<string | undefined> {
    const { sampleCount, samples } = this.#options;
    if (sampleCount === 0) return undefined;
    const source = run.validation ?? run.data;
    const batch = samples ?? (source === undefined ? undefined : await firstBatch(source));
    // A scalar counts as a tensor of no samples.
    const [first = 0, ...others] = (batch ?? []).map(({ shape }) => shape[0] ?? 0);
    const count = Math.min(sampleCount, first);
    if (batch === undefined || count === 0 || others.some((length) => length < count)) return undefined;
    this.end();
    this.#batch = firstOf(batch, count);
    const [input, ...rest] = this.#batch as readonly [Tensor, ...Tensor[]];
    const target = rest.at(-1);
    this.#inputs = await valuesOf(input);
    this.#targets = target === undefined ? undefined : await valuesOf(target);
    const inputs = this.#draw(this.#inputs);
    const targets = this.#targets && this.#draw(this.#targets);
    this.#drawn = { inputs, targets: samePictures(inputs, targets) ? undefined : targets };
    return this.#resume();
  }

  /** Goes on with the outputs of a checkpoint, if it has the same samples. */
  #resume(): string | undefined {
    const before = this.#restored;
    this.#restored = undefined;
    if (before === undefined) return undefined;
    const isSame = samePictures(before.inputs, this.#drawn.inputs) && samePictures(before.targets, this.#drawn.targets);
    if (isSame) this.#outputs = [...before.outputs];
    return isSame
      ? undefined
      : 'the report has other samples than before the resumption, so it begins their rows again';
  }

  #draw({ data, shape }: Values): ReportPictures | undefined {
    const { range } = this.#options;
    const count = data.length / shape.reduce((a, b) => a * b, 1);
    const isLine = kindOf(shape) === 'line';
    const fitting = isLine ? this.#lineRange(data) : range === 'auto' ? rangeOf(data) : unit;
    const scale = range === undefined || range === 'auto' ? fitting : range;
    return drawBatch(data, count, shape, scale, mostBytes / (count * (mostEpochs + 2)));
  }

  /** One scale for all lines: the targets', or the inputs' where the targets are no lines. */
  #lineRange(data: ArrayLike<number>): Range {
    const base = [this.#targets, this.#inputs].find((v) => v !== undefined && kindOf(v.shape) === 'line');
    const [low, high] = rangeOf(base?.data ?? data);
    const margin = (high - low) * 0.1;
    return [low - margin, high + margin];
  }

  /** Draws the outputs after an epoch. Returns them with the samples' values. */
  async capture(run: ReportRun, epoch: number, best: number | undefined): Promise<Seen | undefined> {
    if (this.#batch === undefined || this.#inputs === undefined) return undefined;
    const { output } = this.#options;
    const prediction = await run.predict(...this.#batch);
    const shown = output === undefined ? prediction : noGrad(() => output(prediction));
    const outputs = await valuesOf(shown);
    for (const t of new Set([prediction, shown])) if (!this.#batch.includes(t)) t.release();
    const count = this.#batch[0]?.shape[0] ?? 0;
    if (outputs.data.length !== count * outputs.shape.reduce((a, b) => a * b, 1)) return undefined;
    const pictures = this.#draw(outputs);
    if (pictures !== undefined) {
      this.#outputs = [...this.#outputs.filter((o) => o.epoch < epoch), { epoch, pictures }];
      if (this.#outputs.length > mostEpochs) {
        const epochs = this.#outputs.map((o) => o.epoch);
        this.#outputs.splice(leastUseful(epochs, best), 1);
      }
    }
    return { inputs: this.#inputs, targets: this.#targets, outputs, count };
  }

  /** What the report shows, or undefined if nothing can be drawn. */
  data(): ReportSamples | undefined {
    if (this.#restored !== undefined) return this.#restored;
    const { inputs, targets } = this.#drawn;
    return inputs === undefined && targets === undefined && this.#outputs.length === 0
      ? undefined
      : { ...(inputs && { inputs }), ...(targets && { targets }), outputs: this.#outputs };
  }

  loadStateDict(samples: ReportSamples | undefined): void {
    this.#restored = samples;
    if (this.#batch !== undefined) this.#resume();
  }

  /** Forgets the outputs of an earlier run. */
  forget(): void {
    this.#outputs = [];
    this.#restored = undefined;
  }

  /** Releases the samples. */
  end(): void {
    for (const t of this.#batch ?? []) t.release();
    this.#batch = undefined;
  }
}
