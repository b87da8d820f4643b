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

const [codeSize, half] = [8, { stride: 2, padding: 1 }];

class VariationalAutoencoder extends c.Module {
  encoder = new c.Sequential(
    ...[new c.Conv2d(1, 16, 4, half), new c.ReLU(), new c.Conv2d(16, 32, 4, half), new c.ReLU()],
    ...[new c.Flatten(), new c.Linear(7 * 7 * 32, 2 * codeSize)],
  );
  widen = new c.Linear(codeSize, 7 * 7 * 32);
  decoder = new c.Sequential(
    ...[new c.ReLU(), new c.ConvTranspose2d(32, 16, 4, half), new c.ReLU(), new c.ConvTranspose2d(16, 1, 4, half)],
  );
  /** The mean and the logarithm of the variance of each digit's code. */
  encode(x: c.Tensor): [mean: c.Tensor, logVar: c.Tensor] {
    const both = this.encoder.forward(x);
    return [both.slice(null, [0, codeSize]), both.slice(null, [codeSize])];
  }
  /** The logits of the pixels. */
  decode(code: c.Tensor): c.Tensor {
    return this.decoder.forward(this.widen.forward(code).reshape([code.shape[0], 7, 7, 32]));
  }
  forward(x: c.Tensor): c.Tensor {
    return c.sigmoid(this.decode(this.encode(x)[0]));
  }
  /** The bound, as a mean over the digits. @units nats */
  bound(x: c.Tensor): c.Tensor {
    const [mean, logVar] = this.encode(x);
    const code = mean.add(logVar.mul(0.5).exp().mul(c.randn(mean.shape)));
    const perPixel = c.bceWithLogits(this.decode(code), x);
    return perPixel.mul(28 * 28).add(c.klNormal(mean, logVar));
  }
}

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
