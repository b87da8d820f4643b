/**
 * Finds anomalies in a series. A convolutional autoencoder learns windows of a normal series, which
 * is two waves and noise. Values that it rebuilds badly are unusual. In the test series, some
 * stretches are stuck, in some a wave runs faster, and some are noisy. The baseline is the distance
 * from a moving average, of 3 values, which is its best width. The picture shows the begin of the
 * test series, how it was rebuilt, where its anomalies are, and both scores.
 */
import * as c from 'cedargrad';
import { DataLoader } from 'cedargrad/data';
import { Picture, saveWeights, writeFileAtomic } from 'cedargrad/io';
import { fit, progress, rocAuc } from 'cedargrad/train';
import { runExample } from './command.js';

const [length, count] = [64, 4096];
/** The kind of anomaly at time t: they come by turns. 0 is none. */
const kindAt = (t: number): number => (t % 200 >= 120 && t % 200 < 150 ? 1 + (Math.floor(t / 200) % 3) : 0);
const makeSeries = (random: c.RandomState, kindOf: (t: number) => number): Float32Array<ArrayBuffer> =>
  Float32Array.from(random.randn(count), (noise, t) => {
    const kind = kindOf(t);
    const waves = Math.sin((2 * Math.PI * t) / 40) + 0.5 * Math.sin((2 * Math.PI * t) / (kind === 2 ? 5 : 9));
    return (kind === 1 ? 1 : waves) + noise * (kind === 3 ? 0.5 : 0.1);
  });
const smooth = (x: c.Tensor, kernelSize: number) => c.avgPool1d(x, { kernelSize, stride: 1, padding: 'same' });

await runExample('series', 'Finds anomalies in a series.', { epochs: 10 }, async ({ epochs, out, stop }) => {
  const random = new c.RandomState(2);
  const [train, test] = [makeSeries(random, () => 0), makeSeries(random, kindAt)];
  const window = (t: number) => [{ data: train.subarray(t, t + length), shape: [length, 1] }] as const;
  const data = new DataLoader({ length: count - length, item: window }, { batchSize: 64, shuffle: true, seed: 1 });

  c.manualSeed(1);
  // 16 values become 4 numbers. Trained on windows, the model can rebuild a whole series.
  const quarter = { stride: 4, padding: 'same' } as const;
  const model = new c.Sequential(
    ...[new c.Conv1d(1, 16, 8, quarter), new c.ReLU(), new c.Conv1d(16, 4, 8, quarter)],
    ...[new c.ConvTranspose1d(4, 16, 8, quarter), new c.ReLU(), new c.ConvTranspose1d(16, 1, 8, quarter)],
  );
  const optimizer = new c.Adam(model.parameters(), { lr: 3e-3 });
  const loss = (x: c.Tensor) => c.mse(model.forward(x), x);
  const callbacks = [progress({ stream: process.stdout })];
  await fit(model, { data, loss, optimizer, epochs, callbacks, signal: stop.signal });
  await saveWeights(model, `${out}/series.safetensors`);

  const x = c.tensor(test, { shape: [1, count, 1] });
  const isUnusual = c.tensor(
    Array.from(test, (_, t) => kindAt(t) > 0),
    { shape: x.shape },
  );
  const rebuilt = c.noGrad(() => model.forward(x));
  const [own, other] = [rebuilt, smooth(x, 3)].map((expected) => smooth(x.sub(expected).pow(2), 9));
  process.stdout.write(`area under the ROC curve:
  autoencoder     ${(await rocAuc(own, isUnusual)).toFixed(4)}
  moving average  ${(await rocAuc(other, isUnusual)).toFixed(4)}\n`);

  const part = async (values: c.Tensor, label: string) => ({
    values: Array.from(await values.data()).slice(0, 600),
    label,
  });
  const marks = c.tensor(Array.from(test, (_, t) => (kindAt(t) > 0 ? -2.5 : NaN)));
  const series = [await part(x, 'series'), await part(rebuilt, 'rebuilt'), await part(marks, 'anomaly')];
  const scores = [await part(own, 'error of the autoencoder'), await part(other, 'of the moving average')];
  const picture = new Picture(900, 440).lineChart(0, 0, 900, 230, series).lineChart(0, 230, 900, 210, scores);
  await writeFileAtomic(`${out}/series.png`, picture.toPng());
  process.stdout.write(`wrote ${out}/series.png\n`);
});
