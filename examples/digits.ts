/**
 * A convolutional autoencoder with max-unpooling on handwritten digits. It is tested on digits that
 * were not used in training, and compared with two baselines: predicting the mean image, and
 * enlarging a pooled digit.
 */
import {
  Adam,
  Conv2d,
  ConvTranspose2d,
  type DeviceName,
  device,
  MaxPool2d,
  MaxUnpool2d,
  Module,
  manualSeed,
  mse,
  noGrad,
  RandomState,
  relu,
  setDefaultDevice,
  sigmoid,
  type Tensor,
  tensor,
} from 'cedargrad';
import { batches, loadDigits } from 'cedargrad/data';
import { Picture, writeFileAtomic } from 'cedargrad/io';
import { Progress } from 'cedargrad/train';
import { countOf, prepareFolder, readFlags, UsageError, watchForStop } from './command.js';

const size = 28;
const pixels = size * size;

/** 28×28 → 7×7×4 numbers and where the maxima stood → 28×28. */
class Autoencoder extends Module {
  conv1 = new Conv2d(1, 8, 3, { padding: 'same' });
  conv2 = new Conv2d(8, 16, 3, { padding: 'same' });
  squeeze = new Conv2d(16, 4, 1);
  widen = new Conv2d(4, 16, 1);
  deconv2 = new ConvTranspose2d(16, 8, 3, { padding: 'same' });
  deconv1 = new ConvTranspose2d(8, 1, 3, { padding: 'same' });
  pool = new MaxPool2d(2);
  unpool = new MaxUnpool2d();

  forward(x: Tensor): Tensor {
    const [h1, where1] = this.pool.forward(relu(this.conv1.forward(x)));
    const [h2, where2] = this.pool.forward(relu(this.conv2.forward(h1)));
    const code = this.squeeze.forward(h2);
    const d2 = relu(this.deconv2.forward(this.unpool.forward(relu(this.widen.forward(code)), where2)));
    return sigmoid(this.deconv1.forward(this.unpool.forward(d2, where1)));
  }
}

/** Mean squared error per pixel between two sets of images. */
const error = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] - b[i]) ** 2;
  return sum / a.length;
};

/** The mean training image, once per test image. */
function meanImages(train: Float32Array, count: number): Float32Array {
  const mean = new Float32Array(pixels);
  for (let i = 0; i < train.length; i++) mean[i % pixels] += train[i] / (train.length / pixels);
  return Float32Array.from({ length: count * pixels }, (_, i) => mean[i % pixels]);
}

/** Each image averaged to 7×7 and blown up again, bilinear with half-pixel centres. */
function bilinearImages(images: Float32Array): Float32Array {
  const small = size / 4;
  const out = new Float32Array(images.length);
  for (let n = 0; n < images.length / pixels; n++) {
    const pooled = new Float32Array(small * small);
    for (let i = 0; i < pixels; i++)
      pooled[Math.floor(Math.floor(i / size) / 4) * small + Math.floor((i % size) / 4)] += images[n * pixels + i] / 16;
    const at = (y: number, x: number): number =>
      pooled[Math.min(Math.max(y, 0), small - 1) * small + Math.min(Math.max(x, 0), small - 1)];
    for (let i = 0; i < pixels; i++) {
      const [y, x] = [(Math.floor(i / size) + 0.5) / 4 - 0.5, ((i % size) + 0.5) / 4 - 0.5];
      const [top, left] = [Math.floor(y), Math.floor(x)];
      const [fy, fx] = [y - top, x - left];
      out[n * pixels + i] =
        (at(top, left) * (1 - fx) + at(top, left + 1) * fx) * (1 - fy) +
        (at(top + 1, left) * (1 - fx) + at(top + 1, left + 1) * fx) * fy;
    }
  }
  return out;
}

const usage = `Trains an autoencoder with max-unpooling on handwritten digits.
usage: npm run digits -- [--epochs N (default 8)] [--device NAME (default auto; or webgpu, wasm, …)] [--out DIR (default out/digits)] [--help]
SIGINT (Ctrl-C), SIGTERM, SIGHUP and a closed pipe end the run after the step at hand; what was made is saved. The exit
code is then 130, 143, 129 or 141. A second signal ends it at once.`;

/** Returns the exit code. */
async function main(args: string[]): Promise<number> {
  const values = readFlags(args, {
    epochs: { type: 'string' },
    device: { type: 'string' },
    out: { type: 'string' },
    help: { type: 'boolean' },
  });
  if (values.help) {
    process.stdout.write(`${usage}\n`);
    return 0;
  }
  const epochs = countOf('epochs', String(values.epochs ?? 8));
  const out = String(values.out ?? 'out/digits');
  prepareFolder(out);
  const stop = watchForStop('digits');

  const on = await device((values.device ?? 'auto') as DeviceName);
  setDefaultDevice(on);
  process.stdout.write(`device ${on}\n`);
  const { train, test } = await loadDigits({ train: 1500, test: 300 });
  manualSeed(1);
  const random = new RandomState(2);
  const model = new Autoencoder();
  const optimizer = new Adam(model.parameters(), { lr: 3e-3 });
  process.stdout.write(
    `${model.summary([1, size, size, 1])}\n${train.count} digits to train on, ${test.count} held out\n`,
  );
  const images = tensor(train.images, { shape: [train.count, size, size, 1] });
  const batchSize = 50;
  const total = epochs * Math.ceil(train.count / batchSize);
  const progress = new Progress(total, { stream: process.stdout, label: 'digits' });
  const start = performance.now();
  let step = 0;
  try {
    training: for (let epoch = 0; epoch < epochs; epoch++) {
      for (const batch of batches(train.count, batchSize, random)) {
        const x = images.indexSelect(batch);
        optimizer.zeroGrad();
        const loss = mse(model.forward(x), x);
        loss.backward();
        optimizer.step();
        step++;
        progress.update(step, { loss: await loss.item(), stepsPerSecond: (step * 1000) / (performance.now() - start) });
        x.release();
        if (stop.code !== null) break training;
      }
    }
  } finally {
    progress.done();
  }

  const output = noGrad(() => model.forward(tensor(test.images, { shape: [test.count, size, size, 1] })));
  const rebuilt = Float32Array.from(await output.data());
  const own = error(rebuilt, test.images);
  const mean = error(meanImages(train.images, test.count), test.images);
  const bilinear = error(bilinearImages(test.images), test.images);
  process.stdout.write(
    `mean squared error per pixel on held-out digits:\n  autoencoder with max-unpooling ${own.toFixed(5)}\n  bilinear upsampling of 7x7     ${bilinear.toFixed(5)} (${(bilinear / own).toFixed(1)} times)\n  the mean training image        ${mean.toFixed(5)} (${(mean / own).toFixed(1)} times)\n`,
  );

  const shown = 12;
  const scale = 3;
  const cell = size * scale + 6;
  const picture = new Picture(14 + shown * cell, 34 + 2 * cell);
  picture.text(10, 8, `held-out digits above, their reconstructions below; error ${own.toFixed(5)}`);
  for (let i = 0; i < shown; i++) {
    // The classes alternate, so a stride of 11 visits every digit and never shows one image twice.
    const which = (i * 11) % test.count;
    for (const [row, images] of [test.images, rebuilt].entries())
      picture.image(
        10 + i * cell,
        30 + row * cell,
        {
          data: images.subarray(which * pixels, (which + 1) * pixels),
          height: size,
          width: size,
          channels: 1,
          min: 0,
          max: 1,
        },
        scale,
      );
  }
  await writeFileAtomic(`${out}/digits.png`, picture.toPng());
  process.stdout.write(`wrote ${out}/digits.png\n`);
  await on.close();
  return stop.code ?? 0;
}

process.exitCode = await main(process.argv.slice(2)).catch((problem: Error) => {
  process.stderr.write(`digits: ${problem.message}\n`);
  return problem instanceof UsageError ? 2 : 1;
});
