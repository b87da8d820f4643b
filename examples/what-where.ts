/**
 * A stacked what-where autoencoder (what-where-model.ts) on handwritten digits. Both halves are
 * trained together and without labels, on the paper's two reconstruction losses. Then held-out
 * digits are reconstructed from what and where, from either alone, and from the what of one digit
 * with the where of another. The decoder was trained with both only.
 */
import { Adam, manualSeed, mse, noGrad, type Tensor, tensor } from 'cedargrad';
import { arrayDataset, DataLoader, loadDigits } from 'cedargrad/data';
import { evaluate, fit, progress } from 'cedargrad/train';
import { runExample } from './command.js';
import { saveRows } from './pictures.js';
import { middles, WhatWhere } from './what-where-model.js';

const about =
  'Trains a stacked what-where autoencoder on handwritten digits, and rebuilds held-out ones from what and where, and from either alone.';

await runExample('what-where', about, { epochs: 10 }, async ({ epochs, out, stop }) => {
  const { train, test } = await loadDigits({ train: 1500, test: 300 });
  const shape = [train.count, 28, 28, 1];
  const data = new DataLoader(arrayDataset({ data: train.images, shape }), { batchSize: 50, shuffle: true, seed: 2 });
  const heldOut = tensor(test.images, { shape: [test.count, 28, 28, 1] });
  manualSeed(1);
  const model = new WhatWhere();
  process.stdout.write(`${model.summary([1, 28, 28, 1])}\n${train.count} digits to train on, ${test.count} held out\n`);

  const optimizer = new Adam(model.parameters(), { lr: 2e-3 });
  const loss = (x: Tensor) => model.loss(x);
  const callbacks = [progress({ stream: process.stdout })];
  await fit(model, { data, validation: [[heldOut]], loss, optimizer, epochs, callbacks, signal: stop.signal });

  // Every channel's mean what over the training digits.
  const sums: Tensor[] = [];
  for await (const [x] of data) sums.push(noGrad(() => model.encode(x).what.mean([1, 2]).sum(0)));
  const meanWhat = sums.reduce((total, sum) => total.add(sum)).div(train.count);

  const whatAlone = (x: Tensor): Tensor => model.decode(model.encode(x).what, middles(model, x.shape[0])).image;
  const whereAlone = (x: Tensor): Tensor => {
    const { what, where } = model.encode(x);
    return model.decode(meanWhat.expand(what.shape), where).image;
  };
  const swap = (x: Tensor, other: Tensor): Tensor =>
    model.decode(model.encode(x).what, model.encode(other).where).image;

  const errorOf = async (predict: (x: Tensor) => Tensor): Promise<number> =>
    (await evaluate(model, { data: [[heldOut]], predict, metrics: { mse } })).metrics.mse;
  const meanImage = tensor(train.images, { shape }).mean(0);
  const own = await errorOf((x) => model.forward(x));
  const what = await errorOf(whatAlone);
  const where = await errorOf(whereAlone);
  const neither = await errorOf((x) => meanImage.expand(x.shape));
  const line = (label: string, value: number): string => `  ${label.padEnd(44)} ${value.toFixed(5)}`;
  const against = (label: string, value: number): string => `${line(label, value)} (${(value / own).toFixed(1)} times)`;
  process.stdout.write(`mean squared error per pixel on held-out digits:
${line('both: what and where', own)}
${against('what alone: values in the middle of windows', what)}
${against("where alone: places with channels' mean what", where)}
${against('neither: the mean training image', neither)}\n`);

  // Classes come in turn. A stride of 11 steps through the digits, and the other is 3 classes on.
  const pick = (after: number): Tensor =>
    heldOut.indexSelect(Int32Array.from({ length: 10 }, (_, i) => (i * 11 + after) % test.count));
  const [digits, others] = [pick(0), pick(3)];
  const rows = noGrad(() => [
    { caption: 'held-out digit', images: digits },
    { caption: `what and where\n${own.toFixed(4)}`, images: model.forward(digits) },
    { caption: `what alone\n${what.toFixed(4)}`, images: whatAlone(digits) },
    { caption: `where alone\n${where.toFixed(4)}`, images: whereAlone(digits) },
    { caption: 'another digit', images: others },
    { caption: 'what of the\nfirst row, where\nof the other', images: swap(digits, others) },
  ]);
  const title = 'a stacked what-where autoencoder: held-out digits rebuilt, with the mean squared error per pixel';
  await saveRows(`${out}/what-where.png`, title, rows, 3);
});
