/** Progress of a training run: one live line on a terminal, a few plain lines elsewhere. */
import { SingleBar } from 'cli-progress';

export interface ProgressValues {
  readonly loss: number;
  /** In [0, 1]. */
  readonly accuracy?: number;
  readonly stepsPerSecond: number;
}

/** What is written to; Node's process.stdout or stderr. */
export interface ProgressStream {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

/** Shows steps, loss, pixel accuracy, speed and the time left. */
export class Progress {
  readonly #total: number;
  readonly #stream: ProgressStream;
  readonly #label: string;
  readonly #bar: SingleBar | null;

  constructor(total: number, { stream, label }: { stream: ProgressStream; label: string }) {
    this.#total = total;
    this.#stream = stream;
    this.#label = label;
    // A terminal of no columns would make the bar loop.
    this.#bar =
      stream.isTTY && (stream.columns ?? 0) > 0
        ? new SingleBar({
            format: `${label} {bar} {value}/{total}  {text}`,
            barsize: 20,
            stream: stream as NodeJS.WritableStream,
            hideCursor: true,
            clearOnComplete: false,
          })
        : null;
    this.#bar?.start(total, 0, { text: '' });
  }

  update(step: number, { loss, accuracy, stepsPerSecond }: ProgressValues): void {
    const left = Math.ceil((this.#total - step) / stepsPerSecond);
    const text = [
      `loss ${loss < 10 ? loss.toPrecision(4) : loss.toFixed(1)}`,
      ...(accuracy === undefined ? [] : [`${(100 * accuracy).toFixed(1)} % right`]),
      `${stepsPerSecond.toFixed(1)} steps/s`,
      `${left} s left`,
    ].join(', ');
    if (this.#bar !== null) this.#bar.update(step, { text });
    else if (step === 1 || step === this.#total || step % Math.ceil(this.#total / 10) === 0)
      this.#stream.write(`${this.#label} step ${step}/${this.#total}: ${text}\n`);
  }

  done(): void {
    this.#bar?.stop();
  }
}
