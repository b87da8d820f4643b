/**
 * Fills in missing pixels of photographs. A network with max-unpooling and skip connections gets a
 * photograph of which three pixels in four are missing, filled in with the means of the known
 * pixels around them, and learns to correct these means. It learns on the left parts of photographs
 * and is tested on their right parts. The picture shows right parts: the known pixels alone, filled
 * in with means, filled in by the network, and the original.
 */
import * as c from 'cedargrad';
import { DataLoader, type HostArray, mapDataset, photographs, transforms } from 'cedargrad/data';
import { saveWeights } from 'cedargrad/io';
import { evaluate, fit, progress } from 'cedargrad/train';
import { runExample, saveRows } from './command.js';
import { Inpainter } from './inpaint-model.js';

await runExample('inpaint', 'Trains a network to fill in pixels.', { epochs: 16 }, async ({ epochs, out, stop }) => {
  const photos = mapDataset(await photographs({ channels: 1 }), transforms.resize({ shorter: 320 }));
  const [left, right]: HostArray[][] = [[], []];
  for await (const [photo] of new DataLoader(photos, { batchSize: 1 }))
    for (const parts of [left, right]) {
      const border = Math.round(0.6 * photo.shape[2]);
      const part = photo.squeeze(0).slice(null, parts === left ? [0, border] : [border]);
      parts.push({ data: Float32Array.from(await part.data()), shape: part.shape });
    }
  /** Random crops, each after a mask of its known pixels. */
  const crops = (parts: HostArray[], length: number, size: number) => ({
    length,
    item: (i: number, random: c.RandomGenerator) => {
      const image = transforms.randomCrop(size)(parts[i % parts.length], random);
      const data = Float32Array.from(random.rand(size * size), (x) => (x < 0.25 ? 1 : 0));
      return [{ data, shape: image.shape }, image] as const;
    },
  });
  const data = new DataLoader(crops(left, 1200, 32), { batchSize: 8, seed: 1 });
  const validation: [known: c.Tensor, image: c.Tensor][] = [];
  for await (const batch of new DataLoader(crops(right, 12, 112), { batchSize: 3, seed: 4 })) validation.push(batch);

  c.manualSeed(1);
  const model = new Inpainter();
  const optimizer = new c.Adam(model.parameters(), { lr: 6e-3 });
  const schedule = new c.OneCycleLR(optimizer, { total: epochs * 150 });
  const loss = (known: c.Tensor, image: c.Tensor) => c.l1(model.forward(known, image), image);
  const options = { clipNorm: 0.1, callbacks: [progress({ stream: process.stdout })], signal: stop.signal };
  await fit(model, { data, validation, loss, optimizer, schedule, scheduleEvery: 'step', epochs, ...options });
  await saveWeights(model, `${out}/inpaint.safetensors`);

  const rows = [{ caption: 'one pixel\nin four', images: validation[0][0].mul(validation[0][1]) }];
  for (const name of ['fill', 'forward'] as const) {
    const predict = (known: c.Tensor, image: c.Tensor) => model[name](known, image);
    const { metrics } = await evaluate(model, { data: validation, predict, metrics: { mse: c.mse } });
    const caption = `${name === 'fill' ? 'means' : 'network'}\n${(-10 * Math.log10(metrics.mse)).toFixed(2)} dB`;
    process.stdout.write(`PSNR on held-out parts, ${caption.replace('\n', ': ')}\n`);
    rows.push({ caption, images: c.noGrad(() => predict(...validation[0])) });
  }
  rows.push({ caption: 'original', images: validation[0][1] });
  await saveRows(`${out}/inpaint.png`, 'missing pixels filled in, with the PSNR on held-out parts', rows, 2);
});
