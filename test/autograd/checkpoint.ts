/**
 * checkpoint and checkpointSequential: gradients, random numbers, buffers, memory, and what they
 * refuse. "The same" means the same bits as without checkpoint.
 * Not here: checkpoint under compile (compile-checkpoint.ts).
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  BatchNorm2d,
  Conv2d,
  checkpoint,
  checkpointSequential,
  customGrad,
  type Device,
  Dropout,
  defaultDevice,
  device,
  dropout,
  FastRandom,
  getRngState,
  grad,
  gradcheck,
  gradgradcheck,
  LeakyReLU,
  Linear,
  MaxPool2d,
  type Module,
  manualSeed,
  maxPool2d,
  maxUnpool2d,
  noGrad,
  RandomState,
  ReLU,
  rand,
  randn,
  relu,
  Sequential,
  SGD,
  setDefaultDevice,
  type Tensor,
  tensor,
} from '../../src/index.js';
import { peakOf } from '../helpers/observe.js';
import { inputsOf, opTable } from '../helpers/op-table.js';

const test = suite('autograd/checkpoint');
const home = defaultDevice();
let wasm: Device;
test.before(async () => {
  wasm = await device('wasm', { threads: 2 });
});
test.before.each(() => manualSeed(3));
test.after.each(() => setDefaultDevice(home));
test.after(() => wasm?.close());

type Wrap = typeof checkpoint;
const plain: Wrap = (fn: (...inputs: never[]) => unknown, ...inputs: unknown[]) => fn(...(inputs as never[])) as never;
const f64 = (values: number[]): Tensor => tensor(values, { dtype: 'float64', requiresGrad: true });
const bits = (t: Tensor | null): string => (t === null ? 'null' : [...new Uint8Array(t.dataSync().buffer)].join());

/** Checks that a computation gives the same with checkpoint and without, on two devices. */
function same(compute: (wrap: Wrap) => readonly (Tensor | null)[]): void {
  for (const on of [home, wasm]) {
    setDefaultDevice(on);
    const run = (wrap: Wrap): string[] => {
      manualSeed(3);
      return [...compute(wrap).map(bits), getRngState().key.join()];
    };
    const want = run(plain);
    assert.equal(run(checkpoint), want, String(on));
    assert.ok(want.length > 1 && want.every((text) => text !== 'null'));
  }
}
const gradients = (model: Module): (Tensor | null)[] => model.parameters().map((p) => p.grad);

test('gradients of both orders pass gradcheck', () => {
  const w = f64([0.3, -0.2]);
  const x = f64([0.4, -0.7]);
  const one = (t: Tensor): Tensor => checkpoint((a) => a.mul(w).tanh().exp().mul(a), t);
  const nested = (t: Tensor): Tensor =>
    checkpoint((a) => checkpoint((b) => b.exp().tanh(), a.mul(w).tanh().add(1)).mul(a), t);
  // Nothing saves the input of the inner one.
  const bare = (t: Tensor): Tensor => checkpoint((a) => checkpoint((b) => b.exp().tanh().exp(), a.mul(w).add(1)), t);
  for (const f of [one, nested, bare, (t: Tensor) => nested(one(t))]) {
    assert.ok(gradcheck(f, [x]));
    assert.ok(gradgradcheck(f, [x]));
  }
  // The gradient of what it uses and does not get.
  assert.ok(gradcheck((t) => checkpoint(() => t.tanh().exp().tanh(), x), [f64([0.1, 0.2])]));
});

test('values and gradients are the same, of inputs and of parameters that it uses', () => {
  same((wrap) => {
    const conv = new Conv2d(2, 3, 3, { padding: 1 });
    const x = randn([2, 6, 6, 2], { requiresGrad: true });
    const y = wrap((a: Tensor) => relu(conv.forward(a)).tanh(), x);
    // The parameters are used outside, too, so that their gradients are sums of several.
    const z = relu(conv.forward(y.slice(null, null, null, [0, 2]))).sum();
    z.backward();
    return [y, z, x.grad, ...gradients(conv)];
  });
});

test('every op of the op table can be computed again, also for second order', () => {
  const rows = opTable.filter((row) => row.differentiable);
  assert.ok(rows.length > 200);
  for (const row of rows) {
    const run = (wrap: Wrap): string[] => {
      manualSeed(3);
      const inputs = inputsOf(row, home, 'float64');
      const leaves = inputs.filter((t) => t.requiresGrad);
      const inside = (...given: Tensor[]): Tensor => {
        const y = row.fn(...given.map((t) => (t.requiresGrad ? t.mul(1) : t)));
        return y.mul(y);
      };
      const y = wrap(inside, ...inputs).sum();
      if (!row.secondOrder) return grad(y, leaves).map(bits);
      const first = grad(y, leaves, { createGraph: true });
      const total = first.reduce((sum, g) => sum.add(g.mul(g).sum()), y);
      return [...first, ...grad(total, leaves)].map(bits);
    };
    assert.equal(run(checkpoint), run(plain), row.name);
  }
});

test('it takes several inputs and gives arrays and objects, also with indices', () => {
  same((wrap) => {
    const x = randn([1, 4, 4, 2], { requiresGrad: true });
    const y = randn([1, 4, 4, 2], { requiresGrad: true });
    const { pooled, more } = wrap(
      (a, b) => {
        const h = a.exp().mul(b);
        const [values, indices] = maxPool2d(h.tanh(), { kernelSize: 2 });
        return { pooled: [values, indices] as const, more: [h.sigmoid().exp()] };
      },
      x,
      y,
    );
    const [values, indices] = pooled;
    const back = maxUnpool2d(values.mul(values), indices, { outputSize: [4, 4] });
    back
      .add(more[0] as Tensor)
      .sum()
      .backward();
    return [back, x.grad, y.grad];
  });
});

test('dropout draws the same mask again, and later draws go on as without checkpoint', () => {
  same((wrap) => {
    const own = new FastRandom(5);
    const layer = new Dropout(0.4, { random: new RandomState(9) });
    const x = rand([64], { requiresGrad: true });
    let h = x;
    for (let i = 0; i < 3; i++)
      h = wrap((a) => {
        const noise = randn([64], { random: own });
        return layer.forward(dropout(a.exp().mul(own.random()), { rate: 0.3 }).mul(noise).tanh());
      }, h);
    h.sum().backward();
    return [h, x.grad, rand([3]), randn([2], { random: own })];
  });
});

test('a generator without a state is refused, unless preserveRngState is false', () => {
  const random = new RandomState(1);
  const bare = {
    random: () => random.random(),
    rand: (n: number) => random.rand(n),
    randn: (n: number) => random.randn(n),
    uniform: (a: number, b: number, n: number) => random.uniform(a, b, n),
    randint: (a: number, b: number, n: number) => random.randint(a, b, n),
    permutation: (n: number) => random.permutation(n),
  };
  const x = f64([1, 2]);
  const draw = (a: Tensor): Tensor => dropout(a.exp(), { random: bare });
  assert.throws(
    () => checkpoint(draw, x),
    /^checkpoint: a generator must have getState and setState; got random=.*; draw from RandomState or FastRandom/,
  );
  assert.throws(() => checkpoint((a) => a.mul(rand([2], { random: bare, dtype: 'float64' })), x), /getState/);
  assert.is(checkpoint(draw, x, { preserveRngState: false }).size, 2);
});

test('with preserveRngState: false it draws on', () => {
  const x = f64(new Array(50).fill(1));
  const y = checkpoint((a) => dropout(a.exp()).exp(), x, { preserveRngState: false });
  const before = getRngState().position;
  y.sum().backward();
  assert.ok(getRngState().position > before);
});

test('running statistics are updated once, as without checkpoint', () => {
  same((wrap) => {
    const model = new Sequential(new Conv2d(1, 2, 3), new BatchNorm2d(2), new ReLU(), new Conv2d(2, 1, 3));
    const x = randn([2, 7, 7, 1]);
    for (let i = 0; i < 2; i++)
      wrap((a) => model.forward(a).tanh(), x)
        .sum()
        .backward();
    return [...gradients(model), ...model.buffers()];
  });
});

test('hooks, retainGrad, customGrad and createGraph work inside', () => {
  same((wrap) => {
    const double = customGrad(
      ([t], save) => {
        const y = t.exp();
        save(y);
        return y;
      },
      (g, [y]) => g.mul(y).mul(2),
    );
    const x = randn([5], { requiresGrad: true });
    const inner: Tensor[] = [];
    const y = wrap((a) => {
      const h = double(a.tanh());
      h.registerHook((g) => g.mul(3));
      inner.push(h.retainGrad());
      return h.sigmoid().exp();
    }, x);
    const [first] = grad(y.sum(), [x], { createGraph: true });
    first.mul(first).sum().backward();
    return [y, first, x.grad, inner[0].grad];
  });
});

test('backward may run twice with retainGraph', () => {
  same((wrap) => {
    const x = randn([5], { requiresGrad: true });
    const y = wrap((a) => a.tanh().exp().tanh(), x).sum();
    y.backward(undefined, { retainGraph: true });
    y.backward();
    return [x.grad];
  });
});

test('under noGrad it is the function', () => {
  const x = f64([1, 2]);
  let calls = 0;
  const y = noGrad(() =>
    checkpoint((a) => {
      calls++;
      return a.exp();
    }, x),
  );
  assert.is(y.requiresGrad, false);
  assert.is(calls, 1);
});

test('the function runs once in the forward pass and once in backward, and not without need', () => {
  const x = f64([1, 2]);
  let calls = 0;
  const count = (a: Tensor): Tensor => {
    calls++;
    return a.tanh().exp();
  };
  checkpoint(count, checkpoint(count, x)).sum().backward();
  assert.is(calls, 4);
  // exp saves its result, which lives.
  checkpoint((a) => {
    calls++;
    return a.exp();
  }, x)
    .sum()
    .backward();
  assert.is(calls, 5);
});

test('what the function makes and does not return ends with it', () => {
  const x = f64([1, 2]);
  let inner: Tensor | undefined;
  const y = checkpoint((a) => {
    inner = a.exp();
    return inner.tanh();
  }, x);
  assert.throws(() => inner?.dataSync(), /exp's result of shape \[2\]; checkpoint\(\) keeps only the results/);
  y.sum().backward();
  assert.ok(inner?.released);
});

/** A deep network on the wasm device, and its first input. */
function deep(): { blocks: Sequential[]; x: Tensor } {
  setDefaultDevice(wasm);
  const block = (from: number): Sequential =>
    new Sequential(new Conv2d(from, 8, 3, { padding: 1 }), new ReLU(), new Conv2d(8, 8, 3, { padding: 1 }), new ReLU());
  return { blocks: Array.from({ length: 8 }, (_, i) => block(i === 0 ? 1 : 8)), x: randn([2, 32, 32, 1]).keep() };
}

test('a deep network takes less memory, and none stays', () => {
  const { blocks, x } = deep();
  const step = (wrap: Wrap) => (): void => {
    let h = x;
    for (const block of blocks) h = wrap((a) => block.forward(a), h);
    // A number that nobody holds ends with the garbage collector.
    const loss = h.sum();
    loss.backward();
    loss.release();
    for (const block of blocks) block.zeroGrad();
  };
  // 2·32·32·8 numbers of 4 bytes. A block makes four such arrays.
  const array = 65536;
  const want = peakOf(wasm, step(plain));
  step(plain)();
  step(plain)();
  const got = peakOf(wasm, step(checkpoint));
  assert.ok(want > 32 * array, `${want / array} arrays`);
  // Eight results, the arrays of one block, and the gradients on the way.
  assert.ok(got < 18 * array, `${got / array} arrays`);
  const levels = [0, 1, 2].map(() => {
    step(checkpoint)();
    return wasm.memory().bytes;
  });
  assert.is(levels[1], levels[0]);
  assert.is(levels[2], levels[0]);
});

test('checkpointSequential runs all segments but the last as checkpoints', () => {
  const model = new Sequential(new Linear(3, 4), new LeakyReLU(), new Linear(4, 4), new ReLU(), new Linear(4, 2));
  const x = randn([2, 3]);
  model.forward(x).sum().backward();
  const want = gradients(model).map(bits);
  for (const segments of [1, 2, 3, 5]) {
    model.zeroGrad();
    checkpointSequential(model, segments, x).sum().backward();
    assert.equal(gradients(model).map(bits), want);
  }
  const calls: number[] = [];
  const layers = [0, 1, 2, 3, 4].map((i) => (h: Tensor) => {
    calls.push(i);
    return h.tanh();
  });
  checkpointSequential(layers, 2, f64([1, 2]))
    .sum()
    .backward();
  // As in PyTorch, ⌊5/2⌋ functions are a segment, and the rest is the last one.
  assert.equal(calls, [0, 1, 2, 3, 4, 0, 1]);
});

test('checkpointSequential passes on the first result of a layer that gives several', () => {
  const model = new Sequential(new Conv2d(1, 2, 3), new MaxPool2d(2), new ReLU(), new Conv2d(2, 1, 1));
  const x = randn([1, 8, 8, 1]);
  model.forward(x).sum().backward();
  const want = gradients(model).map(bits);
  model.zeroGrad();
  checkpointSequential(model, 2, x).sum().backward();
  assert.equal(gradients(model).map(bits), want);
});

test('arguments of the wrong kind are refused', () => {
  const x = f64([1]);
  // biome-ignore lint/suspicious/noExplicitAny: what types forbid is what is tested
  const c = checkpoint as any;
  assert.throws(() => c(x), /^checkpoint: fn must be a function; got fn=/);
  assert.throws(() => c((a: Tensor) => a, 3), /^checkpoint: inputs\[0\] must be a tensor; got inputs\[0\]=3/);
  assert.throws(() => c((a: Tensor) => a, [x]), /^checkpoint: inputs\[0\] must be a tensor/);
  assert.throws(() => c((a: Tensor) => a, x, { preserve: true }), /^checkpoint: .*preserve/);
  assert.throws(() => c((a: Tensor) => a, x, { preserveRngState: 1 }), /^checkpoint: preserveRngState must be /);
  assert.throws(() => c(async (a: Tensor) => a, x), /^checkpoint: fn must be synchronous; got a Promise/);
  assert.throws(() => noGrad(() => c(async (a: Tensor) => a, x)), /must be synchronous/);
  const layers = [(a: Tensor) => a];
  // biome-ignore lint/suspicious/noExplicitAny: what types forbid is what is tested
  const s = checkpointSequential as any;
  assert.throws(() => s(3, 1, x), /^checkpointSequential: functions must be a Sequential or an array of functions/);
  assert.throws(() => s([3], 1, x), /^checkpointSequential: functions\[0\] must be a function or a module; got /);
  assert.throws(() => s(layers, 2, x), /^checkpointSequential: segments must be whole and in \[1, 1\]; got segments=2/);
  assert.throws(() => s(layers, 1, 3), /^checkpointSequential: input must be a tensor/);
});

test('a function that does something else when it runs again is refused', () => {
  const wrong = /^checkpoint: its function must do the same when it runs again; got /;
  const x = f64([1, 2]);
  let call = 0;
  const run = (fn: (a: Tensor) => Tensor): void => {
    call = 0;
    checkpoint((a) => {
      call++;
      return fn(a);
    }, x)
      .sum()
      .backward();
  };
  const other = "sigmoid's [2] in place of tanh's [2]";
  assert.throws(
    () => run((a) => (call === 1 ? a.tanh() : a.sigmoid()).exp()),
    new RegExp(`${wrong.source}${other.replace(/[[\]]/g, '\\$&')}`),
  );
  assert.throws(() => run((a) => (call === 1 ? a.tanh() : a).exp().tanh()), wrong);
  assert.throws(() => run((a) => (call === 1 ? a : a.tanh()).exp().tanh()), wrong);
  const layer = new BatchNorm2d(2);
  const image = randn([1, 3, 3, 2]);
  const y = checkpoint((a) => layer.forward(a).tanh().exp(), image);
  layer.eval();
  assert.throws(() => y.sum().backward(), wrong);
  // A pass that failed leaves nothing open.
  assert.ok(gradcheck((t) => checkpoint((a) => a.tanh().exp(), t), [x]));
});

test('values from outside that change before backward are refused, also those that nothing saves', () => {
  for (const change of [0, 1, 2]) {
    const w = f64([0.5, 2]);
    const bias = f64([0.1, 0.2]);
    const x = f64([1, 2]);
    const y = checkpoint((a) => a.mul(w).add(bias).tanh().exp(), x);
    const changed = [w, bias, x][change] as Tensor;
    noGrad(() => changed.assign(changed.mul(2)));
    assert.throws(
      () => y.sum().backward(),
      /^checkpoint: what its function reads must not change in place before backward\(\); got tensor's \[2\] at version 1/,
    );
  }
  assert.throws(() => {
    const w = f64([0.5, 2]);
    const optimizer = new SGD([w], { lr: 1 });
    const y = checkpoint((a) => a.mul(w).tanh().exp(), f64([1, 2])).sum();
    w.sum().backward();
    optimizer.step();
    y.backward();
  }, /must not change in place before backward/);
});

test.run();
