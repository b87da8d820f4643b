/**
 * The worker's side of the conversation with the page. Requests and steps of the training are done
 * one after another in a single queue, so no request meets a step half done. It runs in Node too,
 * for tests. Not here: the messages (../protocol.ts), and the connection to the page (worker.ts).
 */
import { type Device, manualSeed, setDefaultDevice, ValueError } from 'cedargrad';
import type { Answer, DeviceChoice, Request, Settings } from '../protocol.js';
import { deviceReports, openDevice, type Platform, threadsOf } from './devices.js';
import { type Decode, readImage } from './images.js';
import { networks } from './networks/index.js';
import type { Network, ReadAsset } from './networks/network.js';
import { buffersIn } from './pictures.js';
import { Training } from './training.js';
import { type Inspected, look } from './view.js';
import { encode, load } from './weights.js';

/** The least time between two messages of a kind. @units milliseconds */
const progressPause = 100;
const viewPause = 250;
/** The pictures may take this share of the time, but they come at least after so long. */
const viewShare = 0.05;
const longestViewPause = 5000;
/** Longest side of a picture that a network is run on. @units pixels */
const longestSide = 512;
/** Longest message. A list of all weights that do not fit would fill the page. */
const longestMessage = 400;

/** What a session needs of its surroundings. */
export interface Surroundings {
  /** Sends an answer to the page. `transfer` is the memory that may be handed over with it. */
  readonly send: (answer: Answer, transfer: ArrayBuffer[]) => void;
  readonly read: ReadAsset;
  readonly decode: Decode;
  readonly platform: Platform;
}

/** What `open` made. */
interface Opened {
  readonly settings: Settings;
  readonly on: Device;
  readonly network: Network;
  readonly training: Training | null;
}

const messageOf = (error: unknown): string => {
  const text = error instanceof Error ? error.message : String(error);
  return text.length <= longestMessage ? text : `${text.slice(0, longestMessage)} …`;
};

export class Session {
  readonly #queue: Request[] = [];
  #busy = false;
  #running = false;
  #opened: Opened | null = null;
  #inspected: Inspected = { index: 0, channel: 0 };
  #nextProgress = 0;
  #nextView = 0;

  constructor(private readonly around: Surroundings) {}

  /** Tells the page what can run here. */
  async announce(): Promise<void> {
    const { platform } = this.around;
    const devices = await deviceReports(platform);
    this.#send({ type: 'devices', devices, isolated: platform.crossOriginIsolated === true });
  }

  /** Takes a request. It is done after those before it, between two steps. */
  receive(request: Request): void {
    this.#queue.push(request);
    if (!this.#busy) void this.#work();
  }

  #send(answer: Answer): void {
    this.around.send(answer, [...buffersIn(answer)]);
  }

  /** Does all requests, and then steps as long as the training runs. */
  async #work(): Promise<void> {
    this.#busy = true;
    for (;;) {
      const request = this.#queue.shift();
      if (request !== undefined) await this.#try(request.type, () => this.#answer(request));
      else if (this.#running) await this.#train();
      else break;
    }
    this.#busy = false;
  }

  /** Runs `fn`. An error refuses the request. Returns whether there was none. */
  async #try(request: Request['type'], fn: () => Promise<void>): Promise<boolean> {
    try {
      await fn();
      return true;
    } catch (error) {
      this.#send({ type: 'refused', request, message: messageOf(error) });
      return false;
    }
  }

  /** One step of a training that runs. An error ends it. */
  async #train(): Promise<void> {
    const went = await this.#try('start', async () => {
      await this.#trainingFor('start').step();
      await this.#report(false);
    });
    if (!went) this.#run(false);
  }

  /** A training that ends tells its last losses first, so that the page shows the last step. */
  #run(running: boolean): void {
    this.#running = running;
    if (!running) this.#sendLosses();
    this.#send({ type: 'state', running });
  }

  #openedFor(op: string): Opened {
    if (this.#opened === null) throw new ValueError(op, 'a network must be open', 'none', 'choose a network');
    return this.#opened;
  }

  #trainingFor(op: string): Training {
    const { training, settings } = this.#openedFor(op);
    if (training === null)
      throw new ValueError(op, 'the network must be one that trains here', settings.network, 'it is only run');
    return training;
  }

  async #answer(request: Request): Promise<void> {
    switch (request.type) {
      case 'open':
        return this.#open(request.settings);
      case 'start':
        this.#trainingFor('start');
        return this.#run(true);
      case 'pause':
        this.#run(false);
        return this.#report(true);
      case 'step':
        await this.#trainingFor('step').step();
        return this.#report(true);
      case 'learning-rate':
        this.#trainingFor('learning-rate').learningRate = request.value;
        return;
      case 'inspect':
        return this.#inspect(request);
      case 'draw':
        return this.#draw(request.pixels);
      case 'image':
        return this.#image(request.file, request.name);
      case 'save': {
        const { network, settings } = this.#openedFor('save');
        const bytes = await encode(network, request.format);
        return this.#send({ type: 'saved', name: `${settings.network}.${request.format}`, bytes });
      }
      case 'load': {
        const { network, training } = this.#openedFor('load');
        await load(network, request.file, request.name);
        training?.forgetMoments();
        this.#send({ type: 'loaded', name: request.name });
        return this.#report(true);
      }
    }
  }

  /**
   * Opens a network on a device. If that is refused, the former training goes on, so it is ended
   * last.
   */
  async #open(settings: Settings): Promise<void> {
    const former = this.#opened;
    const on = await this.#deviceFor(settings.device, former);
    try {
      setDefaultDevice(on);
      manualSeed(settings.seed);
      const openNetwork = networks[settings.network];
      if (openNetwork === undefined)
        throw new ValueError(
          'open',
          `the network must be one of ${Object.keys(networks).join(', ')}`,
          settings.network,
        );
      const network = await openNetwork(this.around.read, settings.seed);
      const { trained } = network;
      const training = trained === null ? null : new Training(network, trained, settings.learningRate);
      this.#opened = { settings, on, network, training };
    } catch (error) {
      if (former !== null) setDefaultDevice(former.on);
      if (on !== former?.on) await on.close();
      throw error;
    }
    if (this.#running) this.#run(false);
    this.#sendReady(this.#opened);
    if (former !== null) await this.#end(former, on);
    await this.#report(true);
  }

  /** The former device if it is the same choice and still alive, else a new one. */
  async #deviceFor(choice: DeviceChoice, former: Opened | null): Promise<Device> {
    if (former?.settings.device === choice && former.on.alive) return former.on;
    return openDevice(choice, this.around.platform);
  }

  /** Releases what a former `open` made. */
  async #end({ on, network, training }: Opened, now: Device): Promise<void> {
    training?.release();
    for (const t of [...network.model.parameters(), ...network.model.buffers()]) t.release();
    // A device that was lost may fail to close, and there is nothing left to give back.
    if (on !== now) await on.close().catch(() => {});
  }

  #sendReady({ settings, on, network }: Opened): void {
    const { model, inputShape, trained, draw, image } = network;
    this.#send({
      type: 'ready',
      settings,
      device: String(on),
      threads: threadsOf(on),
      parameters: model.parameters().reduce((n, p) => n + p.size, 0),
      summary: model.summary(inputShape),
      draws: draw !== null,
      takesImages: image !== null,
      trains: trained !== null,
    });
  }

  /** Sends losses and pictures if they are due, or in any case. */
  async #report(now: boolean): Promise<void> {
    const training = this.#opened?.training ?? null;
    if (training === null) return;
    const time = performance.now();
    if (now || time >= this.#nextProgress) {
      this.#sendLosses();
      this.#nextProgress = time + progressPause;
    }
    if (now || time >= this.#nextView) await this.#show(training);
  }

  #sendLosses(): void {
    const losses = this.#opened?.training?.takeLosses() ?? null;
    if (losses !== null) this.#send({ type: 'progress', ...losses });
  }

  async #show({ network, trained, count: step }: Training): Promise<void> {
    const began = performance.now();
    const { rows, levels } = await look(network, trained, this.#inspected);
    this.#send({ type: 'rows', step, rows });
    this.#send({ type: 'unpooling', step, levels });
    const ended = performance.now();
    // The first pictures on a GPU wait for its kernels to compile, so their time says little.
    const pause = Math.min((ended - began) / viewShare, longestViewPause);
    this.#nextView = ended + Math.max(viewPause, pause);
  }

  async #inspect({ index, channel }: Inspected): Promise<void> {
    for (const [name, value] of Object.entries({ index, channel }))
      if (!Number.isSafeInteger(value) || value < 0)
        throw new ValueError('inspect', `${name} must be a whole number from 0 on`, String(value));
    this.#inspected = { index, channel };
    await this.#report(true);
  }

  async #draw(pixels: Float32Array): Promise<void> {
    const { network, settings } = this.#openedFor('draw');
    if (network.draw === null)
      throw new ValueError('draw', 'the network must be about digits', settings.network, 'choose digits or what-where');
    if (!(pixels instanceof Float32Array) || pixels.length !== 784 || !pixels.every(Number.isFinite))
      throw new ValueError('draw', 'a drawing must be 28 × 28 finite numbers', `${pixels?.length} numbers`);
    this.#send({ type: 'drawing', rows: await network.draw(pixels) });
  }

  async #image(file: Blob, name: string): Promise<void> {
    const { network, settings } = this.#openedFor('image');
    if (network.image === null)
      throw new ValueError('image', 'the network must take pictures of any size', settings.network, 'choose contours');
    const { picture, width, height } = await readImage(file, name, longestSide, this.around.decode);
    const isSmaller = picture.width < width || picture.height < height;
    const note = isSmaller
      ? `Scaled down from ${width} × ${height} to ${picture.width} × ${picture.height} pixels.`
      : '';
    this.#send({ type: 'image', name, rows: await network.image(picture), note });
  }
}
