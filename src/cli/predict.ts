/** The command predict: images through a run's best weights, as PNG files. */
import { realpath, stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { noGrad } from '../autograd/backward.js';
import type { HostArray } from '../data/host-array.js';
import { endings, imageFiles, withoutEnding } from '../data/image-files.js';
import { readImage } from '../data/image-folder.js';
import { FormatError } from '../errors.js';
import { writeFileAtomic } from '../io/files.js';
import { encodePng } from '../io/png.js';
import type { ConvAutoencoder } from '../models/autoencoder.js';
import { tensor } from '../tensor/create.js';
import { deviceNames } from './config.js';
import { fitTransform } from './dataset.js';
import { messageOf, RunError, UsageError } from './errors.js';
import { type Arguments, type Command, common, valueOf } from './flags.js';
import { Output } from './output.js';
import { exists, readRun } from './run-folder.js';
import { bestModel } from './saved.js';
import { onDevice } from './session.js';

interface Job {
  readonly input: string;
  readonly output: string;
}

const isFolder = async (path: string): Promise<boolean> => (await exists(path)) && (await stat(path)).isDirectory();

/** The images of a path, and their names below the folder for the results. */
async function inputsOf(path: string): Promise<{ input: string; name: string }[]> {
  if (!(await exists(path))) throw new RunError(`there is no file or folder '${path}'`);
  if (!(await isFolder(path))) return [{ input: path, name: `${withoutEnding(basename(path))}.png` }];
  const files = await imageFiles('predict', 'input', path, endings());
  return files.map(({ name, from }) => ({ input: from as string, name: `${withoutEnding(name)}.png` }));
}

/** Which file each image goes to. @throws UsageError, RunError before anything is written */
async function jobsOf(paths: readonly string[], out: string): Promise<Job[]> {
  const inputs = (await Promise.all(paths.map(inputsOf))).flat();
  const isOne = inputs.length === 1 && !(await isFolder(paths[0] as string));
  const intoFolder = !isOne || /[/\\]$/.test(out) || (await isFolder(out));
  if (intoFolder && (await exists(out)) && !(await isFolder(out)))
    throw new UsageError(`--out must name a folder for ${inputs.length} images; '${out}' is a file`);
  if (!intoFolder && !/\.png$/i.test(out)) throw new UsageError(`--out must be a .png file or a folder; got '${out}'`);
  const jobs = inputs.map(({ input, name }) => ({ input, output: intoFolder ? join(out, name) : out }));
  const real = async (path: string): Promise<string> => realpath(path).catch(() => resolve(path));
  const sources = new Set(await Promise.all(jobs.map(({ input }) => real(input))));
  const seen = new Map<string, string>();
  for (const { input, output } of jobs) {
    const target = await real(output);
    if (sources.has(target))
      throw new RunError(`'${output}' is an input, and would be overwritten; give another --out`);
    const other = seen.get(target);
    if (other !== undefined) throw new RunError(`'${other}' and '${input}' would both become '${output}'`);
    seen.set(target, input);
  }
  return jobs;
}

/** Puts one image through the model, and returns the PNG. */
async function predict(
  model: ConvAutoencoder,
  image: HostArray,
): Promise<{ png: Uint8Array<ArrayBuffer>; size: string }> {
  const x = tensor(image.data as Float32Array, { shape: [1, ...image.shape] });
  const y = noGrad(() => model.forward(x));
  const values = await y.data();
  const [, height, width, channels] = y.shape as unknown as [number, number, number, 1 | 3 | 4];
  x.release();
  y.release();
  const data = Uint8ClampedArray.from(values, (value) => value * 255);
  return { png: encodePng({ width, height, channels, data }), size: `${height} × ${width}` };
}

async function run(flags: Arguments): Promise<number> {
  const out = Output.of('predict', flags);
  const [folder, ...paths] = flags.positionals as [string, ...string[]];
  const to = flags.value('out');
  if (to === undefined || to === '') throw new UsageError('--out must name a .png file or a folder');
  const device = valueOf(flags, 'device', deviceNames) ?? 'auto';
  const { files, config } = await readRun(folder);
  const jobs = await jobsOf(paths, to);
  const { channels, fit } = config.data;
  const change = fitTransform(config.data);
  const way = { crop: 'resized and cropped', pad: 'resized and padded', stretch: 'stretched', none: 'as it is' }[fit];
  return onDevice(device, async () => {
    const model = await bestModel(config, files);
    for (const { input, output } of jobs) {
      let image: HostArray;
      try {
        image = await readImage(input, { channels });
      } catch (error) {
        if (!(error instanceof FormatError) || !flags.has('skip-bad')) throw error;
        out.warn(`skipped ${messageOf(error, 'readImage')}`);
        continue;
      }
      const from = `${image.shape[0]} × ${image.shape[1]}`;
      const { png, size } = await predict(model, change(image));
      await writeFileAtomic(output, png);
      const note = size === from ? '' : `, from ${from} (${way})`;
      out.tell(`${output}: ${size}${note}`, { event: 'image', input, output, size: size.split(' × ').map(Number) });
    }
    return 0;
  });
}

export const predictCommand: Command = {
  name: 'predict',
  usage: 'RUN IMAGE… --out FILE.png|FOLDER [options]',
  about: 'Writes what the best weights of a run make of images. IMAGE is a file or a folder.',
  positionals: [2, Infinity],
  flags: {
    out: { value: 'PATH', short: 'o', help: 'a .png file for one image, or a folder' },
    'skip-bad': { help: 'leave out damaged files' },
    ...common,
  },
  run,
};
