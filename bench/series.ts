/**
 * Convolution of series on one thread, forward and backward: conv1d, conv2d on the same numbers as
 * images of one row and of one column, and PyTorch's conv1d if a Python has it. The forms take
 * turns. Prints the least time of each in milliseconds, which other programs disturb least.
 * usage: node --conditions=cedargrad-source --import tsx bench/series.ts
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { conv1d, conv2d, device, type Tensor, tensor } from 'cedargrad';
import { findPython } from '../scripts/find-python.js';

/** [batch, length, channels in, channels out, kernel, stride] */
const shapes = [
  [32, 64, 1, 16, 7, 1],
  [32, 128, 16, 32, 5, 1],
  [64, 256, 32, 32, 3, 1],
  [32, 256, 32, 64, 4, 2],
  [16, 1024, 64, 64, 9, 1],
] as const;
const rounds = 60;

const on = await device('wasm', { threads: 1 });
const leaf = (shape: readonly number[]): Tensor =>
  tensor(
    Float32Array.from({ length: shape.reduce((a, b) => a * b) }, (_, i) => ((i * 7919) % 1009) / 504.5 - 1),
    { shape, device: on, requiresGrad: true },
  );

/** A step of one form: forward, backward, and waiting for both. */
function stepOf(x: Tensor, weight: Tensor, forward: () => Tensor): () => Promise<number> {
  const g = forward().onesLike().keep();
  return async () => {
    x.clearGrad();
    weight.clearGrad();
    const start = performance.now();
    forward().backward(g);
    await on.sync();
    return performance.now() - start;
  };
}

function formsOf([n, l, i, o, k, stride]: (typeof shapes)[number]): (() => Promise<number>)[] {
  const padding = k >> 1;
  const [series, kernel] = [leaf([n, l, i]), leaf([k, i, o])];
  const [row, rowKernel] = [leaf([n, 1, l, i]), leaf([1, k, i, o])];
  const [column, columnKernel] = [leaf([n, l, 1, i]), leaf([k, 1, i, o])];
  return [
    stepOf(series, kernel, () => conv1d(series, kernel, { stride, padding })),
    stepOf(row, rowKernel, () => conv2d(row, rowKernel, { stride: [1, stride], padding: [0, padding] })),
    stepOf(column, columnKernel, () => conv2d(column, columnKernel, { stride: [stride, 1], padding: [padding, 0] })),
  ];
}

const python = findPython();
const peer = fileURLToPath(new URL('peers/series.py', import.meta.url));
console.log('[N,L,C] → D, kernel, stride'.padEnd(34), 'conv1d', '  row', 'column', 'PyTorch');
for (const shape of shapes) {
  const forms = formsOf(shape);
  for (let i = 0; i < 10; i++) for (const step of forms) await step();
  const times: number[][] = forms.map(() => []);
  for (let i = 0; i < rounds; i++) for (const [form, step] of forms.entries()) times[form].push(await step());
  const answer = python === null ? null : spawnSync(python, [peer, ...shape.map(String)], { encoding: 'utf8' });
  const [n, l, i, o, k, stride] = shape;
  const all = [...times.map((list) => Math.min(...list)), answer === null ? NaN : Number(answer.stdout)];
  console.log(`[${n},${l},${i}] → ${o}, ${k}, ${stride}`.padEnd(34), ...all.map((t) => t.toFixed(2).padStart(6)));
}
await on.close();
