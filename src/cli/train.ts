/**
 * The command train: a new run from a folder of images. It reads what was given, writes the whole
 * configuration into the run, and trains. Not here: what is chosen (decide.ts), the training itself
 * (session.ts).
 */
import { resolve } from 'node:path';
import type { StepDescription } from '../data/transforms/index.js';
import type { DeviceName } from '../device/select.js';
import { stopOnSignals } from '../train/index.js';
import {
  checks,
  deviceList,
  deviceNames,
  type GivenConfig,
  over,
  type RunConfig,
  type Size,
  sizeCheck,
} from './config.js';
import { decide } from './decide.js';
import { RunError, UsageError } from './errors.js';
import { type Arguments, type Command, common, valueOf } from './flags.js';
import { Output } from './output.js';
import { checkParts } from './parts.js';
import { beginRun, hasRun, readConfig } from './run-folder.js';
import { type Check, oneOf, whole } from './schema.js';
import { onDevice, train } from './session.js';

/** A size as a person writes it: 64, 48x64 or none. */
const sizeOf: Check<Size | 'none'> = (place, value) => {
  const pair = /^(\d+)x(\d+)$/.exec(String(value));
  if (pair !== null) return sizeCheck(place, [Number(pair[1]), Number(pair[2])]);
  if (typeof value === 'string' && value !== 'none')
    throw new UsageError(`${place} must be a number, HxW or none; got '${value}'`);
  return sizeCheck(place, value);
};

/** What names of changes stand for. A crop follows a border, so that the size stays. */
const changes: Readonly<Record<string, (size: Size) => StepDescription[]>> = {
  flip: () => [{ name: 'flip', horizontal: 0.5 }],
  crop: ([height, width]) => [
    { name: 'pad', width: [Math.floor(height / 8), Math.floor(width / 8)], mode: 'reflect' },
    { name: 'randomCrop', size: [height, width] },
  ],
  rotate: () => [{ name: 'rotate', degrees: 10 }],
  brightness: () => [{ name: 'brightness', amount: 0.2 }],
  contrast: () => [{ name: 'contrast', amount: 0.2 }],
};

/** The changes that --augment names, if it was given. */
function augmentOf(flags: Arguments): ((size: Size) => StepDescription[]) | undefined {
  const list = flags.value('augment');
  if (list === undefined) return undefined;
  const made = list.split(',').map((name) => changes[oneOf(...Object.keys(changes))('--augment', name.trim())]);
  return (size) => made.flatMap((make) => make?.(size) ?? []);
}

const defined = <T extends object>(parts: T): T =>
  Object.fromEntries(Object.entries(parts).filter(([, value]) => value !== undefined)) as T;

/** The part of a configuration that flags give. */
function configOf(flags: Arguments): GivenConfig {
  const folderOf = (name: string): string | undefined => {
    const folder = flags.value(name);
    return folder === undefined ? undefined : resolve(folder);
  };
  const lr = valueOf(flags, 'lr', checks.lr);
  const patience = valueOf(flags, 'patience', checks.patience);
  return defined<GivenConfig>({
    data: defined<NonNullable<GivenConfig['data']>>({
      folder: folderOf('data'),
      targets: folderOf('targets'),
      size: valueOf(flags, 'size', sizeOf),
      validation: valueOf(flags, 'validation', checks.validation),
      channels: flags.has('gray') ? 1 : undefined,
      badFiles: flags.has('skip-bad') ? 'skip' : undefined,
    }),
    epochs: valueOf(flags, 'epochs', checks.epochs),
    batchSize: valueOf(flags, 'batch', checks.batchSize),
    seed: valueOf(flags, 'seed', checks.seed),
    noise: valueOf(flags, 'noise', checks.noise),
    device: valueOf(flags, 'device', deviceNames),
    optimizer: lr === undefined ? undefined : { lr },
    earlyStopping: patience === undefined ? undefined : { patience },
  });
}

/** The configuration with the device that was chosen, so that a resumed run takes the same. */
function withDevice(config: RunConfig, on: object): RunConfig {
  const { name, mode } = on as { readonly name: string; readonly mode?: string };
  const own = [mode, name].find((one) => deviceList.includes(one as DeviceName) && one !== 'gpu');
  return { ...config, device: (own as DeviceName | undefined) ?? config.device };
}

async function run(flags: Arguments): Promise<number> {
  const out = Output.of('train', flags);
  const augment = augmentOf(flags);
  const workers = valueOf(flags, 'workers', whole(0, 64)) ?? 0;
  const flagged = configOf(flags);
  const path = flags.value('config');
  const given = over(path === undefined ? {} : await readConfig(path), flagged);
  checkParts(given);
  const folder = flags.value('out');
  if (folder === undefined || folder === '') throw new UsageError('--out must name a folder for the run');
  if (!flags.has('force') && (await hasRun(folder)))
    throw new RunError(`'${folder}' already has a run; --force replaces it, and cedargrad resume goes on with it`);

  const stop = stopOnSignals({ name: 'cedargrad train' });
  try {
    const { config, images, text } = await decide(given, augment);
    for (const { file, reason } of images.skipped) out.warn(`skipped ${file}: ${reason}`);
    return await onDevice(config.device, async (on) => {
      const whole = withDevice(config, on);
      const files = await beginRun(folder, whole, images);
      const { data, epochs, device } = whole;
      out.tell(`${text}\ndevice: ${on}`, {
        event: 'run',
        ...{ run: folder, device, epochs, size: data.size, channels: data.channels },
        ...{ training: images.training.length, validation: images.validation.length, skipped: images.skipped.length },
      });
      return train({ run: folder, files, config: whole, images, workers, out, stop, resumes: false });
    });
  } finally {
    stop.dispose();
  }
}

export const trainCommand: Command = {
  name: 'train',
  usage: '--data FOLDER --out RUN [options]',
  about: 'Trains an autoencoder on the PNG and JPEG images below a folder.',
  positionals: [0, 0],
  flags: {
    data: { value: 'FOLDER', help: 'images, also in folders below it' },
    out: { value: 'RUN', short: 'o', help: 'the folder for the run' },
    config: { value: 'FILE', help: 'a configuration in JSON; flags override it' },
    targets: { value: 'FOLDER', help: 'a target of the same name for each image' },
    size: { value: 'N|HxW|none', help: 'resize and crop images to this size; none takes them as they are' },
    gray: { help: 'read images as grey' },
    noise: { value: 'X', help: 'remove noise of this standard deviation, 0 … 1' },
    augment: { value: 'LIST', help: `change images at random: ${Object.keys(changes).join(',')}` },
    epochs: { value: 'N', help: 'passes over the images' },
    batch: { value: 'N', help: 'images in a step' },
    lr: { value: 'X', help: 'learning rate (default 0.003)' },
    seed: { value: 'N', help: 'of all random choices (default 0)' },
    validation: { value: 'X', help: 'share of images held out (default 0.1)' },
    patience: { value: 'N', help: 'stop after N epochs without an improvement' },
    workers: { value: 'N', help: 'threads that read images (default 0)' },
    'skip-bad': { help: 'leave out damaged files' },
    force: { help: 'replace a run that is in RUN' },
    ...common,
  },
  run,
};
