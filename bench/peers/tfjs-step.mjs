/**
 * The workloads on TensorFlow.js, on any of its backends. Max-unpooling with a gradient, which the
 * library lacks, is added here.
 */

/** Makes training steps: `makeSteps(tf, workload, data)(rate)`. */
export function makeSteps(tf, workload, { lr, arrays }) {
  const tieBreaks = new Map();
  /** Numbers too small to change any other, largest first in each 2×2 window. */
  function tieBreak(height, width) {
    const key = `${height}x${width}`;
    if (!tieBreaks.has(key)) {
      const data = Float32Array.from(
        { length: height * width },
        (_, i) => (4 - 2 * (Math.floor(i / width) % 2) - (i % 2)) * 1e-30,
      );
      tieBreaks.set(key, tf.keep(tf.tensor(data, [height, width, 1])));
    }
    return tieBreaks.get(key);
  }

  /**
   * tf.maxPoolWithArgmax has no gradient. So values come from maxPool, and indices from a second
   * call. In a window of zeros, the wasm backend finds no maximum, or the last one. A tie-break
   * makes it the first, as on other backends.
   */
  const pool = (x) => ({
    y: tf.maxPool(x, 2, 2, 'same'),
    where: tf.maxPoolWithArgmax(tf.add(x, tieBreak(x.shape[1], x.shape[2])), 2, 2, 'same', true).indexes,
  });

  const placesOf = new Map();
  /** Every element's own flat index. */
  function places(shape) {
    const key = String(shape);
    if (!placesOf.has(key))
      placesOf.set(key, tf.keep(tf.tidy(() => tf.reshape(tf.range(0, tf.util.sizeFromShape(shape)), shape))));
    return placesOf.get(key);
  }

  /** A scatter, which has no gradient of its own; that is a gather. The faster form on wasm. */
  function scattered(values, where, { size, shape }) {
    const flat = tf.reshape(where, [-1, 1]);
    return tf.customGrad((v, save) => {
      save([flat]);
      return {
        value: tf.reshape(tf.scatterND(flat, tf.reshape(v, [-1]), [size]), shape),
        gradFunc: (dy, [flat]) => tf.reshape(tf.gatherND(tf.reshape(dy, [-1]), flat), v.shape),
      };
    })(values);
  }

  /**
   * WebGL's scatter does not accept the result of maxPoolWithArgmax, and it searches all indices
   * for every element. So each window repeats its value and keeps it where the index is the
   * element's own. The gradient is the window's sum there.
   */
  function repeated(values, where, { shape }) {
    const grow = (t) => tf.image.resizeNearestNeighbor(t, shape.slice(1, 3));
    const hit = tf.cast(tf.equal(grow(tf.cast(where, 'float32')), places(shape)), 'float32');
    return tf.customGrad((v, save) => {
      save([hit]);
      return {
        value: tf.mul(grow(v), hit),
        gradFunc: (dy, [hit]) => tf.mul(tf.avgPool(tf.mul(dy, hit), 2, 2, 'same'), 4),
      };
    })(values);
  }

  const unpool = tf.getBackend() === 'wasm' ? scattered : repeated;

  let made = 0;
  return (rate) => {
    const { x: xs, y: ys, ...weights } = arrays;
    made++;
    const p = Object.fromEntries(
      Object.entries(weights).map(([name, { data, shape }]) => [
        name,
        tf.variable(tf.tensor(data, shape), true, `${name}/${made}`),
      ]),
    );
    const parameters = Object.values(p);
    const x = tf.tensor(xs.data, xs.shape);
    const y = ys && tf.tensor(ys.data, ys.shape);
    // TensorFlow.js computes the bias correction 1 - beta^n in float32, which is wrong by 1e-5 at
    // first. At w1's learning rate of 1 this changes the third loss by 9e-4.
    const optimizer = tf.train.adam(lr, 0.9, 0.999, 1e-8);
    const [batch, height] = xs.shape;
    const conv = (h, name) => tf.relu(tf.add(tf.conv2d(h, p[`${name}.weight`], 1, 1), p[`${name}.bias`]));
    const deconv = (h, name, stride, size) =>
      tf.add(
        tf.conv2dTranspose(h, p[`${name}.weight`], [batch, size, size, p[`${name}.weight`].shape[2]], stride, 1),
        p[`${name}.bias`],
      );
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
  };
}
