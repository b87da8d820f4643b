/**
 * The command report: writes the report of a run again, from its last checkpoint. Not here: the
 * report that training writes (train/report/).
 */
import { writeFileAtomic } from '../io/files.js';
import { renderReport } from '../train/index.js';
import { checkReportState, type ReportState } from '../train/report/check.js';
import { environmentOf } from '../train/report/environment.js';
import { LossTrace } from '../train/report/losses.js';
import { filtersOf, layersOf } from '../train/report/model.js';
import { RunError } from './errors.js';
import { type Arguments, type Command, common } from './flags.js';
import { Output } from './output.js';
import { makeModel } from './parts.js';
import { readRun, titleOf, writtenConfig } from './run-folder.js';
import { progressOf } from './saved.js';
import { bestOf } from './session.js';

async function run(flags: Arguments): Promise<number> {
  const out = Output.of('report', flags);
  const [folder] = flags.positionals as [string];
  const { files, config } = await readRun(folder);
  const progress = await progressOf(files);
  if (progress === undefined) throw new RunError(`${files.last} is missing; it is written after the first epoch`);
  const state = progress.callbacks.report as ReportState;
  checkReportState('report', state);
  const model = makeModel(config);
  progress.loadInto(model);
  const losses = new LossTrace();
  losses.loadStateDict(state.losses);
  const { history, step, warnings } = progress;
  const { data, epochs } = config;
  const best = bestOf(history);
  const filters = await filtersOf(model);
  const page = renderReport({
    title: titleOf(folder),
    status: history.length >= epochs ? 'finished' : 'stopped',
    epochs,
    step,
    started: state.started,
    updated: new Date().toISOString(),
    resumed: state.resumed,
    losses: losses.points(),
    history,
    ...(best !== undefined && { best }),
    ...(state.samples !== undefined && { samples: state.samples }),
    ...(filters !== undefined && { filters }),
    layers: layersOf(model, [{ shape: [1, ...data.size, data.channels] }]),
    config: writtenConfig(folder, config),
    environment: environmentOf({ model }),
    warnings: [...warnings, ...(state.signs ?? [])],
  });
  await writeFileAtomic(files.report, page);
  out.tell(`wrote ${files.report}`, { event: 'report', run: folder, file: files.report });
  return 0;
}

export const reportCommand: Command = {
  name: 'report',
  usage: 'RUN [options]',
  about: 'Writes report.html of a run again, from its last checkpoint.',
  positionals: [1, 1],
  flags: { json: common.json },
  run,
};
