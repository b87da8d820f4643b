/** detectAnomaly: which operation and module it names, forward, backward and in updates. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { DeviceBuffer } from '../../src/device/device.js';
import { ReferenceDevice } from '../../src/device/reference/index.js';
import {
  Adam,
  AnomalyError,
  compile,
  customGrad,
  DeviceError,
  defaultDevice,
  device,
  Linear,
  Module,
  ModuleList,
  ReLU,
  Sequential,
  SGD,
  setDefaultDevice,
  type Tensor,
  tensor,
} from '../../src/index.js';
import { detectAnomaly } from '../../src/train/index.js';

const test = suite('train/anomaly');
const home = defaultDevice();
test.after.each(() => setDefaultDevice(home));

class Log extends Module {
  forward(x: Tensor): Tensor {
    return x.log();
  }
}
class Root extends Module {
  forward(x: Tensor): Tensor {
    return x.sqrt();
  }
}
class Net extends Module {
  first = new Linear(2, 2);
  layers: ModuleList<Module & { forward(x: Tensor): Tensor }>;
  constructor(...layers: (Module & { forward(x: Tensor): Tensor })[]) {
    super();
    this.layers = new ModuleList(layers);
  }
  forward(x: Tensor): Tensor {
    let h = this.first.forward(x);
    for (const layer of this.layers) h = layer.forward(h);
    return h;
  }
}
/** A net whose first layer leaves its input. */
function net(...layers: (Module & { forward(x: Tensor): Tensor })[]): Net {
  const made = new Net(...layers);
  made.first.loadStateDict({
    weight: tensor([
      [1, 0],
      [0, 1],
    ]),
    bias: tensor([0, 0]),
  });
  return made;
}

async function found(run: () => unknown, options: { model?: Module; infinity?: boolean } = {}): Promise<AnomalyError> {
  try {
    await detectAnomaly(run, options);
  } catch (error) {
    assert.instance(error, AnomalyError, `got ${error}`);
    return error as AnomalyError;
  }
  throw new Error('nothing was found');
}

test('forward: the operation that makes the value, and the module that calls it', async () => {
  const model = net(new ReLU(), new Sequential(new Log(), new ReLU()));
  const error = await found(() => model.forward(tensor([[4, -2]])).exp(), { model });
  assert.equal(error.anomaly, {
    value: '-Infinity',
    pass: 'forward',
    operation: 'log',
    module: 'layers.1.0',
    given: false,
  });
  assert.is(
    error.message,
    "detectAnomaly: every value must be finite; got -Infinity in log's result [1,2] at [0,1], " +
      'in layers.1.0 Log; what log got was finite',
  );
});

test('the stack of the error shows the line that called the operation', async () => {
  const broken = (): Tensor => tensor([-1]).log();
  const error = await found(broken);
  assert.match(error.stack ?? '', /broken/);
  assert.equal(error.anomaly, { value: 'NaN', pass: 'forward', operation: 'log', module: null, given: false });
});

test('operations outside of the modules, and of the model itself', async () => {
  const model = net(new ReLU());
  const outside = await found(
    () =>
      model
        .forward(tensor([[1, 2]]))
        .sub(5)
        .sqrt(),
    { model },
  );
  assert.match(outside.message, /got NaN in sqrt's result \[1,2\] at \[0,0\], outside of the modules; what/);
  assert.is(outside.anomaly.module, null);
  class Own extends Module {
    inner = new ReLU();
    forward(x: Tensor): Tensor {
      return this.inner.forward(x).log();
    }
  }
  const own = new Own();
  const inside = await found(() => own.forward(tensor([0])), { model: own });
  assert.match(inside.message, /in log's result \[1\] at \[0\], in Own;/);
  assert.is(inside.anomaly.module, '');
});

test('backward: the operation whose gradient rule makes the value, and where it was called', async () => {
  const model = net(new ReLU(), new Root());
  // √x has an infinite slope at 0, which the ReLU before it reaches.
  const error = await found(
    () => {
      model
        .forward(tensor([[4, -2]]))
        .sum()
        .backward();
    },
    { model },
  );
  assert.equal(error.anomaly, {
    value: 'Infinity',
    pass: 'backward',
    operation: 'sqrt',
    module: 'layers.1',
    given: false,
  });
  assert.is(
    error.message,
    "detectAnomaly: every value must be finite; got Infinity in sqrt's gradient of input 0 [1,2] at [0,1], " +
      'in layers.1 Root; what sqrt got was finite',
  );
});

test('backward: a bad gradient that was given, a hook, customGrad, and a graph made before', async () => {
  const x = tensor([1, 2], { requiresGrad: true });
  const given = await found(() => x.mul(2).backward(tensor([1, Number.NaN])));
  assert.ok(given.anomaly.given);
  assert.match(given.message, /got NaN in the gradient of mul's result \[2\] at \[1\]; it was there before/);
  const hooked = await found(() => {
    const y = x.mul(2);
    y.registerHook((g) => g.div(0));
    y.sum().backward();
  });
  assert.match(hooked.message, /got Infinity in the gradient that a hook of mul's result returned \[2\] at \[0\]/);
  const custom = customGrad(
    ([t]) => t,
    (g) => g.mul(0).div(0),
  );
  const ruled = await found(() => custom(x).sum().backward());
  assert.match(ruled.message, /got NaN in customGrad's gradient of input 1 \[2\] at \[0\]/);
  const before = x.sub(1).sqrt().sum();
  const model = net();
  const old = await found(() => before.backward(), { model });
  assert.match(old.message, /got Infinity in sqrt's gradient of input 0 \[2\] at \[0\]; what sqrt got/);
});

test('a value that was there before is not blamed on the operation that gets it', async () => {
  const model = net(new ReLU());
  const data = await found(() => model.forward(tensor([[1, Number.NaN]])), { model });
  assert.equal(data.anomaly, { value: 'NaN', pass: 'forward', operation: 'matmul', module: 'first', given: true });
  assert.match(data.message, /got NaN in matmul's input 0 \[1,2\] at \[0,1\], in first Linear; it was there before/);
  model.first.loadStateDict({ bias: tensor([0, Number.POSITIVE_INFINITY]) }, { strict: false });
  const bias = await found(() => model.forward(tensor([[1, 2]])), { model });
  assert.match(bias.message, /got Infinity in add's input 1 \[2\] at \[1\] \(first.bias\), in first Linear/);
});

test('updates: an optimizer that makes the value, and one that gets it', async () => {
  const model = net();
  const adam = new Adam(model.parameters(), { lr: 3e38 });
  const twos = tensor([
    [-2e38, 0],
    [0, 0],
  ]);
  model.first.loadStateDict({ weight: twos }, { strict: false });
  model.first.weight.grad = twos.onesLike();
  const error = await found(
    () => {
      // The weight's array is looked at, as the result of a view, before it changes.
      model.first.weight.reshape([4]);
      adam.step();
    },
    { model },
  );
  assert.equal([error.anomaly.pass, error.anomaly.module], ['update', null]);
  assert.match(error.message, /got -Infinity in a tensor that adam wrote \[2,2\] at \[0,0\] \(first.weight\); what/);

  const other = net();
  const sgd = new SGD(other.parameters());
  other.first.weight.grad = tensor([
    [1, 0],
    [Number.NaN, 0],
  ]);
  const got = await found(() => sgd.step(), { model: other });
  assert.match(got.message, /got NaN in mul's input 0 \[2,2\] at \[1,0\] \(the gradient of first.weight\)/);
});

test('infinities count unless they are switched off, and whole numbers do not', async () => {
  const run = (): Tensor => tensor([0, 1]).log();
  assert.is((await found(run)).anomaly.value, '-Infinity');
  assert.is((await detectAnomaly(run, { infinity: false })).size, 2);
  assert.is((await found(() => run().sub(run()), { infinity: false })).anomaly.value, 'NaN');
  assert.is((await detectAnomaly(() => tensor([1, 2], { dtype: 'int32' }).add(1))).size, 2);
});

test('without an anomaly it gives the result, and nothing stays behind', async () => {
  const model = net(new ReLU());
  const x = tensor([[1, 2]]);
  const y = await detectAnomaly(() => model.forward(x), { model });
  assert.equal([...y.dataSync()], [1, 2]);
  const own = model.namedModules().filter(([, module]) => Object.hasOwn(module, 'forward'));
  assert.equal(own, []);
  x.log().neg().log();
});

test('nothing stays behind after an error either, and that error comes through', async () => {
  const model = net(new ReLU());
  const own = model.layers.at(0);
  const patched = (t: Tensor): Tensor => t.neg();
  own.forward = patched;
  for (const run of [
    () => {
      throw new TypeError('mine');
    },
    async () => {
      await Promise.resolve();
      throw new TypeError('mine');
    },
  ])
    try {
      await detectAnomaly(run, { model });
      assert.unreachable();
    } catch (error) {
      assert.instance(error, TypeError);
    }
  await found(() => model.forward(tensor([[1, Number.NaN]])), { model });
  assert.is(own.forward, patched);
  assert.equal(
    model.namedModules().flatMap(([name, module]) => (Object.hasOwn(module, 'forward') ? [name] : [])),
    ['layers.0'],
  );
});

test('an asynchronous function is watched until it ends', async () => {
  const model = net(new ReLU(), new Log());
  const error = await found(
    async () => {
      const y = model.forward(tensor([[1, 2]]));
      await y.data();
      await new Promise((done) => setTimeout(done, 1));
      return model
        .forward(tensor([[1, -2]]))
        .sum()
        .item();
    },
    { model },
  );
  assert.is(error.anomaly.module, 'layers.1');
  assert.is(await detectAnomaly(async () => (await tensor([1]).add(1).data())[0]), 2);
});

test('an anomaly that the program catches is reported at the end', async () => {
  const error = await found(() => {
    try {
      tensor([0]).log();
    } catch {
      return 1;
    }
  });
  assert.is(error.anomaly.operation, 'log');
});

test('on a device that cannot be read at once, the first anomaly is found in the end', async () => {
  class Slow extends ReferenceDevice {
    override readSync(_buffer: DeviceBuffer): never {
      throw new DeviceError('slow', 'this mode cannot be read at once', 'a test');
    }
    override async read(buffer: DeviceBuffer) {
      const data = super.readSync(buffer).slice() as Float32Array<ArrayBuffer>;
      // Later reads end earlier.
      await new Promise((done) => setTimeout(done, 20 / (1 + data.length)));
      return data;
    }
  }
  setDefaultDevice(new Slow());
  const model = net(new ReLU(), new Root());
  let ended = false;
  const error = await found(
    () => {
      const y = model.forward(tensor([[4, -2]]));
      y.sum().backward();
      y.sub(5).log();
      ended = true;
      throw new Error('because of NaN');
    },
    { model },
  );
  assert.ok(ended);
  assert.equal(error.anomaly, {
    value: 'Infinity',
    pass: 'backward',
    operation: 'sqrt',
    module: 'layers.1',
    given: false,
  });
  const given = await found(() => model.forward(tensor([[1, Number.NaN]])), { model });
  assert.match(given.message, /got NaN in matmul's input 0 \[1,2\] at \[0,1\], in first Linear/);
  assert.is(await detectAnomaly(() => 3, { model }), 3);
});

test('a compiled step runs as usual in it, and is compiled again afterwards', async () => {
  const wasm = await device('wasm', { threads: 1 });
  setDefaultDevice(wasm);
  const model = net(new ReLU(), new Log());
  const sgd = new SGD(model.parameters(), { lr: 1e-3 });
  const step = compile((x: Tensor) => {
    sgd.zeroGrad();
    const loss = model.forward(x).sum();
    loss.backward();
    sgd.step();
    return loss;
  });
  const good = tensor([[1, 2]]);
  for (let i = 0; i < 3; i++) step(good);
  assert.is(step.mode, 'compiled');
  await detectAnomaly(() => step(good), { model });
  assert.is(step.mode, 'eager');
  assert.is(step.reason, 'detectAnomaly looks at its operations');
  step(good);
  assert.is(step.mode, 'compiled');
  const error = await found(() => step(tensor([[1, -2]])), { model });
  assert.equal([error.anomaly.operation, error.anomaly.module], ['log', 'layers.1']);
  setDefaultDevice(home);
  await wasm.close();
});

test('mistakes are errors that say so', async () => {
  const says = async (run: () => Promise<unknown>, message: string): Promise<void> => {
    try {
      await run();
      assert.unreachable(message);
    } catch (error) {
      assert.is((error as Error).message, message);
    }
  };
  await says(() => detectAnomaly(1 as never), 'detectAnomaly: fn must be a function; got fn=1');
  await says(() => detectAnomaly(() => 1, { model: 1 as never }), 'detectAnomaly: model must be a module; got model=1');
  await says(
    () => detectAnomaly(() => 1, { modle: 1 } as never),
    'detectAnomaly: options are model, infinity; got modle=1; did you mean model?',
  );
  await says(
    () => detectAnomaly(() => detectAnomaly(() => 1)),
    'detectAnomaly: there can be one at a time; got a call inside of another, or of a compiled step',
  );
  assert.is(await detectAnomaly(() => 1), 1);
});

test.run();
