/**
 * checkpoint under compile: the results are bit for bit those of the plain step without checkpoint,
 * its function runs at every call, and the memory that it saves is saved in recordings, too. Each
 * case runs a step on the wasm device, plainly and compiled.
 * Not here: checkpoint without compile (checkpoint.ts).
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  Adam,
  BatchNorm2d,
  type CompiledStep,
  Conv2d,
  checkpoint,
  compile,
  type Device,
  Dropout,
  defaultDevice,
  device,
  dropout,
  MaxPool2d,
  MaxUnpool2d,
  Module,
  manualSeed,
  noGrad,
  ReLU,
  randn,
  relu,
  Sequential,
  setDefaultDevice,
  type Tensor,
} from '../../src/index.js';

const test = suite('compile/checkpoint');
const home = defaultDevice();
let wasm: Device;
test.before(async () => {
  wasm = await device('wasm', { threads: 2 });
});
test.before.each(() => setDefaultDevice(wasm));
test.after(async () => {
  setDefaultDevice(home);
  await wasm?.close();
});

type Wrap = (fn: (x: Tensor) => Tensor, x: Tensor) => Tensor;
const plain: Wrap = (fn, x) => fn(x);
type Forward = (x: Tensor, call: number, wrap: Wrap) => Tensor;
type Compiled = CompiledStep<readonly [Tensor, number], Tensor>;

const bits = (t: Tensor): string => [...new Uint8Array(t.dataSync().buffer)].join();

/** A convolutional net with dropout, running statistics, and unpooling by the encoder's indices. */
class Net extends Module {
  conv1 = new Conv2d(1, 4, 3, { padding: 1 });
  norm = new BatchNorm2d(4);
  conv2 = new Conv2d(4, 4, 3, { padding: 1 });
  conv3 = new Conv2d(4, 1, 3, { padding: 1 });
  drop = new Dropout(0.3);
  pool = new MaxPool2d(2);
  unpool = new MaxUnpool2d();

  forward(x: Tensor, wrap: Wrap, around: Wrap = plain): Tensor {
    const h = wrap((a) => relu(this.norm.forward(this.conv1.forward(a))), x);
    const [p, indices] = this.pool.forward(h);
    const d = around((a) => wrap((b) => this.drop.forward(relu(this.conv2.forward(b))), a.mul(2)).tanh(), p);
    return wrap((a) => this.conv3.forward(this.unpool.forward(a, indices)).tanh(), d);
  }
}

/** Ten losses, and the parameters and buffers after them. */
function train(forward: (model: Net) => Forward, wrap: Wrap, isCompiled: boolean): { log: string[]; modes: string[] } {
  manualSeed(4);
  const model = new Net();
  const optimizer = new Adam(model.parameters(), { lr: 0.01 });
  const run = forward(model);
  const step = (x: Tensor, call: number): Tensor => {
    optimizer.zeroGrad();
    const y = run(x, call, wrap);
    const loss = y.mul(y).mean();
    loss.backward();
    optimizer.step();
    return loss;
  };
  const compiled: Compiled | null = isCompiled ? compile(step) : null;
  const log: string[] = [];
  const modes: string[] = [];
  for (let call = 0; call < 10; call++) {
    log.push(bits((compiled ?? step)(randn([2, 8, 8, 1]), call)));
    if (compiled !== null) modes.push(`${compiled.mode}${compiled.reason === '' ? '' : ` ${compiled.reason}`}`);
  }
  compiled?.dispose();
  return { log: [...log, ...[...model.parameters(), ...model.buffers()].map(bits), bits(randn([2]))], modes };
}

/** Checks that all runs give the same bits. Returns the modes of the compiled calls. */
function sameBits(forward: (model: Net) => Forward): string[] {
  const want = train(forward, plain, false).log;
  assert.equal(train(forward, checkpoint, false).log, want);
  assert.equal(train(forward, plain, true).log, want);
  const { log, modes } = train(forward, checkpoint, true);
  assert.equal(log, want);
  return modes;
}
const replayed = (modes: string[]): void =>
  assert.equal(modes, ['eager', 'recorded', ...new Array(8).fill('compiled')]);

test('it is part of the recording, with random numbers and running statistics', () => {
  replayed(sameBits((model) => (x, _, wrap) => model.forward(x, wrap)));
});

test('nested ones are part of the recording', () => {
  replayed(sameBits((model) => (x, _, wrap) => model.forward(x, wrap, wrap)));
  replayed(sameBits((model) => (x, _, wrap) => wrap((a) => model.forward(a, wrap, wrap), x)));
});

test('its function runs twice at every call', () => {
  let runs = 0;
  const step = compile((x: Tensor) => {
    const w = x.detach();
    w.requiresGrad = true;
    checkpoint((a) => {
      runs++;
      return a.tanh().exp();
    }, w)
      .sum()
      .backward();
    return w.grad as Tensor;
  });
  for (let i = 0; i < 5; i++) step(randn([3]));
  assert.is(runs, 10);
  assert.is(step.mode, 'compiled');
});

test('a call that does something else leaves the recording, wherever that is', () => {
  const extra = (a: Tensor, isOn: boolean): Tensor => (isOn ? a.sigmoid() : a);
  const places: readonly ((model: Net) => Forward)[] = [
    (model) => (x, call, wrap) => extra(model.forward(x, wrap), call === 5),
    (model) => (x, call, wrap) => wrap((a) => extra(model.forward(a, wrap).tanh(), call === 5).exp(), x),
    (model) => (x, call, wrap) => wrap((a) => model.forward(extra(a, call === 5), wrap).exp(), x),
    // A read runs what has matched so far.
    (model) => (x, call, wrap) => {
      const y = model.forward(x, wrap);
      if (call === 5) y.dataSync();
      return y;
    },
    // A hook that leaves it after functions have run again.
    (model) => (x, call, wrap) => {
      const h = x.mul(model.conv3.bias?.reshape([]) as Tensor).tanh();
      h.registerHook((g) => extra(g, call === 5));
      return model.forward(h, wrap, wrap);
    },
    // Other random numbers.
    (model) => (x, call, wrap) =>
      wrap((a) => dropout(model.forward(a, wrap).tanh(), { rate: call === 5 ? 0.2 : 0.4 }).exp(), x),
  ];
  places.forEach((place, i) => {
    const modes = sameBits(place);
    assert.is(modes[4], 'compiled', `place ${i}`);
    assert.is(modes.at(-1)?.split(' ')[0], 'compiled', `place ${i}: ${modes.join('; ')}`);
  });
});

test('a tensor that is released in the recording and kept in a later call keeps its values', () => {
  const w = randn([64], { requiresGrad: true }).keep();
  const run = (step: (x: Tensor, call: number) => Tensor): string[] => {
    manualSeed(8);
    kept = [];
    const out = Array.from({ length: 6 }, (_, call) => bits(step(randn([64]), call)));
    // What is allocated now may take memory that is free.
    for (let i = 0; i < 20; i++) randn([64]);
    return [...out, ...kept.map(bits)];
  };
  let kept: Tensor[] = [];
  const step = (x: Tensor, call: number): Tensor => {
    w.clearGrad();
    const h = x.mul(w).exp();
    const early = h.detach().mul(2);
    if (call < 4) early.release();
    else kept.push(early.keep());
    // These take the memory of a released tensor.
    const loss = h.tanh().exp().sigmoid().exp().sum();
    loss.backward();
    return w.grad as Tensor;
  };
  const compiled = compile(step);
  assert.equal(run(compiled), run(step));
  assert.is(kept.length, 2);
});

test('a step throws in its function, and later calls are right', () => {
  let fail = false;
  const make = () => {
    manualSeed(2);
    const w = randn([4], { requiresGrad: true }).keep();
    return (x: Tensor): Tensor => {
      w.clearGrad();
      checkpoint((a) => {
        const h = a.mul(w).tanh();
        if (fail) throw new Error('failed');
        return h.exp();
      }, x)
        .sum()
        .backward();
      const result = w.grad as Tensor;
      noGrad(() => w.assign(w.sub(result.mul(0.1))));
      return result;
    };
  };
  const run = (step: (x: Tensor) => Tensor): string[] =>
    Array.from({ length: 6 }, (_, call) => {
      fail = call === 4;
      const x = randn([4]);
      if (!fail) return bits(step(x));
      assert.throws(() => step(x), /failed/);
      return '';
    });
  assert.equal(run(compile(make())), run(make()));
});

test('a step with two backward passes and operations after them is replayed', () => {
  const make = (wrap: Wrap) => {
    manualSeed(5);
    const w = randn([8], { requiresGrad: true }).keep();
    return (x: Tensor): Tensor => {
      w.clearGrad();
      for (const factor of [1, 2])
        wrap((a) => a.mul(w).tanh().exp().mul(factor), x)
          .tanh()
          .sum()
          .backward();
      const g = w.grad as Tensor;
      noGrad(() => w.assign(w.sub(g.mul(g).add(1).sqrt().mul(0.1))));
      return g.mul(2).tanh();
    };
  };
  const run = (step: (x: Tensor) => Tensor): string[] => Array.from({ length: 6 }, () => bits(step(randn([8]))));
  const want = run(make(plain));
  for (const wrap of [plain, checkpoint]) {
    const compiled = compile(make(wrap));
    assert.equal(run(compiled), want);
    assert.is(compiled.mode, 'compiled', compiled.reason);
  }
});

/** The bytes that a device has taken for a compiled step of a deep network, beside its tensors. */
async function taken(wrap: Wrap): Promise<number> {
  const on = await device('wasm', { threads: 1 });
  setDefaultDevice(on);
  const block = (from: number): Sequential =>
    new Sequential(new Conv2d(from, 8, 3, { padding: 1 }), new ReLU(), new Conv2d(8, 8, 3, { padding: 1 }), new ReLU());
  const blocks = Array.from({ length: 8 }, (_, i) => block(i === 0 ? 1 : 8));
  const x = randn([2, 64, 64, 1]);
  const step = compile((images: Tensor) => {
    for (const one of blocks) one.zeroGrad();
    let h = images;
    for (const one of blocks) h = wrap((a) => one.forward(a), h);
    const loss = h.mean();
    loss.backward();
    return loss;
  });
  for (let i = 0; i < 4; i++) step(x);
  assert.is(step.mode, 'compiled', step.reason);
  step.dispose();
  const { pooled } = on.memory();
  await on.close();
  return pooled;
}

test('a recording takes less memory with it', async () => {
  // 2·64·64·8 numbers of 4 bytes. A block makes four such arrays.
  const array = 262144;
  const [without, withIt] = [await taken(plain), await taken(checkpoint)];
  assert.ok(without > 32 * array, `${without / array} arrays`);
  assert.ok(withIt < 24 * array, `${withIt / array} arrays`);
});

test.run();
