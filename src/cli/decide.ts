/**
 * What a new run is to be: everything that was not given is chosen by the images. Not here: reading
 * what was given (train.ts), training (session.ts).
 */
import type { StepDescription } from '../data/transforms/index.js';
import { autoencoderFor } from '../models/autoencoder.js';
import type { Channels, DataConfig, GivenConfig, RunConfig, Size } from './config.js';
import { splitNames } from './dataset.js';
import { RunError, UsageError } from './errors.js';
import { chooseChannels, chooseSize, commonSize, type FoundImages, findImages, withTargets } from './images.js';
import { hasSsim, makeModel, wholeSchedule } from './parts.js';
import type { RunImages } from './run-folder.js';
import { made } from './schema.js';

interface Found extends FoundImages {
  /** Channels that suit the targets, if there are any. */
  readonly targetChannels: Channels | undefined;
}

/** Looks at all files of the run. */
async function look(data: GivenConfig['data']): Promise<Found> {
  const { folder, targets, badFiles = 'throw' } = data ?? {};
  if (folder === undefined) throw new UsageError('--data must name a folder of images');
  const found = await findImages(folder, '--data', badFiles);
  if (typeof targets !== 'string') return { ...found, targetChannels: undefined };
  const foundTargets = await findImages(targets, '--targets', badFiles);
  const paired = withTargets(found, foundTargets);
  if (paired.images.length === 0) throw new RunError(`no image has a target in '${targets}' that can be read`);
  return { ...paired, targetChannels: chooseChannels(foundTargets.images) };
}

function dataConfig(given: GivenConfig['data'], { images, targetChannels }: Found): DataConfig {
  const { folder, targets = null, validation = 0.1, size, fit, badFiles = 'throw', ...more } = given ?? {};
  const channels = more.channels ?? chooseChannels(images);
  const isAsIs = size === 'none' || fit === 'none';
  return {
    folder: folder as string,
    targets,
    validation,
    size: isAsIs ? commonSize(images) : (size ?? chooseSize(images)),
    fit: isAsIs ? 'none' : (fit ?? 'crop'),
    channels,
    targetChannels: more.targetChannels ?? targetChannels ?? channels,
    badFiles,
  };
}

/** About as many steps as an autoencoder needs, whatever the number of images. */
const usualSteps = 1500;
const [leastEpochs, mostEpochs] = [10, 100];

function modelConfig(given: GivenConfig['model'], { size, channels }: DataConfig): RunConfig['model'] {
  const { widths } = { widths: autoencoderFor(size, channels).widths, ...given };
  const code = Math.ceil((widths.at(-1) ?? 1) / 4);
  return { decoder: 'unpool', norm: false, dropout: 0, code, ...given, widths };
}

/** The whole configuration. `count` is the number of images to train on. */
function wholeConfig(given: GivenConfig, data: DataConfig, count: number): RunConfig {
  // Few images take small batches, so that an epoch has several steps.
  const batchSize = given.batchSize ?? (count >= 1000 ? 32 : Math.min(Math.max(Math.ceil(count / 8), 4), 16));
  const stepsPerEpoch = Math.ceil(count / batchSize);
  const usual = Math.min(Math.max(Math.ceil(usualSteps / stepsPerEpoch), leastEpochs), mostEpochs);
  const { epochs = usual, schedule = null, earlyStopping = null } = given;
  return {
    data,
    transforms: given.transforms ?? [],
    noise: given.noise ?? 0,
    model: modelConfig(given.model, data),
    loss: given.loss ?? 'mse',
    optimizer: { name: 'adam', lr: 3e-3, ...given.optimizer },
    schedule: schedule === null ? null : wholeSchedule(schedule, epochs, stepsPerEpoch),
    epochs,
    batchSize,
    seed: given.seed ?? 0,
    device: given.device ?? 'auto',
    ema: given.ema ?? null,
    earlyStopping: earlyStopping === null ? null : { patience: 5, minDelta: 0, ...earlyStopping },
    clipNorm: given.clipNorm ?? null,
  };
}

/** A run that can begin. */
export interface Decision {
  readonly config: RunConfig;
  readonly images: RunImages;
  /** What was found and chosen, for people. */
  readonly text: string;
}

/**
 * Looks at the images and decides. `augment` gives changes of training images for a size.
 * @throws ValueError for a folder without images; RunError for bad files; UsageError for a
 * configuration that does not suit the images
 */
export async function decide(
  given: GivenConfig,
  augment: ((size: Size) => readonly StepDescription[]) | undefined,
): Promise<Decision> {
  const found = await look(given.data);
  const data = dataConfig(given.data, found);
  const names = found.images.map(({ name }) => name);
  const images = { ...splitNames(names, data.validation, given.seed ?? 0), skipped: found.skipped };
  const whole = wholeConfig(given, data, images.training.length);
  const config = augment === undefined ? whole : { ...whole, transforms: augment(data.size) };
  if (config.loss === 'ssim' && !hasSsim(config))
    throw new UsageError(`config.loss: ssim needs images of at least 11 × 11; got ${shownSize(data.size)}`);
  const noise = config.transforms.findIndex(({ name }) => name === 'noise');
  if (noise >= 0 && data.targets === null)
    throw new UsageError(`config.transforms[${noise}]: noise would change the target too; use config.noise`);
  made('config.model', () => makeModel(config));
  return { config, images, text: describe(config, found, images) };
}

const shownSize = (size: Size): string => size.join(' × ');

function describe({ data, model, epochs, batchSize }: RunConfig, found: FoundImages, images: RunImages): string {
  const sizes = [...new Set(found.images.map(({ size }) => shownSize(size)))];
  const from = sizes.length === 1 ? `of ${sizes[0]}` : `of ${sizes.length} sizes`;
  const ways = { crop: 'resized and cropped to', pad: 'resized and padded to', stretch: 'stretched to', none: 'of' };
  const isSame = sizes.length === 1 && sizes[0] === shownSize(data.size);
  const to = isSame ? '' : `, ${ways[data.fit]} ${shownSize(data.size)}`;
  return [
    `${found.images.length} images ${from}${to}, ${data.channels === 1 ? 'grey' : `${data.channels} channels`}`,
    `${images.training.length} to train on, ${images.validation.length} held out`,
    `model: levels of ${model.widths.join(', ')} channels, a code of ${model.code}`,
    `${epochs} epochs in batches of ${batchSize}`,
  ].join('\n');
}
