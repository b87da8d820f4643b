/**
 * The messages between the page and the worker that trains. Both sides compile these types. All
 * values can be cloned by postMessage. Not here: what the worker does with them
 * (worker/session.ts), and what the page shows (ui/).
 */

/** The networks that the page offers. */
export const networkNames = ['cedn', 'digits', 'what-where', 'contours'] as const;
export type NetworkName = (typeof networkNames)[number];

/** The devices that the page offers. */
export const deviceNames = ['auto', 'wasm', 'webgpu', 'webgl2'] as const;
export type DeviceChoice = (typeof deviceNames)[number];

/** The files that weights are written to and read from. */
export const weightFormats = ['safetensors', 'onnx'] as const;
export type WeightFormat = (typeof weightFormats)[number];

/** What a training begins with. */
export interface Settings {
  readonly network: NetworkName;
  readonly device: DeviceChoice;
  /** A whole number from 0 to 2³² − 1, for initial weights and the order of the data. */
  readonly seed: number;
  /** Adam's learning rate, above 0. */
  readonly learningRate: number;
}

/** From the page to the worker. They are done in order; a training goes on between its steps. */
export type Request =
  /** Ends the present training, and makes device, network and data anew. Answer: `ready`. */
  | { readonly type: 'open'; readonly settings: Settings }
  /** Trains until `pause`. */
  | { readonly type: 'start' }
  | { readonly type: 'pause' }
  /** Trains one step. */
  | { readonly type: 'step' }
  | { readonly type: 'learning-rate'; readonly value: number }
  /** Rebuilds a drawn digit. Answer: `drawing`. @shape [28 · 28] @units 0 (paper) … 1 (ink) */
  | { readonly type: 'draw'; readonly pixels: Float32Array }
  /** Runs the network on a picture of the user's. Answer: `image`. */
  | { readonly type: 'image'; readonly file: Blob; readonly name: string }
  /** Answer: `saved`. */
  | { readonly type: 'save'; readonly format: WeightFormat }
  /** The format is told by the name's ending. Answer: `loaded`. */
  | { readonly type: 'load'; readonly file: Blob; readonly name: string }
  /** Which picture of the batch, and which channel of the pool, `unpooling` shows. */
  | { readonly type: 'inspect'; readonly index: number; readonly channel: number };

/** An opaque picture. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  /** @shape [height · width · 4], red, green, blue, alpha @units 0 … 255 */
  readonly pixels: Uint8ClampedArray<ArrayBuffer>;
}

/** A row of pictures under one title, for example all targets of a batch. */
export interface Row {
  readonly title: string;
  readonly pictures: readonly Picture[];
}

/** What one pool of the network passes to its unpooling, for one picture and one channel. */
export interface Unpooling {
  /** For example 'pool 1'. */
  readonly title: string;
  readonly index: number;
  readonly channel: number;
  /** How many pictures and channels there are to choose from. */
  readonly pictures: number;
  readonly channels: number;
  /** The network's input, under the mask. */
  readonly input: Picture;
  /** The size of the pool's input, whose pixels the indices count. */
  readonly height: number;
  readonly width: number;
  /** The size of the pool's output. */
  readonly rows: number;
  readonly columns: number;
  /** The pool's windows. Each pair is [vertical, horizontal]. @units pixels of the pool's input */
  readonly kernelSize: readonly [number, number];
  readonly stride: readonly [number, number];
  /** How far the first window reaches above and left of the pool's input. */
  readonly padding: readonly [number, number];
  /** The flat position y · width + x of each window's maximum. @shape [rows · columns] */
  readonly indices: Int32Array;
  /** The pool's input, its output, and the unpooled values that the decoder gets. */
  readonly before: Picture;
  readonly pooled: Picture;
  readonly unpooled: Picture;
}

/** Whether a device can run in this browser. */
export interface DeviceReport {
  readonly name: DeviceChoice;
  readonly available: boolean;
  /** Why it cannot run, or what is to know about it. Empty if there is nothing to say. */
  readonly note: string;
}

/** From the worker to the page. */
export type Answer =
  /** What can run. Sent once, at the start. */
  | { readonly type: 'devices'; readonly devices: readonly DeviceReport[]; readonly isolated: boolean }
  | {
      readonly type: 'ready';
      readonly settings: Settings;
      /** What really runs, as String(device) says it. */
      readonly device: string;
      /** Threads of the processor that compute. 1 on other devices than wasm. */
      readonly threads: number;
      readonly parameters: number;
      /** The network's layers as a table of text. */
      readonly summary: string;
      /** Whether `draw` and `image` make sense. */
      readonly draws: boolean;
      readonly takesImages: boolean;
      /** False for a network that is only run. */
      readonly trains: boolean;
    }
  /**
   * The steps since the last such message. The loss of step `first` + i is `losses[i]`. The first
   * step of a training is step 1.
   */
  | {
      readonly type: 'progress';
      readonly first: number;
      readonly losses: readonly number[];
      /** The mean time of these steps. @units milliseconds */
      readonly stepTime: number;
    }
  | { readonly type: 'state'; readonly running: boolean }
  /** Inputs, targets and outputs of the network after `step` steps. Sent from step 0 on. */
  | { readonly type: 'rows'; readonly step: number; readonly rows: readonly Row[] }
  | { readonly type: 'unpooling'; readonly step: number; readonly levels: readonly Unpooling[] }
  | { readonly type: 'drawing'; readonly rows: readonly Row[] }
  | { readonly type: 'image'; readonly name: string; readonly rows: readonly Row[]; readonly note: string }
  | { readonly type: 'saved'; readonly name: string; readonly bytes: Uint8Array<ArrayBuffer> }
  | { readonly type: 'loaded'; readonly name: string }
  /**
   * A request that was refused. A training goes on. It has ended only if `state` says so: then the
   * request is `start`, and the message says why no further step is possible.
   */
  | { readonly type: 'refused'; readonly request: Request['type']; readonly message: string };
