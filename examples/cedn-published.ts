/**
 * The published script of the miniature CEDN as it was posted: standard normal weights, a learning
 * rate of 1, TensorFlow's form of Adam, dropout, ten steps. It learns nothing, and the warnings at
 * its end say why. `npm run cedn -- --published` starts it.
 */
import { Adam, manualSeed } from 'cedargrad';
import { evaluate, fit, ReluWatch } from 'cedargrad/train';
import { finish, lossOf, metrics, type Options, readBatch, say, showSteps } from './cedn-command.js';
import { Cedn } from './cedn-model.js';

export async function trainPublished(options: Options, signal: AbortSignal): Promise<void> {
  const { steps, lr, seed, dropout } = options;
  const watch = new ReluWatch();
  const model = new Cedn(dropout, watch).initPublished(seed ?? 42);
  manualSeed(seed ?? 7);
  const optimizer = new Adam(model.parameters(), { lr, form: 'tf' });
  const batch = readBatch();
  const loss = lossOf(model);
  const before = await evaluate(model, { data: [batch], loss });
  say(options, `step 0   loss ${before.loss}`);
  const callbacks = [showSteps(options)];
  const run = await fit(model, {
    data: [batch],
    validation: [batch],
    loss,
    metrics,
    optimizer,
    epochs: steps,
    callbacks,
    signal,
  });
  await finish(run, model, watch, batch, options);
}
