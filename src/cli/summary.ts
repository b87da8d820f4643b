/** The command summary: the layers of a run's model, and how far the training has come. */
import { ownParameters } from '../nn/module.js';
import { summaryRows } from '../nn/summary.js';
import { describeEpoch } from '../train/index.js';
import type { Arguments, Command } from './flags.js';
import { common } from './flags.js';
import { Output } from './output.js';
import { makeModel } from './parts.js';
import { readRun } from './run-folder.js';
import { progressOf } from './saved.js';
import { bestOf } from './session.js';

/** How many of the last epochs are printed. */
const shownEpochs = 5;

async function run(flags: Arguments): Promise<number> {
  const out = Output.of('summary', flags);
  const [folder] = flags.positionals as [string];
  const { files, config, images } = await readRun(folder);
  const { data, epochs } = config;
  const model = makeModel(config);
  const history = (await progressOf(files))?.history ?? [];
  const best = bestOf(history);
  const counts = `${images.training.length} images to train on, ${images.validation.length} held out`;
  const text = [
    model.summary([1, ...data.size, data.channels]),
    '',
    `${counts}; ${history.length} of ${epochs} epochs`,
    ...(best === undefined ? [] : [`best epoch: ${best.epoch}, ${best.monitor} ${best.value.toPrecision(4)}`]),
    ...history.slice(-shownEpochs).map((record) => describeEpoch(record, epochs)),
  ];
  out.tell(text.join('\n'), {
    event: 'summary',
    run: folder,
    parameters: model.parameters().reduce((sum, p) => sum + p.size, 0),
    layers: summaryRows(model, ownParameters, [[1, ...data.size, data.channels]]),
    epochs,
    best: best ?? null,
    history,
  });
  return 0;
}

export const summaryCommand: Command = {
  name: 'summary',
  usage: 'RUN [options]',
  about: "Prints the layers of a run's model, its best epoch and its last epochs.",
  positionals: [1, 1],
  flags: { json: common.json },
  run,
};
