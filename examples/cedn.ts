/**
 * Trains the miniature CEDN (cedn-model.ts) on twelve random pictures, for each of which it
 * memorises a random mask. With --published it runs the script as it was once posted, which learns
 * nothing (cedn-published.ts).
 */
import { Adam, LambdaLR, manualSeed, setDefaultDevice } from 'cedargrad';
import { fit, ReluWatch } from 'cedargrad/train';
import {
  finish,
  flags,
  lossOf,
  metrics,
  type Options,
  openDevice,
  optionsOf,
  readBatch,
  say,
  showSteps,
  usage,
} from './cedn-command.js';
import { Cedn } from './cedn-model.js';
import { trainPublished } from './cedn-published.js';
import { prepareFolder, runCommand } from './command.js';

/**
 * The factor of the learning rate after `done` of all steps. It is 1 for four fifths of the run,
 * and then decreases to 0.05 along half a cosine, so that the last steps converge.
 */
function settle(done: number, steps: number): number {
  const settling = Math.ceil(steps / 5);
  const since = Math.max(done - (steps - settling), 0);
  return 0.05 + (0.95 * (1 + Math.cos((Math.PI * since) / settling))) / 2;
}

/** The run that learns. */
async function train(options: Options, signal: AbortSignal): Promise<void> {
  const { steps, lr, seed, dropout } = options;
  const watch = new ReluWatch();
  const model = new Cedn(dropout, watch).initHe(seed ?? 42);
  manualSeed(seed ?? 7);
  const optimizer = new Adam(model.parameters(), { lr, form: 'tf' });
  const batch = readBatch();
  const run = await fit(model, {
    data: [batch],
    validation: [batch],
    loss: lossOf(model),
    metrics,
    optimizer,
    schedule: new LambdaLR(optimizer, { lambda: (done) => settle(done, steps) }),
    epochs: steps,
    callbacks: [showSteps(options)],
    signal,
  });
  await finish(run, model, watch, batch, options);
}

await runCommand('cedn', usage, flags, async (values, { signal }) => {
  const options = optionsOf(values);
  prepareFolder(options.out);
  const on = await openDevice(options.device);
  setDefaultDevice(on);
  const name = options.published ? 'the script as published' : 'the run that learns';
  say(options, `${name}: ${options.steps} steps, learning rate ${options.lr}, device ${on}`);
  await (options.published ? trainPublished : train)(options, signal);
  await on.close();
});
