/**
 * The configuration of a run: its keys, their checks, and how given ones become a whole one. Not
 * here: what the keys make (parts.ts), where the file of a run is (run-folder.ts).
 */
import { fromList } from '../data/transforms/combine.js';
import type { StepDescription } from '../data/transforms/index.js';
import type { DeviceName } from '../device/select.js';
import { UsageError } from './errors.js';
import {
  type Check,
  checkObject,
  flag,
  type Given,
  listOf,
  made,
  number,
  oneOf,
  orNull,
  positive,
  record,
  share,
  text,
  whole,
} from './schema.js';

export type Size = readonly [height: number, width: number];
/** How an image of another size becomes one of the run's size. */
export type Fit = 'crop' | 'pad' | 'stretch' | 'none';
export type Channels = 1 | 3 | 4;
export const losses = ['mse', 'l1', 'bce', 'ssim'] as const;

export interface DataConfig {
  readonly folder: string;
  /** A folder with a target of the same name for each image. Null: the image itself. */
  readonly targets: string | null;
  /** Share of the images that are held out. */
  readonly validation: number;
  readonly size: Size;
  readonly fit: Fit;
  readonly channels: Channels;
  readonly targetChannels: Channels;
  readonly badFiles: 'throw' | 'skip';
}
export interface ModelConfig {
  readonly widths: readonly number[];
  readonly code: number;
  readonly decoder: 'unpool' | 'upsample';
  readonly norm: boolean;
  readonly dropout: number;
}
export interface StoppingConfig {
  readonly patience: number;
  readonly minDelta: number;
  /** Default: the validation loss, or the loss. */
  readonly monitor?: string;
}
/** The name of a class in short, and its options. */
export interface NamedConfig {
  readonly name: string;
  readonly [option: string]: unknown;
}

/** Everything that determines a run. Paths are absolute here, and relative in files. */
export interface RunConfig {
  readonly data: DataConfig;
  /** Changes of training images at random. */
  readonly transforms: readonly StepDescription[];
  /** Standard deviation of the noise on the model's inputs. */
  readonly noise: number;
  readonly model: ModelConfig;
  readonly loss: (typeof losses)[number];
  readonly optimizer: NamedConfig & { readonly lr: number };
  readonly schedule: NamedConfig | null;
  readonly epochs: number;
  readonly batchSize: number;
  readonly seed: number;
  readonly device: DeviceName;
  /** Decay of the weights' average. */
  readonly ema: number | null;
  readonly earlyStopping: StoppingConfig | null;
  /** Greatest norm of the gradient. */
  readonly clipNorm: number | null;
}

/** What a person gives. The size may say that images have one. */
export interface GivenConfig {
  readonly data?: Given<Omit<DataConfig, 'size'> & { readonly size: Size | 'none' }>;
  readonly transforms?: RunConfig['transforms'];
  readonly noise?: number;
  readonly model?: Given<ModelConfig>;
  readonly loss?: RunConfig['loss'];
  readonly optimizer?: Given<NamedConfig>;
  readonly schedule?: NamedConfig | null;
  readonly epochs?: number;
  readonly batchSize?: number;
  readonly seed?: number;
  readonly device?: DeviceName;
  readonly ema?: number | null;
  readonly earlyStopping?: Given<StoppingConfig> | null;
  readonly clipNorm?: number | null;
}

// ---- checks

const side = whole(1, 65536);
const channels = oneOf(1, 3, 4);
export const deviceList: readonly DeviceName[] = [
  ...(['auto', 'wasm', 'webgpu', 'webgl2', 'webgl', 'headlessgl', 'gpu', 'reference'] as const),
];
export const deviceNames = oneOf(...deviceList);
export const sizeCheck: Check<Size | 'none'> = (place, value) => {
  if (value === 'none') return value;
  if (typeof value === 'number') return [side(place, value), value];
  if (!Array.isArray(value) || value.length !== 2)
    throw new UsageError(`${place} must be a number, [height, width] or "none"; got ${JSON.stringify(value)}`);
  return [side(`${place}[0]`, value[0]), side(`${place}[1]`, value[1])];
};

const named: Check<NamedConfig> = (place, value) => {
  checkObject(place, value);
  if (value.name === undefined) throw new UsageError(`${place}.name is missing`);
  return { ...value, name: text(`${place}.name`, value.name) };
};
/** Options of the optimizer. Its name may be missing, and its class checks them (parts.ts). */
const optimizer: Check<Given<NamedConfig>> = (place, value) => {
  checkObject(place, value);
  return value;
};

const transform: Check<StepDescription> = (place, value) => {
  checkObject(place, value);
  const step = value as StepDescription;
  if (step.name === 'normalize')
    throw new UsageError(`${place}.name: normalize would take images out of 0 … 1, which the model gives`);
  made(place, () => fromList([step]));
  return step;
};

export const checks = {
  noise: number('in [0, 10]', (v) => v >= 0 && v <= 10),
  validation: share,
  epochs: whole(1),
  batchSize: whole(1, 65536),
  seed: whole(0, 2 ** 32 - 1),
  lr: positive,
  patience: whole(1),
};

const configCheck = record<Required<GivenConfig> & { readonly cedargrad: string }>({
  /** The version that wrote the file. */
  cedargrad: text,
  data: record<NonNullable<Required<GivenConfig['data']>>>({
    folder: text,
    targets: orNull(text),
    validation: checks.validation,
    size: sizeCheck,
    fit: oneOf('crop', 'pad', 'stretch', 'none'),
    channels,
    targetChannels: channels,
    badFiles: oneOf('throw', 'skip'),
  }),
  transforms: listOf(transform),
  noise: checks.noise,
  model: record<ModelConfig>({
    widths: listOf(side),
    code: side,
    decoder: oneOf('unpool', 'upsample'),
    norm: flag,
    dropout: share,
  }),
  loss: oneOf(...losses),
  optimizer,
  schedule: orNull(named),
  epochs: checks.epochs,
  batchSize: checks.batchSize,
  seed: checks.seed,
  device: deviceNames,
  ema: orNull(number('in [0, 1)', (v) => v >= 0 && v < 1)),
  earlyStopping: orNull(
    record<Required<StoppingConfig>>({
      patience: checks.patience,
      minDelta: number('not negative', (v) => v >= 0),
      monitor: text,
    }),
  ),
  clipNorm: orNull(positive),
});

/** Checks the keys and values of a configuration. @throws UsageError that names the key */
export function checkConfig(value: unknown, place = 'config'): GivenConfig {
  const { cedargrad: _, ...config } = configCheck(place, value);
  return config as GivenConfig;
}

// ---- joining

/** One configuration over another, part by part. */
export function over(base: GivenConfig, top: GivenConfig): GivenConfig {
  const joined = <T extends object>(a: T | null | undefined, b: T | null | undefined): T | null | undefined =>
    b === undefined ? a : a === null || a === undefined || b === null ? b : { ...a, ...b };
  const parts = {
    data: joined(base.data, top.data),
    model: joined(base.model, top.model),
    optimizer: joined(base.optimizer, top.optimizer),
    earlyStopping: joined(base.earlyStopping, top.earlyStopping),
  };
  return { ...base, ...top, ...parts } as GivenConfig;
}

/** Replaces the paths of a configuration. */
export function withPaths<T extends { readonly data?: GivenConfig['data'] }>(
  config: T,
  change: (path: string) => string,
): T {
  const { data } = config;
  if (data === undefined) return config;
  const { folder, targets } = data;
  const changed = {
    ...data,
    ...(folder !== undefined && { folder: change(folder) }),
    ...(typeof targets === 'string' && { targets: change(targets) }),
  };
  return { ...config, data: changed };
}
