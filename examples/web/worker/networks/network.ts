/**
 * What the worker needs to know about a network: its model, how it is trained, and what of it is
 * shown. Not here: the loop that trains it (training.ts), and how tensors become pictures
 * (pictures.ts).
 */
import type { AdamOptions, Module, Shape, Tensor } from 'cedargrad';
import type { NetworkName, Picture, Row } from '../../protocol.js';

/** Images under one title, before they are read from the device. */
export interface TensorRow {
  readonly title: string;
  /** @shape [N,H,W,1] or [N,H,W,3] */
  readonly images: Tensor;
  /** The value that is black, and the one that is white. */
  readonly range: readonly [low: number, high: number];
}

/** How a network is trained, and the examples on which its progress is shown. */
export interface Trained {
  readonly adam: Partial<AdamOptions>;
  /**
   * The batch of a step, counted from 0. It depends on the seed and the step only. Its tensors live
   * until the next call.
   */
  batch(step: number): readonly Tensor[];
  loss(...batch: readonly Tensor[]): Tensor;
  /** The inputs that are shown. @shape [N,H,W,C] */
  readonly examples: Tensor;
  /** Runs the model on the examples. Its pools and unpools are watched meanwhile. */
  forward(): Tensor;
  /** The rows that show the examples and the model's output for them. */
  rows(output: Tensor): readonly TensorRow[];
  /** The range of the examples' values. */
  readonly range: TensorRow['range'];
  /** Releases the data. */
  release(): void;
}

/** A network that was opened. */
export interface Network {
  readonly model: Module;
  /** The shape of one input. @shape [1,H,W,C] */
  readonly inputShape: Shape;
  /** Null for a network that is only run. */
  readonly trained: Trained | null;
  /** Rebuilds a drawn digit. Null if the network is not about digits. */
  readonly draw: ((pixels: Float32Array) => Promise<readonly Row[]>) | null;
  /** Runs the network on a picture. Null if it takes no picture of any size. */
  readonly image: ((picture: Picture) => Promise<readonly Row[]>) | null;
}

/** Reads a file that lies beside the page. */
export type ReadAsset = (name: string) => Promise<Uint8Array>;

/** Makes a network on the default device. The seed was given to the default generator before. */
export type OpenNetwork = (read: ReadAsset, seed: number) => Promise<Network>;

/** How each network is opened. */
export type Networks = Readonly<Record<NetworkName, OpenNetwork>>;
