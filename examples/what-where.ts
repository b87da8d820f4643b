/**
 * A stacked what-where autoencoder (Zhao, Mathieu, Goroshin, LeCun 2015, arXiv 1506.02351) on
 * handwritten digits. "What" is the values that the pools pass on. "Where" is the positions of
 * their maxima, which go from each encoder level directly to its decoder level. Both halves are
 * trained together and without labels, on the paper's two reconstruction losses. One compares
 * images, the other compares each inner decoder level with the input of its encoder level.
 * Then held-out digits are reconstructed from both, from either alone, and from the what of one
 * digit with the where of another. The decoder was trained with both only.
 */
import {
  Adam,
  Conv2d,
  ConvTranspose2d,
  type DeviceName,
  device,
  MaxPool2d,
  Module,
  manualSeed,
  mse,
  noGrad,
  type PoolIndices,
  poolIndices,
  RandomState,
  relu,
  setDefaultDevice,
  sigmoid,
  type Tensor,
  tensor,
  unpoolLike,
  zeros,
} from 'cedargrad';
import { batches, type DigitSet, loadDigits } from 'cedargrad/data';
import { Picture, writeFileAtomic } from 'cedargrad/io';
import { Progress } from 'cedargrad/train';
import { countOf, prepareFolder, readFlags, UsageError, watchForStop } from './command.js';

const size = 28;
const pixels = size * size;

/** The places of both pools' maxima. */
type Where = readonly [where1: PoolIndices, where2: PoolIndices];

/** 28×28 → 4×4×32 values and two levels of places → 28×28. */
class WhatWhere extends Module {
  conv1 = new Conv2d(1, 16, 5, { padding: 'same' });
  pool1 = new MaxPool2d(2);
  conv2 = new Conv2d(16, 32, 5, { padding: 'same' });
  pool2 = new MaxPool2d(4, { padding: 1 });
  unpool2 = unpoolLike(this.pool2);
  deconv2 = new ConvTranspose2d(32, 16, 5, { padding: 'same' });
  unpool1 = unpoolLike(this.pool1);
  deconv1 = new ConvTranspose2d(16, 1, 5, { padding: 'same' });

  /** What and where, and `between`: what level 2 is given. */
  encode(x: Tensor): { what: Tensor; where: Where; between: Tensor } {
    const [between, where1] = this.pool1.forward(relu(this.conv1.forward(x)));
    const [what, where2] = this.pool2.forward(relu(this.conv2.forward(between)));
    return { what, where: [where1, where2], between };
  }
  /**
   * The image, and level 2's reconstruction as `between`. Without `where`, the latest encode()
   * gives it.
   */
  decode(what: Tensor, where?: Where): { image: Tensor; between: Tensor } {
    const between = relu(this.deconv2.forward(this.unpool2.forward(what, where?.[1])));
    return { image: sigmoid(this.deconv1.forward(this.unpool1.forward(between, where?.[0]))), between };
  }
  forward(x: Tensor): Tensor {
    return this.decode(this.encode(x).what).image;
  }
  /** The paper's L2rec + λ·L2M: the image's error, and the error between the levels. */
  loss(x: Tensor): Tensor {
    const { what, between } = this.encode(x);
    const rebuilt = this.decode(what);
    return mse(rebuilt.image, x).add(mse(rebuilt.between, between).mul(0.1));
  }
}

/** The same place in every window, whatever the image: the cell below and right of the middle. */
function middles(model: WhatWhere, count: number): Where {
  const middle = ([height, width]: readonly [number, number]): number =>
    Math.floor(height / 2) * width + Math.floor(width / 2);
  const places = (pool: MaxPool2d, inside: number, outside: number, channels: number): PoolIndices =>
    poolIndices(new Int32Array(count * inside * inside * channels).fill(middle(pool.kernelSize)), {
      shape: [count, inside, inside, channels],
      convention: 'window',
      inputShape: [count, outside, outside, channels],
      pool: { kernelSize: pool.kernelSize, stride: pool.stride, padding: pool.padding },
    });
  return [places(model.pool1, 14, 28, 16), places(model.pool2, 4, 14, 32)];
}

const tensorOf = ({ images, count }: DigitSet): Tensor => tensor(images, { shape: [count, size, size, 1] });

/** Every channel's mean what over the training digits. */
function meanWhat(model: WhatWhere, images: Tensor, random: RandomState): Tensor {
  let sum = zeros([32]);
  for (const batch of batches(images.shape[0], 100, random, { shuffle: false }))
    sum = noGrad(() => sum.add(model.encode(images.indexSelect(batch)).what.mean([1, 2]).sum(0)));
  return noGrad(() => sum.div(images.shape[0]));
}

/** Mean squared error per pixel between two sets of images; a shorter one is repeated. */
const error = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] - b[i % b.length]) ** 2;
  return sum / a.length;
};

/** One row of the picture. */
interface Row {
  readonly caption: readonly string[];
  readonly images: Float32Array;
}

function draw(title: string, rows: readonly Row[], count: number): Uint8Array {
  const [shown, scale, left, top] = [10, 3, 116, 28];
  const cell = size * scale + 6;
  const picture = new Picture(left + shown * cell + 4, top + rows.length * cell + 4);
  picture.text(10, 10, title);
  for (const [r, { caption, images }] of rows.entries()) {
    const middle = top + r * cell + (size * scale) / 2;
    for (const [l, line] of caption.entries())
      picture.text(10, Math.round(middle + (l - caption.length / 2) * 12), line);
    // Classes come in turn, so a stride of 11 steps through the digits.
    for (let i = 0; i < shown; i++)
      picture.image(
        left + i * cell,
        top + r * cell,
        { data: images, offset: ((i * 11) % count) * pixels, height: size, width: size },
        scale,
      );
  }
  return picture.toPng();
}

const deviceNames = ['auto', 'webgpu', 'webgl2', 'webgl', 'headlessgl', 'gpu', 'wasm', 'reference'];
const usage = `Trains a stacked what-where autoencoder on handwritten digits, and rebuilds held-out ones from what and where, and from either alone.
usage: npm run what-where -- [--epochs N (default 10)] [--device NAME (default auto; or webgpu, wasm, …)] [--out DIR (default out/what-where)] [--help]
SIGINT (Ctrl-C), SIGTERM, SIGHUP and a closed pipe end the run after the step at hand; what was made is saved. The exit
code is then 130, 143, 129 or 141. A second signal ends it at once.`;

interface Options {
  readonly epochs: number;
  readonly device: DeviceName;
  readonly out: string;
}

/** What the command line says; null where it asks for help. */
function parse(args: string[]): Options | null {
  const values = readFlags(args, {
    epochs: { type: 'string' },
    device: { type: 'string' },
    out: { type: 'string' },
    help: { type: 'boolean' },
  });
  if (values.help) return null;
  const [epochs, name, out] = [values.epochs ?? 10, values.device ?? 'auto', values.out ?? 'out/what-where'].map(
    String,
  );
  if (!deviceNames.includes(name))
    throw new UsageError(`--device must be one of ${deviceNames.join(', ')}; got '${name}'`);
  return { epochs: countOf('epochs', epochs), device: name as DeviceName, out };
}

/** Returns the exit code. */
async function run({ epochs, device: name, out }: Options): Promise<number> {
  prepareFolder(out);
  const stop = watchForStop('what-where');
  const on = await device(name);
  setDefaultDevice(on);
  process.stdout.write(`device ${on}\n`);
  const { train, test } = await loadDigits({ train: 1500, test: 300 });
  manualSeed(1);
  const random = new RandomState(2);
  const model = new WhatWhere();
  const optimizer = new Adam(model.parameters(), { lr: 2e-3 });
  process.stdout.write(
    `${model.summary([1, size, size, 1])}\n${train.count} digits to train on, ${test.count} held out\n`,
  );
  const digits = tensorOf(train);
  const batchSize = 50;
  const total = epochs * Math.ceil(train.count / batchSize);
  const progress = new Progress(total, { stream: process.stdout, label: 'what-where' });
  const start = performance.now();
  let step = 0;
  try {
    training: for (let epoch = 0; epoch < epochs; epoch++) {
      for (const batch of batches(train.count, batchSize, random)) {
        const x = digits.indexSelect(batch);
        optimizer.zeroGrad();
        const loss = model.loss(x);
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

  const x = tensorOf(test);
  // Each digit's partner for the swap: three classes on.
  const partners = x.indexSelect(Int32Array.from({ length: test.count }, (_, i) => (i + 3) % test.count));
  const mean = meanWhat(model, digits, random);
  const fixed = middles(model, test.count);
  /** The images that the decoder makes of something encoded. */
  const decoded = async (make: () => Tensor): Promise<Float32Array> => {
    const images = noGrad(make);
    const data = Float32Array.from(await images.data());
    images.release();
    return data;
  };
  const both = await decoded(() => model.forward(x));
  const whatAlone = await decoded(() => model.decode(model.encode(x).what, fixed).image);
  const whereAlone = await decoded(() => {
    const { what, where } = model.encode(x);
    return model.decode(mean.expand(what.shape), where).image;
  });
  const swapped = await decoded(() => model.decode(model.encode(x).what, model.encode(partners).where).image);

  const meanImage = new Float32Array(pixels);
  for (let i = 0; i < train.images.length; i++) meanImage[i % pixels] += train.images[i] / train.count;
  const [own, what, where] = [both, whatAlone, whereAlone].map((images) => error(images, test.images));
  const line = (label: string, value: number): string =>
    `  ${label.padEnd(44)} ${value.toFixed(5)} (${(value / own).toFixed(1)} times)\n`;
  process.stdout.write(
    `mean squared error per pixel on held-out digits:\n  ${'both: what and where'.padEnd(44)} ${own.toFixed(5)}\n${[
      line('what alone: values in the middle of windows', what),
      line("where alone: places with channels' mean what", where),
      line('neither: the mean training image', error(test.images, meanImage)),
    ].join('')}`,
  );

  const rows: Row[] = [
    { caption: ['held-out digit'], images: test.images },
    { caption: ['what and where', own.toFixed(4)], images: both },
    { caption: ['what alone', what.toFixed(4)], images: whatAlone },
    { caption: ['where alone', where.toFixed(4)], images: whereAlone },
    { caption: ['another digit'], images: Float32Array.from(await partners.data()) },
    { caption: ['what of the', 'first row, where', 'of the other'], images: swapped },
  ];
  await writeFileAtomic(
    `${out}/what-where.png`,
    draw(
      'a stacked what-where autoencoder: held-out digits rebuilt, with the mean squared error per pixel',
      rows,
      test.count,
    ),
  );
  process.stdout.write(`wrote ${out}/what-where.png\n`);
  await on.close();
  return stop.code ?? 0;
}

/** Runs the command line; returns the exit code. */
async function main(args: string[]): Promise<number> {
  try {
    const options = parse(args);
    if (options !== null) return await run(options);
    process.stdout.write(`${usage}\n`);
    return 0;
  } catch (problem) {
    process.stderr.write(`what-where: ${(problem as Error).message.split('\n')[0]}\n`);
    return problem instanceof UsageError ? 2 : 1;
  }
}

process.exitCode = await main(process.argv.slice(2));
