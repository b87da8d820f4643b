/**
 * A convolutional autoencoder with max-unpooling (digits-model.ts) on handwritten digits. It is
 * tested on digits that were not used in training, and compared with two baselines: predicting the
 * mean image, and enlarging a pooled digit.
 */
import { Adam, avgPool2d, manualSeed, mse, noGrad, resize2d, type Tensor, tensor } from 'cedargrad';
import { arrayDataset, DataLoader, loadDigits } from 'cedargrad/data';
import { evaluate, fit, progress } from 'cedargrad/train';
import { runExample } from './command.js';
import { DigitAutoencoder } from './digits-model.js';
import { saveRows } from './pictures.js';

const about = 'Trains an autoencoder with max-unpooling on handwritten digits.';

await runExample('digits', about, { epochs: 8 }, async ({ epochs, out, stop }) => {
  const { train, test } = await loadDigits({ train: 1500, test: 300 });
  const shape = [train.count, 28, 28, 1];
  const data = new DataLoader(arrayDataset({ data: train.images, shape }), { batchSize: 50, shuffle: true, seed: 2 });
  const heldOut = tensor(test.images, { shape: [test.count, 28, 28, 1] });
  manualSeed(1);
  const model = new DigitAutoencoder();
  process.stdout.write(`${model.summary([1, 28, 28, 1])}\n${train.count} digits to train on, ${test.count} held out\n`);

  const optimizer = new Adam(model.parameters(), { lr: 3e-3 });
  const loss = (x: Tensor) => mse(model.forward(x), x);
  const callbacks = [progress({ stream: process.stdout })];
  await fit(model, { data, validation: [[heldOut]], loss, optimizer, epochs, callbacks, signal: stop.signal });

  const errorOf = async (predict: (x: Tensor) => Tensor) =>
    (await evaluate(model, { data: [[heldOut]], predict, metrics: { mse } })).metrics.mse;
  const mean = tensor(train.images, { shape }).mean(0);
  const own = await errorOf((x) => model.forward(x));
  const enlarged = await errorOf((x) => resize2d(avgPool2d(x, { kernelSize: 4 }), { size: [28, 28] }));
  const constant = await errorOf((x) => mean.expand(x.shape));
  process.stdout.write(`mean squared error per pixel on held-out digits:
  autoencoder with max-unpooling ${own.toFixed(5)}
  bilinear upsampling of 7x7     ${enlarged.toFixed(5)} (${(enlarged / own).toFixed(1)} times)
  the mean training image        ${constant.toFixed(5)} (${(constant / own).toFixed(1)} times)\n`);

  // The classes alternate, so a stride of 11 visits every digit and never shows one image twice.
  const images = heldOut.indexSelect(Int32Array.from({ length: 12 }, (_, i) => (i * 11) % test.count));
  const rows = [images, noGrad(() => model.forward(images))].map((row) => ({ caption: '', images: row }));
  const title = `held-out digits above, their reconstructions below; error ${own.toFixed(5)}`;
  await saveRows(`${out}/digits.png`, title, rows, 3);
});
