/**
 * A denoising autoencoder with max-unpooling. It learns to remove noise from images of shapes, each
 * of which gets new noise in every epoch, and is tested on shapes that were not used in training.
 * Beside it stands a filter that learns nothing, the mean of the 3×3 pixels around each pixel. The
 * picture shows held-out images without noise, with noise, filtered, and denoised.
 */
import * as c from 'cedargrad';
import { DataLoader, generatedShapes, mapDataset, transforms } from 'cedargrad/data';
import { saveWeights } from 'cedargrad/io';
import { evaluate, fit, progress, psnr } from 'cedargrad/train';
import { runExample, saveRows } from './command.js';

const addNoise = transforms.noise(0.2);
/** Pairs of a noisy image and the image itself. */
const noisyShapes = (count: number, seed: number) =>
  mapDataset(
    generatedShapes({ count, size: 32, channels: 1, seed }),
    ([image], random) => [addNoise(image, random), image] as const,
  );

await runExample('denoise', 'Trains an autoencoder to remove noise.', { epochs: 15 }, async ({ epochs, out, stop }) => {
  const data = new DataLoader(noisyShapes(1500, 1), { batchSize: 10, shuffle: true, seed: 1 });
  const heldOut: [noisy: c.Tensor, clean: c.Tensor][] = [];
  for await (const batch of new DataLoader(noisyShapes(200, 2), { batchSize: 100, seed: 2 })) heldOut.push(batch);

  c.manualSeed(1);
  const [pool1, pool2] = [new c.MaxPool2d(2), new c.MaxPool2d(2)];
  const same = { padding: 'same' } as const;
  const model = new c.Sequential(
    ...[new c.Conv2d(1, 16, 5, same), new c.LeakyReLU(), pool1],
    ...[new c.Conv2d(16, 32, 5, same), new c.LeakyReLU(), pool2],
    ...[new c.Conv2d(32, 32, 3, same), new c.LeakyReLU()],
    ...[c.unpoolLike(pool2), new c.ConvTranspose2d(32, 16, 5, same), new c.LeakyReLU()],
    ...[c.unpoolLike(pool1), new c.ConvTranspose2d(16, 16, 5, same), new c.LeakyReLU(), new c.Conv2d(16, 1, 3, same)],
  );
  process.stdout.write(`${model.summary([1, 32, 32, 1])}\n`);

  const optimizer = new c.Adam(model.parameters(), { lr: 5e-3 });
  const schedule = new c.OneCycleLR(optimizer, { total: epochs * 150 });
  const loss = (noisy: c.Tensor, clean: c.Tensor) => c.l1(model.forward(noisy), clean);
  const watched = { validation: heldOut, metrics: { psnr }, callbacks: [progress({ stream: process.stdout })] };
  const { signal } = stop;
  await fit(model, { data, loss, optimizer, schedule, scheduleEvery: 'step', epochs, signal, ...watched });
  await saveWeights(model, `${out}/denoise.safetensors`);

  const filter = (x: c.Tensor) => c.avgPool2d(x, { kernelSize: 3, stride: 1, padding: 'same' });
  const measure = async (denoise: (noisy: c.Tensor) => c.Tensor) => {
    const { metrics } = await evaluate(model, {
      data: heldOut,
      predict: (noisy) => denoise(noisy),
      metrics: { psnr },
    });
    return `${metrics.psnr.toFixed(2)} dB`;
  };
  const before = await measure((noisy) => noisy);
  const filtered = await measure(filter);
  const own = await measure((noisy) => model.forward(noisy));
  process.stdout.write(`PSNR on held-out images:
  noisy                           ${before}
  filtered by the mean of 3x3     ${filtered}
  autoencoder with max-unpooling  ${own}\n`);

  const [noisy, clean] = heldOut[0].map((images) => images.slice([0, 10]));
  const rows = c.noGrad(() => [
    { caption: 'held-out image', images: clean },
    { caption: `with noise\n${before}`, images: noisy },
    { caption: `mean of 3x3\n${filtered}`, images: filter(noisy) },
    { caption: `autoencoder\n${own}`, images: model.forward(noisy) },
  ]);
  await saveRows(`${out}/denoise.png`, 'removing noise, with the PSNR on 200 held-out images', rows, 2);
});
