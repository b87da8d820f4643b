/**
 * The script of a page that runs the checks of test/helpers when gpu.mjs calls for them. It is
 * bundled with the built package.
 */
import { Adam, device, Linear, manualSeed, mse, tensor } from 'cedargrad';
import { checks } from '../helpers/conformance.ts';
import { goldenChecks, launchCheck, mostLaunches } from '../helpers/golden.ts';

/**
 * Runs the golden steps on a device by name, and with `every` one in so many of the other checks
 * too. Returns the name of each check with its problem, which is null if it passed, and the text of
 * the device.
 */
globalThis.conform = async ({ name, golden, steps, every }) => {
  const tested = await device(name);
  const reference = await device('reference');
  const results = [];
  for (const { name: title, run } of [
    ...(every ? [...checks.filter((_, i) => i % every === 0), launchCheck(mostLaunches[name])] : []),
    ...goldenChecks(golden, steps),
  ])
    results.push({
      name: title,
      problem: await run(tested, reference).then(
        () => null,
        (error) => error.stack,
      ),
    });
  const text = String(tested);
  await tested.close();
  return { text, results };
};
// Records every canvas context, so that `lose` can lose the contexts of the devices. This must run
// before any device is made.
const contexts = [];
const { getContext } = HTMLCanvasElement.prototype;
HTMLCanvasElement.prototype.getContext = function (...args) {
  const context = getContext.apply(this, args);
  contexts.push(context);
  return context;
};

/**
 * Trains a step on WebGL2, loses the context, recovers, and trains on. `said` has the name of each
 * error and each value of `alive` meanwhile, in order. `losses` are those of this run, and
 * `undisturbed` those of a run that lost no context.
 */
globalThis.lose = async () => {
  const on = await device('webgl2');
  const run = async (disturb) => {
    const data = () => ({
      x: tensor(
        [
          [1, 2],
          [3, -1],
          [0, 4],
        ],
        { device: on },
      ),
      y: tensor([[1], [0], [-1]], { device: on }),
    });
    manualSeed(1);
    const model = new Linear(2, 1).to(on);
    const optimizer = new Adam(model.parameters(), { lr: 0.1 });
    let { x, y } = data();
    const losses = [];
    for (let step = 0; step < 4; step++) {
      if (step === 1 && disturb !== undefined) {
        await disturb(model, optimizer, x);
        ({ x, y } = data());
      }
      optimizer.zeroGrad();
      const loss = mse(model.forward(x), y);
      loss.backward();
      optimizer.step();
      losses.push(await loss.item());
    }
    return losses;
  };
  const said = [];
  const undisturbed = await run();
  const losses = await run(async (model, optimizer, x) => {
    const host = await device('reference');
    const copy = async (tensors) =>
      Object.fromEntries(
        await Promise.all(
          Object.entries(tensors).map(async ([name, t]) => [
            name,
            tensor(await t.data(), { shape: t.shape, device: host }),
          ]),
        ),
      );
    const state = optimizer.stateDict();
    const saved = { model: await copy(model.stateDict()), groups: state.groups, state: {} };
    for (const [n, { step, tensors }] of Object.entries(state.state))
      saved.state[n] = { step, tensors: await copy(tensors) };
    const pending = x.mul(2);
    for (const context of contexts) context?.getExtension('WEBGL_lose_context')?.loseContext();
    const tell = (error) => said.push(error.name);
    await pending.data().catch(tell);
    await Promise.resolve()
      .then(() => x.add(1))
      .catch(tell);
    said.push(on.alive);
    await on.recover();
    said.push(on.alive);
    await x.data().catch(tell);
    model.loadStateDict(saved.model);
    optimizer.loadStateDict(saved);
  });
  await on.close();
  return { said, losses, undisturbed };
};
globalThis.loaded = true;
