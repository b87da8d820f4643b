/** The command eval: the loss and the metrics of a run's best weights. */
import { resolve } from 'node:path';
import type { Tensor } from '../tensor/tensor.js';
import { evaluate } from '../train/index.js';
import { deviceNames, type RunConfig } from './config.js';
import { RunSource } from './dataset.js';
import { RunError } from './errors.js';
import { type Arguments, type Command, common, valueOf } from './flags.js';
import { Output } from './output.js';
import { lossOf, metricsOf } from './parts.js';
import { type RunImages, readRun } from './run-folder.js';
import { bestModel } from './saved.js';
import { loaderOf, onDevice } from './session.js';

/** Which images are measured: all of a folder that was given, or the run's own. */
function chosen(source: RunSource, images: RunImages, isOwn: boolean): { names: readonly string[]; what: string } {
  if (!isOwn) return { names: source.names, what: 'images of the folder' };
  return images.validation.length > 0
    ? { names: images.validation, what: 'held-out images' }
    : { names: images.training, what: 'images it was trained on (none were held out)' };
}

async function run(flags: Arguments): Promise<number> {
  const out = Output.of('eval', flags);
  const [folder] = flags.positionals as [string];
  const device = valueOf(flags, 'device', deviceNames) ?? 'auto';
  const { files, config: saved, images } = await readRun(folder);
  const [data, targets] = [flags.value('data'), flags.value('targets')];
  if (data !== undefined && saved.data.targets !== null && targets === undefined)
    throw new RunError('the run has targets, so --data needs --targets');
  const config: RunConfig = {
    ...saved,
    data: {
      ...saved.data,
      ...(data !== undefined && { folder: resolve(data) }),
      ...(targets !== undefined && { targets: resolve(targets) }),
      ...(flags.has('skip-bad') && { badFiles: 'skip' as const }),
    },
  };
  const source = await RunSource.open(config);
  const { names, what } = chosen(source, images, data === undefined);
  return onDevice(device, async () => {
    const model = await bestModel(config, files);
    const measured = await evaluate<Tensor[]>(model, {
      data: loaderOf(source.measured(names), config),
      loss: lossOf(config, model),
      metrics: metricsOf(config),
    });
    for (const { file, reason } of source.skipped) out.warn(`skipped ${file}: ${reason}`);
    const { loss, metrics, samples } = measured;
    const values = Object.entries({ [`loss (${config.loss})`]: loss ?? Number.NaN, ...metrics });
    const width = Math.max(...values.map(([name]) => name.length));
    const table = values.map(([name, value]) => `${name.padEnd(width)}  ${value.toPrecision(5)}`).join('\n');
    out.tell(`${samples} ${what}\n${table}`, { event: 'eval', run: folder, samples, loss, ...metrics });
    return 0;
  });
}

export const evalCommand: Command = {
  name: 'eval',
  usage: 'RUN [options]',
  about: 'Measures the best weights of a run on its held-out images, or on another folder.',
  positionals: [1, 1],
  flags: {
    data: { value: 'FOLDER', help: 'measure these images' },
    targets: { value: 'FOLDER', help: 'their targets, for a run with targets' },
    'skip-bad': { help: 'leave out damaged files' },
    ...common,
  },
  run,
};
