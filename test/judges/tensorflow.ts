/**
 * TensorFlow.js as a judge: its CPU backend, over generated geometries, values and gradients.
 * `--setup` installs it in this folder. Not here: the calls (tensorflow-ops.ts).
 */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import fc from 'fast-check';
import { type Device, RandomState, type Tensor, tensor } from '../../src/index.js';
import { difference, type Tolerance } from './compare.js';
import { Report } from './report.js';
import { type Case, type Domain, type Tf, type TfTensor, tensorflowFamilies } from './tensorflow-ops.js';

/** Where TensorFlow.js is installed. */
export const tensorflowFolder = fileURLToPath(new URL('tfjs/', import.meta.url));
export const hasTensorflow = (): boolean =>
  existsSync(join(tensorflowFolder, 'node_modules/@tensorflow/tfjs-backend-cpu/package.json'));

/** Its gradients are only in files that Node cannot load as they are, so all of it is bundled. */
async function load(): Promise<Tf> {
  const folder = mkdtempSync(join(tmpdir(), 'cedargrad-judges-'));
  try {
    const outfile = join(folder, 'tensorflow.cjs');
    await build({
      stdin: {
        contents: `export * from '@tensorflow/tfjs-core';
          import '@tensorflow/tfjs-core/dist/register_all_gradients';
          import '@tensorflow/tfjs-backend-cpu';`,
        resolveDir: tensorflowFolder,
      },
      bundle: true,
      format: 'cjs',
      platform: 'node',
      mainFields: ['module', 'main'],
      outfile,
    });
    const tf = createRequire(import.meta.url)(outfile) as Tf;
    await tf.setBackend('cpu');
    return tf;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Values in float32, so that both sides see the same. */
function valuesOf(domain: Domain, count: number, random: RandomState): Float32Array<ArrayBuffer> {
  const raw = domain === 'unit' || typeof domain === 'object' ? random.rand(count) : random.randn(count);
  const value = (v: number): number => {
    if (typeof domain === 'object') return Math.floor(v * domain.below);
    if (domain === 'positive') return Math.abs(v) + 0.1;
    // Where a kink at 0 must not be met.
    if (domain === 'away') return v + (v < 0 ? -0.1 : 0.1);
    return v;
  };
  return Float32Array.from(raw, value);
}

const sizeOf = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

/** What both must give. */
interface Answer {
  readonly outputs: readonly { readonly shape: readonly number[]; readonly data: ArrayLike<number> }[];
  readonly grads: readonly ArrayLike<number>[];
  /** Sent back from the first output. */
  readonly seed: Float32Array<ArrayBuffer>;
}

function ask(
  tf: Tf,
  { inputs, tf: call, noGradient }: Case,
  values: readonly Float32Array[],
  random: RandomState,
): Answer {
  const open = (): TfTensor[] => values.map((v, i) => tf.tensor(v, inputs[i].shape, 'float32'));
  const found = [call(tf, ...open())].flat() as TfTensor[];
  const outputs = found.map((y) => ({ shape: y.shape, data: y.dataSync() }));
  const seed = Float32Array.from(random.randn(sizeOf(outputs[0].shape)));
  if (noGradient !== undefined) return { outputs, grads: [], seed };
  const grads = tf.grads((...xs: unknown[]) => call(tf, ...(xs as TfTensor[]))) as unknown as (
    xs: TfTensor[],
    dy: TfTensor,
  ) => TfTensor[];
  const dy = tf.tensor(seed, outputs[0].shape, 'float32');
  return { outputs, seed, grads: grads(open(), dy).map((g) => g.dataSync()) };
}

async function judge(
  one: Case,
  values: readonly Float32Array<ArrayBuffer>[],
  want: Answer,
  device: Device,
): Promise<string | null> {
  const tolerance: Tolerance = { relative: 1e-5, ofLargest: one.accumulates ?? false };
  const requiresGrad = one.noGradient === undefined;
  const inputs = values.map((v, i) => tensor(v, { shape: one.inputs[i].shape, device, requiresGrad }));
  const outputs = [one.ours(...inputs)].flat() as Tensor[];
  for (const [i, y] of outputs.entries()) {
    const wrong = difference(`output ${i}`, { shape: y.shape, data: await y.data() }, want.outputs[i], tolerance);
    if (wrong !== null) return wrong;
  }
  if (!requiresGrad) return null;
  outputs[0].backward(tensor(want.seed, { shape: outputs[0].shape, device }));
  for (const [i, x] of inputs.entries()) {
    const data = x.grad === null ? new Float32Array(x.size) : await x.grad.data();
    const wrong = difference(
      `gradient ${i}`,
      { shape: x.shape, data },
      { shape: x.shape, data: want.grads[i] },
      tolerance,
    );
    if (wrong !== null) return wrong;
  }
  return null;
}

/** Puts one case to both. */
async function confront(tf: Tf, one: Case, number: number, devices: readonly Device[]): Promise<string | null> {
  const random = new RandomState(number + 1);
  const values = one.inputs.map(({ shape, domain }) => valuesOf(domain, sizeOf(shape), random));
  let want: Answer;
  try {
    want = tf.tidy(() => ask(tf, one, values, random)) as unknown as Answer;
  } catch (error) {
    return `TensorFlow.js: ${error}`;
  }
  for (const device of devices) {
    const wrong = await judge(one, values, want, device).catch(String);
    if (wrong !== null) return `${device.name}: ${wrong}`;
  }
  return null;
}

/**
 * `usual` is the number of geometries of most functions. Windows have more, and the simplest
 * functions fewer.
 */
export async function judgeTensorflow(devices: readonly Device[], usual: number): Promise<Report> {
  const report = new Report('TensorFlow.js over generated geometries');
  const tf = await load();
  for (const { name, cases, share } of tensorflowFamilies) {
    const chosen = fc.sample(cases, { seed: 1, numRuns: Math.max(3, Math.round(usual * share)) });
    for (const [number, one] of chosen.entries()) {
      const wrong = await confront(tf, one, number, devices);
      if (wrong === null) report.passed(name);
      else report.failed(name, `#${number} ${one.what}: ${wrong}`);
      if (one.noGradient !== undefined && one.noGradient !== 'none') report.notClaimed(name, one.noGradient);
    }
  }
  return report;
}
