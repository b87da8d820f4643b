/**
 * A convolutional variational autoencoder (Kingma and Welling 2014) of handwritten digits. The
 * encoder gives a normal distribution over codes of eight numbers, from which the decoder rebuilds
 * the digit. The loss is a bound of −log p(digit): the cross entropy of the pixels, and the
 * divergence of the codes from a standard normal distribution. The picture shows held-out digits,
 * their reconstructions, and new digits made of random codes.
 */
import * as c from 'cedargrad';
import { DataLoader, digits, mapDataset } from 'cedargrad/data';
import { saveWeights } from 'cedargrad/io';
import { evaluate, fit, progress } from 'cedargrad/train';
import { runExample, saveRows } from './command.js';
import { codeSize, VariationalAutoencoder } from './variational-model.js';

await runExample('variational', 'Learns digits and draws new ones.', { epochs: 25 }, async ({ epochs, out, stop }) => {
  const sets = await digits({ train: 7500, test: 1000 });
  const [train, test] = [sets.train, sets.test].map((set) => mapDataset(set, ([image]) => [image] as const));
  const data = new DataLoader(train, { batchSize: 50, shuffle: true, seed: 1 });
  const validation = new DataLoader(test, { batchSize: 250 });
  c.manualSeed(1);
  const model = new VariationalAutoencoder();
  process.stdout.write(`${model.summary([1, 28, 28, 1])}\n`);

  const optimizer = new c.Adam(model.parameters(), { lr: 4e-3 });
  const schedule = new c.OneCycleLR(optimizer, { total: epochs * 150 });
  const loss = (x: c.Tensor) => model.bound(x);
  const options = { callbacks: [progress({ stream: process.stdout })], signal: stop.signal };
  await fit(model, { data, validation, loss, optimizer, schedule, scheduleEvery: 'step', epochs, ...options });
  await saveWeights(model, `${out}/variational.safetensors`);

  const measure = async (bound: typeof loss) =>
    (await evaluate(model, { data: validation, loss: bound })).loss?.toFixed(1);
  const own = await measure(loss);
  const alone = await measure((x) => c.bce(x.mean(0).expand(x.shape), x).mul(28 * 28));
  process.stdout.write(`bound of -log p(digit) on held-out digits:
  variational autoencoder       ${own} nats
  each pixel alone by its mean  ${alone} nats\n`);

  for await (const [x] of new DataLoader(test, { batchSize: 16 })) {
    const rows = [
      { caption: 'held-out digits', images: x },
      { caption: 'rebuilt', images: c.noGrad(() => model.forward(x)) },
    ];
    for (const caption of ['new digits', ...Array<string>(7).fill('')])
      rows.push({ caption, images: c.noGrad(() => c.sigmoid(model.decode(c.randn([16, codeSize])))) });
    await saveRows(`${out}/variational.png`, `rebuilt and new digits; bound of -log p(digit): ${own} nats`, rows, 2);
    break;
  }
});
