/**
 * A network in training: its optimizer, its compiled step, and the losses that were not reported
 * yet. Not here: when a step is taken (session.ts).
 */
import { Adam, type CompiledStep, compile, type Tensor, ValueError } from 'cedargrad';
import type { Network, Trained } from './networks/network.js';

/** Checks a learning rate. */
function checkRate(op: string, rate: number): void {
  if (!(typeof rate === 'number' && rate > 0 && rate < Infinity))
    throw new ValueError(op, 'the learning rate must be a positive number', String(rate));
}

export class Training {
  /** The number of steps taken. */
  count = 0;
  #rate: number;
  #optimizer!: Adam;
  #step!: CompiledStep<readonly Tensor[], Tensor>;
  #losses: number[] = [];
  #time = 0;

  /** @throws ValueError for a learning rate that is not positive */
  constructor(
    readonly network: Network,
    readonly trained: Trained,
    rate: number,
  ) {
    checkRate('open', rate);
    this.#rate = rate;
    this.#begin();
  }

  #begin(): void {
    const { network, trained } = this;
    const optimizer = new Adam(network.model.parameters(), { ...trained.adam, lr: this.#rate });
    this.#optimizer = optimizer;
    this.#step = compile((...batch: readonly Tensor[]) => {
      optimizer.zeroGrad();
      const loss = trained.loss(...batch);
      loss.backward();
      optimizer.step();
      return loss;
    });
  }

  /** Releases what the optimizer and the compiled step hold on the device. */
  #end(): void {
    this.#step.dispose();
    // Loading an empty state is how an optimizer releases its moments.
    this.#optimizer.loadStateDict({ groups: this.#optimizer.stateDict().groups, state: {} });
    this.#optimizer.zeroGrad();
  }

  /** @throws ValueError for a rate that is not positive */
  set learningRate(rate: number) {
    checkRate('learning-rate', rate);
    this.#rate = rate;
    for (const group of this.#optimizer.paramGroups) group.lr = rate;
  }

  /**
   * Trains one step.
   * @throws ValueError for a loss that is not finite; DeviceError if the device is lost
   */
  async step(): Promise<void> {
    const began = performance.now();
    const loss = this.#step(...this.trained.batch(this.count));
    const value = await loss.item();
    loss.release();
    if (!Number.isFinite(value))
      throw new ValueError(
        'start',
        'the loss must be finite',
        `${value} in step ${this.count + 1}`,
        'reset, and choose a smaller learning rate',
      );
    this.count++;
    this.#losses.push(value);
    this.#time += performance.now() - began;
  }

  /** The losses since the last call. Null if there are none. */
  takeLosses(): { first: number; losses: readonly number[]; stepTime: number } | null {
    const losses = this.#losses;
    if (losses.length === 0) return null;
    const taken = { first: this.count - losses.length + 1, losses, stepTime: this.#time / losses.length };
    this.#losses = [];
    this.#time = 0;
    return taken;
  }

  /**
   * Forgets the moments of the optimizer. Call it after other weights were loaded. The moments are
   * means of the former weights' gradients, and would move the new weights where the former ones
   * were going.
   */
  forgetMoments(): void {
    this.#end();
    this.#begin();
  }

  /** Releases all memory that the training holds on the device, without that of the model. */
  release(): void {
    this.#end();
    this.trained.release();
  }
}
