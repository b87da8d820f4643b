/**
 * The workloads on TensorFlow.js's wasm backend, which has no threads in Node. The filter gradient,
 * which the backend lacks, is added here. Prints one JSON line.
 * usage: tfjs.mjs WORKLOAD
 */
import { createRequire } from 'node:module';
import { makeSteps } from './tfjs-step.mjs';

const { loadData, measure, print } = await import(process.env.BENCH_MEASURE);
// The banner about tfjs-node would go to stdout.
console.warn = console.log = () => {};
const require = createRequire(import.meta.url);
const tf = require('@tensorflow/tfjs');
const wasm = require('@tensorflow/tfjs-backend-wasm');
const workload = process.argv[2];
wasm.setWasmPaths(require.resolve('@tensorflow/tfjs-backend-wasm/package.json').replace('package.json', 'dist/'));
await tf.setBackend('wasm');
await tf.ready();

// The filter gradient is a convolution of the input by the output's gradient in which batch and
// channels are exchanged. So XNNPACK computes it.
tf.registerKernel({
  kernelName: 'Conv2DBackpropFilter',
  backendName: 'wasm',
  kernelFunc: ({ inputs: { x, dy }, attrs: { strides, pad, filterShape } }) =>
    tf.tidy(() => {
      const { padInfo } = tf.backend_util.computeConv2DInfo(x.shape, filterShape, strides, 1, pad);
      const [input, grad] = [x, dy].map((t) => tf.engine().makeTensorFromTensorInfo(t));
      const padded = tf.pad(input, [
        [0, 0],
        [padInfo.top, padInfo.bottom],
        [padInfo.left, padInfo.right],
        [0, 0],
      ]);
      const full = tf.conv2d(
        tf.transpose(padded, [3, 1, 2, 0]),
        tf.transpose(grad, [1, 2, 0, 3]),
        1,
        'valid',
        'NHWC',
        strides,
      );
      const [kernelHeight, kernelWidth, inChannels, outChannels] = filterShape;
      return tf.transpose(
        tf.slice(full, [0, 0, 0, 0], [inChannels, kernelHeight, kernelWidth, outChannels]),
        [1, 2, 0, 3],
      );
    }),
});

const about = {
  peer: 'TensorFlow.js wasm',
  version: tf.version.tfjs,
  workload,
  threads: wasm.getThreadsCount(),
  mode: 'eager',
};
const makeStep = makeSteps(tf, workload, loadData(workload));
print(await measure(about, makeStep(0.5), () => makeStep(0)));
process.exit(0);
