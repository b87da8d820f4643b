/**
 * The script of the page that trains. It defines the functions that wasm.mjs, published.mjs,
 * data.mjs, training-report.mjs and alive.mjs call from outside. The build under test lies beside
 * it as cedargrad.js.
 */

// Records every WebAssembly memory, because the control block in the memory of a device counts the
// workers that have joined. This must run before any device is made.
const memories = [];
WebAssembly.Memory = class extends WebAssembly.Memory {
  constructor(limits) {
    super(limits);
    memories.push(this);
  }
};

const api = await import('./cedargrad.js');
const { train } = await import('./train.mjs');
const { dropping, framesWhileTraining } = await import('./alive-page.mjs');
const { readImages } = await import('./data-page.mjs');

/**
 * Makes a device, trains on it once for each of `modes` (true is compiled), and closes it.
 * Before this it waits until the workers have joined. With `atOnce` it trains while it waits, in a
 * loop that awaits nothing but losses, as a user's program does. `ready` is the position of the
 * word that counts the workers that have joined.
 */
globalThis.trial = async ({ name = 'wasm', options = {}, modes = [false, true], atOnce = false, ready }) => {
  const on = await api.device(name, options);
  const workers = (on.threads ?? 1) - 1;
  const joined = () => (workers === 0 ? 0 : Atomics.load(new Int32Array(memories.at(-1).buffer), ready));
  for (let i = 0; i < 50 && joined() < workers; i++)
    if (atOnce) await train(api, on, false);
    else await new Promise((done) => setTimeout(done, 100));
  const result = { name: on.name, text: String(on), mode: on.mode, threads: on.threads, joined: joined(), runs: [] };
  for (const compiled of modes) result.runs.push(await train(api, on, compiled));
  await on.close();
  return { ...result, isolated: crossOriginIsolated, cores: navigator.hardwareConcurrency };
};
/**
 * Uses the functions for files and pictures, which only the build for pages exports beside the
 * core. Returns the results and the names of all exports.
 */
globalThis.files = async () => {
  const { decodePng, decodeSafetensors, encodePng, encodeSafetensors, Picture } = api;
  const data = Float32Array.of(1, -2, 0.5);
  const saved = encodeSafetensors({ weight: { dtype: 'float32', shape: [3], data } });
  const file = new File([saved], 'model.safetensors');
  const url = URL.createObjectURL(file);
  const restored = [];
  for (const bytes of [saved, await file.arrayBuffer(), await (await fetch(url)).arrayBuffer()])
    restored.push([...decodeSafetensors(bytes).tensors.weight.data]);
  URL.revokeObjectURL(url);
  const picture = new Picture(20, 10).text(1, 1, 'A').toPng();
  const drawn = await createImageBitmap(new Blob([picture], { type: 'image/png' }));
  const pixels = { width: 2, height: 1, channels: 1, data: Uint8Array.of(3, 250) };
  const random = new api.RandomState(1);
  const progress = new api.Progress(1);
  progress.update(1, { loss: 1 });
  progress.done();
  const refusals = [];
  for (const use of [() => api.writeFileAtomic('a', saved), () => api.loadDigits({ train: 1, test: 1 })])
    refusals.push(await use().then(() => 'accepted', String));
  return {
    exports: Object.keys(api),
    restored,
    drawn: [drawn.width, drawn.height],
    pixels: [...decodePng(encodePng(pixels)).data],
    batches: Array.from(api.batches(4, 2, random), (indices) => indices.length),
    refusals,
  };
};
/**
 * Takes a model through ONNX, PyTorch's names and numpy's arrays, as bytes and from an address, and
 * trains what was imported. Returns the largest differences and the losses.
 */
globalThis.models = async () => {
  api.manualSeed(1);
  const pool = new api.MaxPool2d(2);
  const layers = [new api.Conv2d(2, 3, 3, { padding: 1 }), new api.ReLU(), pool];
  const model = new api.Sequential(...layers, api.unpoolLike(pool), new api.ConvTranspose2d(3, 1, 3, { padding: 1 }));
  const x = api.randn([1, 5, 6, 2]);
  const wanted = api.noGrad(() => model.forward(x)).dataSync();
  const far = (y) => Math.max(...y.dataSync().map((v, i) => Math.abs(v - wanted[i])));
  const bytes = await api.exportOnnx(model, { input: [1, 2, 5, 6] });
  const url = URL.createObjectURL(new Blob([bytes]));
  const imported = await api.importOnnx(url, { layout: 'NHWC' });
  const onnx = far(api.noGrad(() => imported.forward(x)));
  const copy = model.clone();
  for (const p of copy.parameters()) api.noGrad(() => p.assign(p.mul(0)));
  await api.loadTorch(copy, await api.encodeTorch(model));
  const torch = far(api.noGrad(() => copy.forward(x)));
  const arrays = await api.decodeNpz(
    await api.encodeNpz({ wanted: { dtype: 'float32', shape: [wanted.length], data: wanted } }),
  );
  const optimizer = new api.SGD(imported.parameters(), { lr: 0.1 });
  const losses = [];
  for (let step = 0; step < 3; step++) {
    optimizer.zeroGrad();
    const loss = imported.forward(x).pow(2).mean();
    loss.backward();
    optimizer.step();
    losses.push(await loss.item());
  }
  URL.revokeObjectURL(url);
  return { onnx, torch, numpy: Math.max(...arrays.wanted.data.map((v, i) => Math.abs(v - wanted[i]))), losses };
};
/**
 * Writes the report of a small run into a frame. Returns what the frame then shows, and how a path
 * is refused.
 */
globalThis.reported = async () => {
  const pages = [];
  const callback = api.report({ write: (html) => void pages.push(html) }, { title: 'From a page' });
  const model = new api.Linear(8, 8);
  const optimizer = new api.SGD(model.parameters(), { lr: 0.1 });
  const history = [{ epoch: 1, step: 2, loss: 0.5, metrics: {}, lr: 0.1, seconds: 1 }];
  const predict = (x) => api.noGrad(() => model.forward(x));
  const run = { model, optimizer, epochs: 1, step: 0, history: [], warnings: [], data: [[api.ones([2, 8])]], predict };
  await callback.onTrainBegin(run);
  for (run.step = 1; run.step <= 2; run.step++) await callback.onStepEnd(run, 1 / run.step);
  Object.assign(run, { step: 2, history });
  await callback.onEpochEnd(run, history[0]);
  await callback.onTrainEnd(run);
  const frame = document.createElement('iframe');
  document.body.append(frame);
  await new Promise((done) => {
    frame.onload = done;
    frame.srcdoc = pages.at(-1);
  });
  const shown = frame.contentDocument;
  shown.querySelector('#chart-loss .scrub').dispatchEvent(new Event('input'));
  const values = shown.querySelector('#chart-loss .legend').textContent;
  let refusal;
  try {
    api.report('report.html');
  } catch (error) {
    refusal = String(error);
  }
  return { pages: pages.length, title: shown.title, values, refusal };
};
globalThis.images = (options) => readImages(api, options);
globalThis.frames = (options) => framesWhileTraining(api, options);
globalThis.dropped = (options) => dropping(api, options);
globalThis.loaded = true;
