/**
 * The mode of gpu.js that a device has open, and whether it can still compute: its adapter may be
 * lost, and the device may be closed.
 * Not here: opening a mode (gpujs.ts), the arrays that are lost with an adapter (arrays.ts).
 */
import { DeviceError } from '../../errors.js';
import { type GpuMode, type OpenedMode, openMode } from './gpujs.js';

export interface SessionOptions {
  readonly mode: GpuMode;
  readonly asyncMode: boolean;
}

export class Session {
  #opened: OpenedMode;
  readonly #options: SessionOptions;
  readonly #onFailure: (failure: DeviceError) => void;
  #generation = 0;
  #lost: string | null = null;
  #closed = false;

  /** `onFailure` is called with each failure that the adapter reports outside of a call. */
  constructor(opened: OpenedMode, options: SessionOptions, onFailure: (failure: DeviceError) => void) {
    this.#opened = opened;
    this.#options = options;
    this.#onFailure = onFailure;
    this.#listen();
  }

  /** The mode as it is open now. */
  get opened(): OpenedMode {
    return this.#opened;
  }

  /** The number of times that all arrays were lost. Arrays of an older generation are lost. */
  get generation(): number {
    return this.#generation;
  }

  get alive(): boolean {
    return !this.#closed && this.#lost === null && !this.#opened.isLost();
  }
  get closed(): boolean {
    return this.#closed;
  }
  /** Whether the adapter has reported its loss. */
  get lost(): boolean {
    return this.#lost !== null;
  }

  toString(): string {
    const { mode, adapter } = this.#opened;
    return `gpu (${mode}${adapter === null ? '' : `: ${adapter.name}${adapter.software ? ', software' : ''}`})`;
  }

  /** The error of an operation that needs a session that is alive. */
  deathError(name: string): DeviceError {
    if (this.#closed)
      return new DeviceError(name, 'the device must be open', 'one that was closed', 'open another with device()');
    return new DeviceError(
      name,
      'the adapter must not be lost',
      this.#lost || 'it is lost',
      'await device.recover(), then load the parameters that you saved last',
    );
  }
  checkAlive(name: string): void {
    if (!this.alive) throw this.deathError(name);
  }

  checkSize(name: string, size: number): void {
    const { elements, reason } = this.#opened.limit;
    if (size > elements)
      throw new DeviceError(
        name,
        `an array may have ${elements} elements at most on the gpu device`,
        `${size}`,
        `${reason}; split it, or use the wasm device`,
      );
  }

  /** Begins a generation. All arrays made before are lost. */
  nextGeneration(): void {
    this.#generation++;
  }

  /**
   * Opens the mode again. All arrays are lost.
   * @throws DeviceError if the mode does not open
   */
  async reopen(): Promise<void> {
    await this.#opened.close().catch(() => {});
    this.#opened = await openMode(this.#options.mode, this.#options.asyncMode);
    this.#lost = null;
    this.#listen();
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#opened.close();
  }

  #listen(): void {
    const generation = this.#generation;
    const opened = this.#opened;
    opened.lost.then((reason) => {
      if (generation === this.#generation) this.#lost ??= reason;
    });
    opened.onError((message) => {
      this.#onFailure(new DeviceError('gpu', 'the adapter must do what it is given', message, `${this}`));
    });
  }
}
