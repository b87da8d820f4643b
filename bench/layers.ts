/**
 * Layers between convolutions, on one thread. Runs forward and backward of each as a compiled step,
 * with x [8,96,96,16], and prints one JSON line per layer. peers/layers.py does the same on
 * PyTorch.
 * usage: layers.ts DEVICE
 */
import {
  BatchNorm2d,
  compile,
  concat,
  device,
  GroupNorm,
  LayerNorm,
  type Module,
  relu,
  sigmoid,
  type Tensor,
  tensor,
} from 'cedargrad';
import { budget, print } from './measure.js';
import { median } from './timing.js';

const shape = [8, 96, 96, 16];
const [base, build] = (process.argv[2] ?? 'wasm').split(':');
const on =
  base === 'wasm'
    ? await device('wasm', { threads: 1, build: build as 'simd' | undefined })
    : await device('reference');
const values = (seed: number, size: number): Float32Array =>
  Float32Array.from({ length: size }, (_, i) => ((i * 7919 + seed) % 1009) / 504.5 - 1);
const size = shape.reduce((a, b) => a * b, 1);
const leaf = (seed: number): Tensor => tensor(values(seed, size), { shape, device: on, requiresGrad: true });

interface Layer {
  readonly name: string;
  readonly inputs: number;
  readonly module?: Module;
  forward(...x: Tensor[]): Tensor;
}
const ofModule = (name: string, module: Module & { forward(x: Tensor): Tensor }): Layer => ({
  name,
  inputs: 1,
  module: module.to(on),
  forward: (x) => module.forward(x),
});
const layers: readonly Layer[] = [
  { name: 'relu', inputs: 1, forward: (x) => relu(x) },
  { name: 'sigmoid', inputs: 1, forward: (x) => sigmoid(x) },
  { name: 'concat', inputs: 2, forward: (...x) => concat(x, 3) },
  ofModule('BatchNorm2d', new BatchNorm2d(16)),
  ofModule('GroupNorm, 4 groups', new GroupNorm(4, 16)),
  ofModule('LayerNorm', new LayerNorm(16)),
];

for (const { name, inputs, module, forward } of layers) {
  const x = Array.from({ length: inputs }, (_, i) => leaf(i));
  const g = tensor(values(5, size * inputs), { shape: [8, 96, 96, 16 * inputs], device: on });
  const step = compile(() => {
    for (const t of x) t.clearGrad();
    module?.zeroGrad();
    forward(...x).backward(g);
    return x.map((t) => (t.grad as Tensor).slice([0, 1], [0, 1], [0, 1], [0, 1]));
  });
  const once = async (): Promise<number> => {
    const start = performance.now();
    step();
    await on.sync();
    return performance.now() - start;
  };
  for (let i = 0; i < 5; i++) await once();
  const times: number[] = [];
  for (const start = performance.now(); times.length < 5 || performance.now() - start < budget() / 5; )
    times.push(await once());
  print({ layer: name, ms: median(times), min_ms: Math.min(...times) });
  step.dispose();
}
await on.close();
