/**
 * ONNX Runtime as a judge of exports. `npm run onnx-check -- --setup` installs it in the folder
 * runtime, because with 288 MB it is too large for the development dependencies.
 * Not here: the networks (networks.ts).
 */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { noGrad, PoolIndices, Tensor } from '../../src/index.js';
import { channelsFirst, channelsLast } from '../../src/io/onnx/graph.js';
import { exportOnnx } from '../../src/io/onnx/index.js';
import { drawInputs, type Network } from './networks.js';

/** Where ONNX Runtime is installed. */
export const runtimeFolder = fileURLToPath(new URL('runtime/', import.meta.url));
export const hasRuntime = (): boolean => existsSync(`${runtimeFolder}node_modules/onnxruntime-node/package.json`);

interface OrtTensor {
  readonly data: ArrayLike<number | bigint>;
  readonly dims: readonly number[];
}
interface Session {
  readonly outputNames: readonly string[];
  run(feeds: Record<string, OrtTensor>): Promise<Record<string, OrtTensor>>;
}
interface Runtime {
  readonly InferenceSession: { create(bytes: Uint8Array, options: object): Promise<Session> };
  readonly Tensor: new (type: string, data: unknown, dims: readonly number[]) => OrtTensor;
}
let runtime: Runtime | undefined;
const load = (): Runtime => {
  runtime ??= createRequire(new URL('runtime/package.json', import.meta.url))('onnxruntime-node') as Runtime;
  return runtime;
};

/** The outputs of a file for inputs of float32, by name. */
export async function runOnnx(
  bytes: Uint8Array,
  inputs: Readonly<Record<string, { data: ArrayLike<number>; shape: readonly number[] }>>,
): Promise<[name: string, output: OrtTensor][]> {
  const { InferenceSession, Tensor: OrtTensor } = load();
  const session = await InferenceSession.create(bytes, { logSeverityLevel: 4, intraOpNumThreads: 1 });
  const feeds = Object.entries(inputs).map(
    ([name, { data, shape }]) => [name, new OrtTensor('float32', Float32Array.from(data), shape)] as const,
  );
  const outputs = await session.run(Object.fromEntries(feeds));
  return session.outputNames.map((name) => [name, outputs[name] as OrtTensor]);
}

/** A tensor's numbers in the order of the graph's axes. Indices count as ONNX does. */
async function inGraph(t: Tensor | PoolIndices): Promise<{ data: ArrayLike<number>; shape: readonly number[] }> {
  if (!(t instanceof PoolIndices)) {
    const moved = t.rank === 3 || t.rank === 4 ? t.permute(channelsFirst(t.rank)) : t;
    return { data: await moved.data(), shape: moved.shape };
  }
  const { inputShape } = t;
  const [, height, width, channels] = inputShape as [number, number, number, number];
  const plane = await inGraph(t.plane);
  const perPlane = (plane.shape[2] as number) * (plane.shape[3] as number);
  const data = Array.from(plane.data, (p, i) => p + Math.floor(i / perPlane) * height * width);
  if (channels !== plane.shape[1]) throw new Error('the indices must have the channels of the input');
  return { data, shape: plane.shape };
}

const tensorsOf = (result: unknown): (Tensor | PoolIndices)[] =>
  result instanceof Tensor || result instanceof PoolIndices
    ? [result]
    : Object.values(result as object).flatMap(tensorsOf);

/**
 * The largest difference between ONNX Runtime's outputs and ours, relative to the largest number of
 * each output.
 */
export async function difference(network: Network, opset: number): Promise<number> {
  const model = network.make();
  const input = Object.fromEntries(network.inputs.map((shape, i) => [`x${i}`, shape]));
  const bytes = await exportOnnx(model, { input, opset });
  const given = drawInputs(network, 3);
  const feeds: Record<string, { data: ArrayLike<number>; shape: readonly number[] }> = {};
  for (const [i, x] of given.entries()) feeds[`x${i}`] = { data: await x.data(), shape: x.shape };
  const theirs = await runOnnx(bytes, feeds);
  const inside = given.map((x) => (x.rank === 3 || x.rank === 4 ? x.permute(channelsLast(x.rank)) : x));
  const ours = tensorsOf(noGrad(() => Reflect.apply(model.forward, model, inside)));
  if (ours.length !== theirs.length) throw new Error(`${theirs.length} outputs`);
  let worst = 0;
  for (const [i, [name, other]] of theirs.entries()) {
    const { data, shape } = await inGraph(ours[i] as Tensor);
    if (shape.join() !== other.dims.join()) throw new Error(`${name}: ${other.dims} in place of ${shape}`);
    let [most, far] = [Number.MIN_VALUE, 0];
    for (let j = 0; j < data.length; j++) {
      const value = data[j] as number;
      most = Math.max(most, Math.abs(value));
      const off = Math.abs(value - Number(other.data[j]));
      if (!(off <= far)) far = off;
    }
    worst = Math.max(worst, far / most);
    if (Number.isNaN(far)) return Number.NaN;
  }
  return worst;
}
