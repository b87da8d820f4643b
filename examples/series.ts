/**
 * Finds anomalies in a series. A convolutional autoencoder learns windows of a normal series, which
 * is two waves and noise. Values that it rebuilds badly are unusual. In the test series, some
 * stretches are stuck, in some a wave runs faster, and some are noisy. The baseline is the distance
 * from a moving average, of 3 values, which is its best width.
 * usage: npm run series -- [--epochs N (default 10)] [--out DIR (default out/series)]
 */
import * as c from 'cedargrad';
import { batches } from 'cedargrad/data';
import { Picture, writeFileAtomic } from 'cedargrad/io';
import { countOf, prepareFolder, readFlags, UsageError } from './command.js';

const [length, count] = [64, 4096];
/** The kind of anomaly at time t: they come by turns. 0 is none. */
const kindAt = (t: number): number => (t % 200 >= 120 && t % 200 < 150 ? 1 + (Math.floor(t / 200) % 3) : 0);
const makeSeries = (random: c.RandomState, kindOf: (t: number) => number): Float32Array =>
  Float32Array.from(random.randn(count), (noise, t) => {
    const kind = kindOf(t);
    const waves = Math.sin((2 * Math.PI * t) / 40) + 0.5 * Math.sin((2 * Math.PI * t) / (kind === 2 ? 5 : 9));
    return (kind === 1 ? 1 : waves) + noise * (kind === 3 ? 0.5 : 0.1);
  });
const smooth = (x: c.Tensor, kernelSize: number) => c.avgPool1d(x, { kernelSize, stride: 1, padding: 'same' });
/** The share of pairs of an unusual and a usual value in which the unusual one scores higher. */
function areaUnderCurve(scores: ArrayLike<number>): number {
  let [usual, ordered] = [0, 0];
  for (const t of Array.from(scores, (_, t) => t).sort((a, b) => scores[a] - scores[b]))
    [usual, ordered] = kindAt(t) > 0 ? [usual, ordered + usual] : [usual + 1, ordered];
  return ordered / (usual * (count - usual));
}

try {
  const flags = readFlags(process.argv.slice(2), { epochs: { type: 'string' }, out: { type: 'string' } });
  const [epochs, out] = [countOf('epochs', String(flags.epochs ?? 10)), String(flags.out ?? 'out/series')];
  prepareFolder(out);
  const on = await c.device('wasm');
  c.setDefaultDevice(on);
  c.manualSeed(1);
  const random = new c.RandomState(2);
  const [train, test] = [makeSeries(random, () => 0), makeSeries(random, kindAt)];
  // 16 values become 4 numbers. Trained on windows, the model can rebuild a whole series.
  const model = new c.Sequential(
    new c.Conv1d(1, 16, 8, { stride: 4, padding: 'same' }),
    new c.ReLU(),
    new c.Conv1d(16, 4, 8, { stride: 4, padding: 'same' }),
    new c.ConvTranspose1d(4, 16, 8, { stride: 4, padding: 'same' }),
    new c.ReLU(),
    new c.ConvTranspose1d(16, 1, 8, { stride: 4, padding: 'same' }),
  );
  const optimizer = new c.Adam(model.parameters(), { lr: 3e-3 });
  for (let epoch = 1; epoch <= epochs; epoch++) {
    let sum = 0;
    for (const starts of batches(count - length, 64, random)) {
      const x = c.tensor(Array.from(starts, (t) => Array.from(train.subarray(t, t + length), (v) => [v])));
      optimizer.zeroGrad();
      const loss = c.mse(model.forward(x), x);
      loss.backward();
      optimizer.step();
      sum += (await loss.item()) * starts.length;
    }
    console.log(`epoch ${epoch}: mean squared error ${(sum / (count - length)).toFixed(4)}`);
  }
  const x = c.tensor(test, { shape: [1, count, 1] });
  const rebuilt = c.noGrad(() => model.forward(x));
  const scoresBy = (expected: c.Tensor) => smooth(x.sub(expected).pow(2), 9).data();
  const [own, other] = await Promise.all([rebuilt, smooth(x, 3)].map(scoresBy));
  const [area, otherArea] = [own, other].map((list) => areaUnderCurve(list).toFixed(4));
  console.log(`area under the ROC curve: autoencoder ${area}, moving average ${otherArea}`);
  const part = (values: ArrayLike<number>, label: string) => ({ values: Array.from(values).slice(0, 600), label });
  const marks = Array.from(test, (_, t) => (kindAt(t) > 0 ? -2.5 : NaN));
  const picture = new Picture(900, 440)
    .lineChart(0, 0, 900, 230, [part(test, 'series'), part(await rebuilt.data(), 'rebuilt'), part(marks, 'anomaly')])
    .lineChart(0, 230, 900, 210, [part(own, 'error of the autoencoder'), part(other, 'of the moving average')]);
  await writeFileAtomic(`${out}/series.png`, picture.toPng());
  await on.close();
} catch (problem) {
  process.stderr.write(`series: ${(problem as Error).message}\n`);
  process.exitCode = problem instanceof UsageError ? 2 : 1;
}
