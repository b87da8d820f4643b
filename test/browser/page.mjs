// The page's script: what wasm.mjs, published.mjs and alive.mjs call from outside. The build under test lies beside it as cedargrad.js.

// Before any device is made: the memories of the devices, whose control blocks say how many workers have joined.
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

/**
 * Makes a device, trains on it as often as `modes` (compiled or not) says, and closes it. Waits first until its workers have joined;
 * with `atOnce` it trains until they have, in a loop that awaits nothing but losses, as a user's does.
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
globalThis.frames = (options) => framesWhileTraining(api, options);
globalThis.dropped = (options) => dropping(api, options);
globalThis.loaded = true;
