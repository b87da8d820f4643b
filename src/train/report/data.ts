/**
 * What a report shows, as plain data that JSON can hold. Not here: how it is collected (report.ts),
 * checked (check.ts) and drawn (render.ts).
 */
import type { EpochRecord } from '../run.js';

/**
 * The losses of a few successive steps. Losses that are not finite do not count, and where no loss
 * is finite there are no numbers.
 */
export interface ReportLoss {
  /** The last of the steps. */
  readonly step: number;
  readonly mean?: number;
  readonly least?: number;
  readonly greatest?: number;
  /** The learning rate of the last of the steps, if it is known. */
  readonly lr?: number;
}

/**
 * One picture for each sample. An image is the base64 text of a PNG. A line is the data of an SVG
 * path in a box of `width` by `height`, with y down.
 */
export interface ReportPictures {
  readonly kind: 'image' | 'line';
  readonly width: number;
  readonly height: number;
  readonly items: readonly string[];
}

/** The outputs of the model for the samples after one epoch. */
export interface ReportOutputs {
  readonly epoch: number;
  readonly pictures: ReportPictures;
}

/** Some samples, and the outputs of the model for them after some of the epochs. */
export interface ReportSamples {
  readonly inputs?: ReportPictures;
  /** Absent if the targets look as the inputs do. */
  readonly targets?: ReportPictures;
  readonly outputs: readonly ReportOutputs[];
}

/** The filters of a convolution as images. */
export interface ReportFilters {
  /** The name of the layer, such as 'encoder.0'. */
  readonly layer: string;
  /** @shape [kernelHeight, kernelWidth, inChannels / groups, outChannels] */
  readonly shape: readonly number[];
  /** The first filters, one image each. There may be more filters. */
  readonly pictures: ReportPictures;
}

/** One call of one layer, or a layer that was not called. */
export interface ReportLayer {
  readonly name: string;
  readonly type: string;
  readonly called: boolean;
  /** The shape of its output, where it is known. */
  readonly output?: readonly number[];
  /** The number of its own parameters that no earlier row has counted. */
  readonly parameters: number;
  readonly multiplyAdds: number;
}

/** Everything that a report shows. What is absent is not shown. */
export interface ReportData {
  /** Default 'Training report'. */
  readonly title?: string;
  readonly status: 'running' | 'finished' | 'stopped';
  /** Why the run stopped before its last epoch. */
  readonly stopReason?: string;
  /** The number of epochs that the run is to have. */
  readonly epochs: number;
  /** The number of steps so far. */
  readonly step: number;
  /** When the run began, in ISO 8601. */
  readonly started: string;
  /** When the data was collected, in ISO 8601. */
  readonly updated: string;
  /** The steps after which the run was resumed from a checkpoint. */
  readonly resumed?: readonly number[];
  readonly losses?: readonly ReportLoss[];
  readonly history: readonly EpochRecord[];
  readonly best?: { readonly epoch: number; readonly monitor: string; readonly value: number };
  readonly samples?: ReportSamples;
  readonly filters?: ReportFilters;
  readonly layers?: readonly ReportLayer[];
  /** Any JSON object, such as the options of the run. */
  readonly config?: object;
  readonly environment?: Readonly<Record<string, string>>;
  readonly warnings?: readonly string[];
}
