/**
 * Inputs and initial weights of the workloads. They are drawn with numpy's generator and written
 * once, so that every peer reads the same numbers. Those of w5 are too many for a file: only the
 * rules are written, by which every peer draws them (draw.ts).
 */
import { existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { RandomState } from 'cedargrad';
import { cednData } from 'cedargrad/data';
import type { Drawn } from './draw.js';
import type { Manifest } from './timing.js';

/** Raised when the data changes, so that files of before are written anew. */
const version = 1;

/** The numbers of an array, or the rule by which each peer draws them. */
type Contents = { data: ArrayLike<number> } | Drawn;
type Arrays = Record<string, { shape: readonly number[] } & Contents>;
const sizeOf = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

/** Weights of the encoder-decoder: N(0, 1), or with `he` times √(2/fan-in) and zero biases. */
function cednArrays(random: RandomState, channels: readonly [number, number, number, number], he: boolean): Arrays {
  const [c0, c1, c2, c3] = channels;
  const weight = (third: number, fourth: number, fan: number) => {
    const shape = [3, 3, third, fourth];
    const scale = he ? Math.sqrt(2 / fan) : 1;
    return { shape, data: random.randn(sizeOf(shape)).map((v) => v * scale) };
  };
  const bias = (n: number) => ({ shape: [n], data: he ? new Float64Array(n) : random.randn(n) });
  return {
    'conv1.weight': weight(c0, c1, 9 * c0),
    'conv2.weight': weight(c1, c2, 9 * c1),
    'conv3.weight': weight(c2, c3, 9 * c2),
    'deconv2.weight': weight(c1, c3, 9 * c3),
    'deconv1.weight': weight(1, c1, 9 * c1),
    'conv1.bias': bias(c1),
    'conv2.bias': bias(c2),
    'conv3.bias': bias(c3),
    'deconv2.bias': bias(c1),
    'deconv1.bias': bias(1),
  };
}

/** The miniature encoder-decoder as published. */
function w1(): Arrays {
  const { x, y, xShape, yShape } = cednData();
  return {
    x: { shape: xShape, data: x },
    y: { shape: yShape, data: y },
    ...cednArrays(new RandomState(7), [3, 16, 32, 32], false),
  };
}

/** The same network at a working size. */
function w2(): Arrays {
  const random = new RandomState(11);
  const coin = (shape: readonly number[], low: number) => ({
    shape,
    data: random.rand(sizeOf(shape)).map((v) => (v > 0.5 ? 1 : low)),
  });
  const x = coin([32, 64, 64, 3], -1);
  const y = coin([32, 64, 64, 1], 0);
  return { x, y, ...cednArrays(random, [3, 32, 64, 64], true) };
}

/** Weights of N(0, 2/fan-in). */
const he = (random: RandomState, shape: readonly number[], fan: number) => ({
  shape,
  data: random.randn(sizeOf(shape)).map((v) => v * Math.sqrt(2 / fan)),
});
const zeros = (n: number) => ({ shape: [n], data: new Float64Array(n) });

/** A convolutional autoencoder of soft blobs, of the size of handwritten digits. */
function w3(): Arrays {
  const random = new RandomState(13);
  const shape = [64, 28, 28, 1];
  const data = new Float64Array(sizeOf(shape));
  for (let image = 0; image < shape[0]; image++)
    for (let blob = 0; blob < 3; blob++) {
      const [cy] = random.uniform(6, 22, 1);
      const [cx] = random.uniform(6, 22, 1);
      const [s] = random.uniform(1.5, 3.5, 1);
      for (let i = 0; i < 784; i++)
        data[image * 784 + i] += Math.exp(-((Math.floor(i / 28) - cy) ** 2 + ((i % 28) - cx) ** 2) / (2 * s * s));
    }
  return {
    x: { shape, data: data.map((v) => Math.min(v, 1)) },
    'conv1.weight': he(random, [3, 3, 1, 16], 9),
    'conv2.weight': he(random, [3, 3, 16, 32], 144),
    'deconv2.weight': he(random, [3, 3, 16, 32], 288 / 4),
    'deconv1.weight': he(random, [3, 3, 1, 16], 144 / 4),
    'conv1.bias': zeros(16),
    'conv2.bias': zeros(32),
    'deconv2.bias': zeros(16),
    'deconv1.bias': zeros(1),
  };
}

/** An autoencoder of noise, all of whose sizes are odd for vectors, tiles and threads. */
function odd(): Arrays {
  const random = new RandomState(17);
  const shape = [6, 37, 53, 3];
  return {
    x: { shape, data: random.rand(sizeOf(shape)) },
    'conv1.weight': he(random, [3, 3, 3, 20], 27),
    'conv2.weight': he(random, [5, 5, 20, 40], 500),
    'conv3.weight': he(random, [3, 3, 40, 40], 360),
    // Three quarters of an unpooled image are zero.
    'deconv2.weight': he(random, [5, 5, 40, 20], 1000 / 4),
    'deconv1.weight': he(random, [3, 3, 20, 3], 180 / 4),
    'conv1.bias': zeros(20),
    'conv2.bias': zeros(40),
    'conv3.bias': zeros(40),
    'deconv2.bias': zeros(20),
    'deconv1.bias': zeros(3),
  };
}

/** The full encoder-decoder, by the names of the library's Cedn. A tenth of the labels are 1. */
function w5(): Arrays {
  const arrays: Arrays = {};
  const convolution = (name: string, size: number, from: number, to: number, share = 1): void => {
    arrays[`${name}.weight`] = { shape: [size, size, from, to], bound: Math.sqrt(6 / (size * size * from * share)) };
    arrays[`${name}.bias`] = { shape: [to], bound: 0.01 };
  };
  let channels = 3;
  let place = 0;
  for (const widths of [
    [64, 64],
    [128, 128],
    [256, 256, 256],
    [512, 512, 512],
    [512, 512, 512],
  ]) {
    for (const width of widths) {
      convolution(`features.${place}`, 3, channels, width);
      channels = width;
      // A relu follows each convolution, and a pool each level.
      place += 2;
    }
    place++;
  }
  convolution('conv6', 7, 512, 4096);
  convolution('deconv6', 1, 4096, 512);
  for (const [level, from, to] of [
    [5, 512, 512],
    [4, 512, 256],
    [3, 256, 128],
    [2, 128, 64],
    [1, 64, 32],
  ])
    convolution(`deconv${level}`, 5, from, to, 1 / 4);
  convolution('pred', 5, 32, 1);
  return { ...arrays, x: { shape: [1, 224, 224, 3], bound: 1 }, y: { shape: [1, 224, 224, 1], chance: 0.1 } };
}

const makers: Readonly<Record<string, { lr: number; make: () => Arrays }>> = {
  w1: { lr: 1, make: w1 },
  w2: { lr: 1e-3, make: w2 },
  w3: { lr: 1e-3, make: w3 },
  odd: { lr: 1e-3, make: odd },
  w5: { lr: 1e-4, make: w5 },
};
export const workloads = Object.keys(makers);
/** Those that run unless others are asked for. TensorFlow.js runs no others. */
export const usualWorkloads = ['w1', 'w2', 'w3'];

/** Writes arrays as NAME.json and NAME.bin (little-endian float32, one array after another). */
export function writeArrays(folder: string, name: string, lr: number, arrays: Arrays): void {
  const manifest: Manifest = { lr, arrays: {} };
  const parts: Uint8Array[] = [];
  let offset = 0;
  for (const [key, { shape, ...contents }] of Object.entries(arrays)) {
    const size = sizeOf(shape);
    manifest.arrays[key] = { shape, offset, size, ...('data' in contents ? {} : contents) };
    offset += size;
    if ('data' in contents) parts.push(new Uint8Array(Float32Array.from(contents.data).buffer));
  }
  const put = (file: string, contents: string | Uint8Array): void => {
    writeFileSync(`${file}.part`, contents);
    renameSync(`${file}.part`, file);
  };
  put(`${folder}/${name}.bin`, Buffer.concat(parts));
  put(`${folder}/${name}.json`, JSON.stringify(manifest, null, 1));
}

/** Writes the workloads' arrays that are missing in `folder`. */
export function writeData(folder: string): void {
  mkdirSync(folder, { recursive: true });
  for (const [name, { lr, make }] of Object.entries(makers)) {
    const stamp = `${folder}/${name}.v${version}`;
    if (existsSync(stamp)) continue;
    writeArrays(folder, name, lr, make());
    writeFileSync(stamp, '');
  }
}
