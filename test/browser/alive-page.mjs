/**
 * The functions that page.mjs runs for alive.mjs. One trains on the main thread of a page, and one
 * makes tensors that are dropped. `api` is the package. The loops await nothing but losses.
 */

/**
 * Returns the training steps of two models of bench/. `w1` is the miniature CEDN, `w3` is a
 * convolutional autoencoder.
 */
function steps(api) {
  const { Adam, bceWithLogits, Conv2d, ConvTranspose2d, MaxPool2d, MaxUnpool2d, mse, randn, relu, zeros } = api;
  const same = { padding: 'same' };
  const trains = (layers, forward, x, y, loss) => {
    const optimizer = new Adam(layers.flatMap((layer) => [...layer.parameters()]));
    return () => {
      optimizer.zeroGrad();
      const l = loss(forward(x), y);
      l.backward();
      optimizer.step();
      return l;
    };
  };
  const pool = new MaxPool2d(2);
  const unpool = new MaxUnpool2d();
  const cedn = [
    new Conv2d(3, 16, 3, same),
    new Conv2d(16, 32, 3, same),
    new ConvTranspose2d(32, 16, 3, same),
    new ConvTranspose2d(16, 1, 3, same),
  ];
  const unpooling = (x) => {
    const [h1, where1] = pool.forward(relu(cedn[0].forward(x)));
    const [h2, where2] = pool.forward(relu(cedn[1].forward(h1)));
    return cedn[3].forward(unpool.forward(relu(cedn[2].forward(unpool.forward(h2, where2))), where1));
  };
  const strided = { stride: 2, padding: 1, outputPadding: 1 };
  const autoencoder = [
    new Conv2d(1, 16, 3, { padding: 1 }),
    new Conv2d(16, 32, 3, { padding: 1 }),
    new ConvTranspose2d(32, 16, 3, strided),
    new ConvTranspose2d(16, 1, 3, strided),
  ];
  const squeezing = (x) => {
    const h = pool.forward(relu(autoencoder[1].forward(pool.forward(relu(autoencoder[0].forward(x)))[0])))[0];
    return autoencoder[3].forward(relu(autoencoder[2].forward(h))).sigmoid();
  };
  const images = randn([64, 28, 28, 1]);
  return {
    w1: trains(cedn, unpooling, randn([12, 20, 20, 3]), zeros([12, 20, 20, 1]), bceWithLogits),
    w3: trains(autoencoder, squeezing, images, images, mse),
  };
}

/**
 * Trains for `ms` milliseconds. Returns the number of steps and of animation frames, and in
 * milliseconds the longest step and the longest time between two frames.
 */
export async function framesWhileTraining(api, { name, threads, ms }) {
  const before = api.defaultDevice();
  const on = await api.device('wasm', { threads });
  api.setDefaultDevice(on);
  const step = steps(api)[name];
  // The first steps compile kernels, so they are slow and are not measured.
  for (let i = 0; i < 20; i++) await step().item();
  let frames = 0;
  let last = performance.now();
  let gap = 0;
  let going = true;
  const frame = (now) => {
    frames++;
    gap = Math.max(gap, now - last);
    last = now;
    if (going) requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
  let count = 0;
  let longestStep = 0;
  const start = performance.now();
  for (let now = start; now - start < ms; count++) {
    // The loss is awaited only after the clock is read, so that the time of a step does not contain
    // turns of the event loop.
    const loss = step();
    loss.itemSync();
    longestStep = Math.max(longestStep, performance.now() - now);
    await loss.item();
    now = performance.now();
  }
  going = false;
  gap = Math.max(gap, performance.now() - last);
  api.setDefaultDevice(before);
  await on.close();
  return { frames, steps: count, gap, longestStep };
}

/**
 * Makes `count` tensors of `bytes` bytes, and drops each without releasing it. Returns the largest
 * number of bytes that the device held.
 */
export async function dropping(api, { bytes, count }) {
  const on = await api.device('wasm', { threads: 1 });
  const host = new Float32Array(bytes / 4);
  let most = 0;
  for (let i = 0; i < count; i++) {
    await api.tensor(host, { device: on }).slice([0, 10]).sum().item();
    most = Math.max(most, on.memory().bytes);
  }
  await on.close();
  return most;
}
