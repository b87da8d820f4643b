/**
 * Inputs and initial weights of the workloads. They are drawn with numpy's generator and written
 * once, so that every peer reads the same numbers.
 */
import { existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { RandomState } from 'cedargrad';
import { cednData } from 'cedargrad/data';
import type { Manifest } from './timing.js';

/** Raised when the data changes, so that files of before are written anew. */
const version = 1;

type Arrays = Record<string, { shape: readonly number[]; data: ArrayLike<number> }>;
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
  const he = (shape: readonly number[], fan: number) => ({
    shape,
    data: random.randn(sizeOf(shape)).map((v) => v * Math.sqrt(2 / fan)),
  });
  const zeros = (n: number) => ({ shape: [n], data: new Float64Array(n) });
  return {
    x: { shape, data: data.map((v) => Math.min(v, 1)) },
    'conv1.weight': he([3, 3, 1, 16], 9),
    'conv2.weight': he([3, 3, 16, 32], 144),
    'deconv2.weight': he([3, 3, 16, 32], 288 / 4),
    'deconv1.weight': he([3, 3, 1, 16], 144 / 4),
    'conv1.bias': zeros(16),
    'conv2.bias': zeros(32),
    'deconv2.bias': zeros(16),
    'deconv1.bias': zeros(1),
  };
}

const makers: Readonly<Record<string, { lr: number; make: () => Arrays }>> = {
  w1: { lr: 1, make: w1 },
  w2: { lr: 1e-3, make: w2 },
  w3: { lr: 1e-3, make: w3 },
};
export const workloads = Object.keys(makers);

/**
 * Writes missing data to `folder`, as wN.json and wN.bin (little-endian float32, one array after
 * another).
 */
export function writeData(folder: string): void {
  mkdirSync(folder, { recursive: true });
  for (const [name, { lr, make }] of Object.entries(makers)) {
    const stamp = `${folder}/${name}.v${version}`;
    if (existsSync(stamp)) continue;
    const manifest: Manifest = { lr, arrays: {} };
    const parts: Uint8Array[] = [];
    let offset = 0;
    for (const [key, { shape, data }] of Object.entries(make())) {
      const size = data.length;
      manifest.arrays[key] = { shape, offset, size };
      offset += size;
      parts.push(new Uint8Array(Float32Array.from(data).buffer));
    }
    const put = (file: string, contents: string | Uint8Array): void => {
      writeFileSync(`${file}.part`, contents);
      renameSync(`${file}.part`, file);
    };
    put(`${folder}/${name}.bin`, Buffer.concat(parts));
    put(`${folder}/${name}.json`, JSON.stringify(manifest, null, 1));
    put(stamp, '');
  }
}
