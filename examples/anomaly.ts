/**
 * Finds anomalies among images. An autoencoder learns to rebuild handwritten fives from 18 numbers.
 * It rebuilds other digits badly, so its error tells them from fives that it has not seen. Beside
 * it stand the distances to the mean five and to the nearest of the fives that it learned from. The
 * picture shows held-out fives and other digits, how they were rebuilt, and how far each pixel is
 * off.
 */
import { Adam, manualSeed, mse, noGrad, OneCycleLR, type Tensor, tensor } from 'cedargrad';
import { arrayDataset, DataLoader, loadDigits, subset } from 'cedargrad/data';
import { saveWeights } from 'cedargrad/io';
import { ConvAutoencoder } from 'cedargrad/models';
import { fit, progress, rocAuc } from 'cedargrad/train';
import { runExample, saveRows } from './command.js';

const about = 'Trains an autoencoder on handwritten fives, and tells other digits from them.';

await runExample('anomaly', about, { epochs: 30 }, async ({ epochs, out, stop }) => {
  const { train, test } = await loadDigits({ train: 7500, test: 1000 });
  const all = { data: train.images, shape: [train.count, 28, 28, 1] };
  const isFive = Int32Array.from(train.labels.keys()).filter((i) => train.labels[i] === 5);
  const data = new DataLoader(subset(arrayDataset(all), isFive), { batchSize: 10, shuffle: true, seed: 1 });
  const known = tensor(all.data, { shape: all.shape }).indexSelect(isFive);
  const images = tensor(test.images, { shape: [test.count, 28, 28, 1] });
  const isOther = tensor(test.labels).notEqual(5);

  manualSeed(1);
  const options = { widths: [16, 32, 64], code: 2, decoder: 'upsample', norm: true } as const;
  const model = new ConvAutoencoder({ size: [28, 28], channels: 1, ...options });
  process.stdout.write(`${model.summary([1, 28, 28, 1])}\n`);
  const optimizer = new Adam(model.parameters(), { lr: 5e-3 });
  const schedule = new OneCycleLR(optimizer, { total: epochs * Math.ceil(isFive.length / 10) });
  const loss = (x: Tensor) => mse(model.forward(x), x);
  const callbacks = [progress({ stream: process.stdout })];
  const { signal } = stop;
  await fit(model, { data, loss, optimizer, schedule, scheduleEvery: 'step', epochs, callbacks, signal });
  await saveWeights(model, `${out}/anomaly.safetensors`);

  model.eval();
  const rebuilt = noGrad(() => model.forward(images));
  const distance = (to: Tensor) => images.sub(to).pow(2).mean([1, 2, 3]);
  // |a - b|^2 = |a|^2 + |b|^2 - 2 a b, for each test image a and each known five b.
  const [a, b] = [images, known].map((x) => x.reshape([x.shape[0], 28 * 28]));
  const squares = b
    .pow(2)
    .sum(1)
    .add(a.pow(2).sum(1, { keepDims: true }));
  const toNearest = squares.sub(a.matmul(b.transpose()).mul(2)).min(1);
  const areaOf = async (score: Tensor) => (await rocAuc(score, isOther)).toFixed(3);
  const own = await areaOf(distance(rebuilt));
  process.stdout.write(`area under the ROC curve, held-out fives against other digits:
  error of the autoencoder          ${own}
  distance to the mean five         ${await areaOf(distance(known.mean(0)))}
  distance to the nearest of ${known.shape[0]}    ${await areaOf(toNearest)}\n`);

  const rowsOf = (caption: string, which: number[]) => {
    const [before, after] = [images, rebuilt].map((x) => x.indexSelect(which));
    return [before, after, before.sub(after).abs()].map((row, i) => ({
      caption: [caption, 'rebuilt', 'error'][i],
      images: row,
    }));
  };
  const shown = Array.from({ length: 120 }, (_, i) => i);
  const fives = shown.filter((i) => test.labels[i] === 5);
  const others = shown.filter((i) => test.labels[i] !== 5).slice(0, fives.length);
  const rows = [...rowsOf('fives', fives), ...rowsOf('others', others)];
  await saveRows(
    `${out}/anomaly.png`,
    `rebuilt by an autoencoder that has learned from fives only; area under the ROC curve ${own}`,
    rows,
    2,
  );
});
