/** The command resume: goes on with a run that was stopped. */
import { resolve } from 'node:path';
import { stopOnSignals } from '../train/index.js';
import { checks, deviceNames, type RunConfig } from './config.js';
import { type Arguments, type Command, common, valueOf } from './flags.js';
import { Output } from './output.js';
import { readRun, writeConfig } from './run-folder.js';
import { progressOf } from './saved.js';
import { whole } from './schema.js';
import { onDevice, train } from './session.js';

async function run(flags: Arguments): Promise<number> {
  const out = Output.of('resume', flags);
  const [folder] = flags.positionals as [string];
  const epochs = valueOf(flags, 'epochs', checks.epochs);
  const device = valueOf(flags, 'device', deviceNames);
  const workers = valueOf(flags, 'workers', whole(0, 64)) ?? 0;
  const data = flags.value('data');
  const { files, config: saved, images } = await readRun(folder);
  const config: RunConfig = {
    ...saved,
    ...(epochs !== undefined && { epochs }),
    ...(device !== undefined && { device }),
    ...(data !== undefined && { data: { ...saved.data, folder: resolve(data) } }),
  };
  const progress = await progressOf(files);
  const done = progress?.history.length ?? 0;
  if (done >= config.epochs) {
    out.tell(`the run has had its ${config.epochs} epochs; --epochs N goes on to more`, {
      event: 'result',
      epochs: done,
      step: progress?.step,
      run: folder,
    });
    return 0;
  }
  const stop = stopOnSignals({ name: 'cedargrad resume' });
  try {
    return await onDevice(config.device, () => {
      const onBegin = async (): Promise<void> => {
        const from =
          progress === undefined
            ? 'no checkpoint yet: from the beginning'
            : `after epoch ${done} and step ${progress.step}`;
        out.tell(from, { event: 'run', run: folder, epochs: config.epochs, epoch: done, step: progress?.step ?? 0 });
        await writeConfig(folder, config);
      };
      return train({
        run: folder,
        files,
        config,
        images,
        workers,
        out,
        stop,
        resumes: progress !== undefined,
        onBegin,
      });
    });
  } finally {
    stop.dispose();
  }
}

export const resumeCommand: Command = {
  name: 'resume',
  usage: 'RUN [options]',
  about: 'Goes on with a run from its last checkpoint, to the bit as if it had never stopped.',
  positionals: [1, 1],
  flags: {
    epochs: { value: 'N', help: 'epochs in all, those before included' },
    data: { value: 'FOLDER', help: 'where the images are now' },
    workers: { value: 'N', help: 'threads that read images (default 0)' },
    device: { value: 'NAME', help: 'default: the device of the run' },
    json: common.json,
  },
  run,
};
