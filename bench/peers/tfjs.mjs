/**
 * The workloads on TensorFlow.js's wasm backend; prints one JSON line. usage: tfjs.mjs WORKLOAD
 * It has no threads in Node. What the library lacks is added here: the wasm backend's filter gradient, and max-unpooling with a gradient.
 */
import { createRequire } from 'node:module';

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

// The filter gradient is a convolution of the input by the output's gradient, batch and channels trading places: so XNNPACK computes it.
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
      const full = tf.conv2d(tf.transpose(padded, [3, 1, 2, 0]), tf.transpose(grad, [1, 2, 0, 3]), 1, 'valid', 'NHWC', strides);
      const [kernelHeight, kernelWidth, inChannels, outChannels] = filterShape;
      return tf.transpose(tf.slice(full, [0, 0, 0, 0], [inChannels, kernelHeight, kernelWidth, outChannels]), [1, 2, 0, 3]);
    }),
});

const tieBreaks = new Map();
/** Numbers too small to change any other, largest first in each 2×2 window. */
function tieBreak(height, width) {
  const key = `${height}x${width}`;
  if (!tieBreaks.has(key)) {
    const data = Float32Array.from({ length: height * width }, (_, i) => (4 - 2 * (Math.floor(i / width) % 2) - (i % 2)) * 1e-30);
    tieBreaks.set(key, tf.keep(tf.tensor(data, [height, width, 1])));
  }
  return tieBreaks.get(key);
}

/**
 * tf.maxPoolWithArgmax has no gradient: values come from maxPool, indices from a second call. On wasm it finds no maximum in a window of zeros, or the last:
 * a tie-break makes it the first, as everywhere else.
 */
const pool = (x) => ({
  y: tf.maxPool(x, 2, 2, 'same'),
  where: tf.maxPoolWithArgmax(tf.add(x, tieBreak(x.shape[1], x.shape[2])), 2, 2, 'same', true).indexes,
});

/** A scatter whose gradient is a gather; tf.scatterND has none. */
function unpool(values, where, { size, shape }) {
  const flat = tf.reshape(where, [-1, 1]);
  return tf.customGrad((v, save) => {
    save([flat]);
    return {
      value: tf.reshape(tf.scatterND(flat, tf.reshape(v, [-1]), [size]), shape),
      gradFunc: (dy, [flat]) => tf.reshape(tf.gatherND(tf.reshape(dy, [-1]), flat), v.shape),
    };
  })(values);
}

let made = 0;
function makeStep(rate) {
  const { lr, arrays } = loadData(workload);
  const { x: xs, y: ys, ...weights } = arrays;
  made++;
  const p = Object.fromEntries(Object.entries(weights).map(([name, { data, shape }]) => [name, tf.variable(tf.tensor(data, shape), true, `${name}/${made}`)]));
  const parameters = Object.values(p);
  const x = tf.tensor(xs.data, xs.shape);
  const y = ys && tf.tensor(ys.data, ys.shape);
  const optimizer = tf.train.adam(lr, 0.9, 0.999, 1e-8);
  const [batch, height] = xs.shape;
  const conv = (h, name) => tf.relu(tf.add(tf.conv2d(h, p[`${name}.weight`], 1, 1), p[`${name}.bias`]));
  const deconv = (h, name, stride, size) =>
    tf.add(tf.conv2dTranspose(h, p[`${name}.weight`], [batch, size, size, p[`${name}.weight`].shape[2]], stride, 1), p[`${name}.bias`]);
  const autoencoder = () => {
    const h = tf.maxPool(conv(tf.maxPool(conv(x, 'conv1'), 2, 2, 'same'), 'conv2'), 2, 2, 'same');
    const z = deconv(tf.relu(deconv(h, 'deconv2', 2, 14)), 'deconv1', 2, 28);
    return tf.mean(tf.square(tf.sub(z, x)));
  };
  const encoderDecoder = () => {
    const a1 = conv(x, 'conv1');
    const p1 = pool(a1);
    const a2 = conv(p1.y, 'conv2');
    const p2 = pool(a2);
    const a3 = conv(p2.y, 'conv3');
    let d2 = tf.relu(deconv(unpool(a3, p2.where, a2), 'deconv2', 1, height / 2));
    if (rate > 0) d2 = tf.dropout(d2, rate);
    const z = deconv(unpool(d2, p1.where, a1), 'deconv1', 1, height);
    return tf.sum(tf.losses.sigmoidCrossEntropy(y, z, undefined, 0, tf.Reduction.NONE));
  };
  return async () => {
    const loss = optimizer.minimize(workload === 'w3' ? autoencoder : encoderDecoder, true, parameters);
    const [value] = await loss.data();
    loss.dispose();
    return value;
  };
}

const about = { peer: 'TensorFlow.js wasm', version: tf.version.tfjs, workload, threads: wasm.getThreadsCount(), mode: 'eager' };
print(await measure(about, makeStep(0.5), () => makeStep(0)));
process.exit(0);
