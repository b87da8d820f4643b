/**
 * compile(step) gives the same bits as the plain step, whatever the step's code does from call to
 * call. Each case runs a step twice on the wasm device from the same seed, plainly and compiled,
 * and compares every result of every call.
 * Not here: single ops under compile (test/device/conformance.ts), speed (bench/).
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  Adagrad,
  Adam,
  Adamax,
  BatchNorm2d,
  bceWithLogits,
  type CompiledStep,
  Conv2d,
  ConvTranspose2d,
  clipGradNorm,
  compile,
  type Device,
  Dropout,
  defaultDevice,
  device,
  GraphError,
  grad,
  MaxPool2d,
  MaxUnpool2d,
  Module,
  manualSeed,
  NAdam,
  noGrad,
  ones,
  RAdam,
  RandomState,
  RMSprop,
  relu,
  SGD,
  type Shape,
  StepLR,
  setDefaultDevice,
  Tensor,
  type TypedArray,
  tensor,
  ValueError,
  zeros,
} from '../../src/index.js';
import { collected } from '../helpers/collect.js';

const test = suite('compile');
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

class Small extends Module {
  conv = new Conv2d(2, 4, 3, { padding: 'same' });
  norm = new BatchNorm2d(4);
  pool = new MaxPool2d(2);
  unpool = new MaxUnpool2d();
  dropout = new Dropout(0.3);
  deconv = new ConvTranspose2d(4, 1, 3, { padding: 'same' });
  forward(x: Tensor): Tensor {
    const [h, where] = this.pool.forward(relu(this.norm.forward(this.conv.forward(x))));
    return this.deconv.forward(this.unpool.forward(this.dropout.forward(h), where));
  }
}

let random = new RandomState(3);
const values = (shape: Shape): Tensor =>
  tensor(Float32Array.from(random.randn(shape.reduce((a, b) => a * b, 1))), { shape });
const bitsOf = (results: TypedArray[]): string => results.map((r) => [...new Uint8Array(r.buffer)].join()).join('|');

type Step = (call: number) => readonly Tensor[];
/** A fresh model, step and all, with what has to be called to run it once. */
type Setup = (wrap: <A extends readonly unknown[], R>(step: (...args: A) => R) => (...args: A) => R) => Step;

/**
 * Runs a setup plainly and compiled. Every call must give the same bits. Returns the compiled step,
 * whose mode the caller may check.
 */
async function sameBits(setup: Setup, calls = 8): Promise<CompiledStep<readonly unknown[], unknown>> {
  const run = async (wrap: Parameters<Setup>[0]): Promise<string[]> => {
    manualSeed(5);
    random = new RandomState(3);
    const step = setup(wrap);
    const out: string[] = [];
    for (let call = 0; call < calls; call++) out.push(bitsOf(await Promise.all(step(call).map((t) => t.data()))));
    return out;
  };
  const plain = await run((step) => step);
  let compiled: CompiledStep<readonly unknown[], unknown> | undefined;
  const got = await run((step) => {
    const made = compile(step);
    compiled = made as unknown as typeof compiled;
    return made;
  });
  plain.forEach((want, call) => {
    assert.is(got[call], want, `call ${call}`);
  });
  return compiled as CompiledStep<readonly unknown[], unknown>;
}

const data = (): { x: Tensor; y: Tensor } => {
  const r = new RandomState(9);
  return {
    x: tensor(Float32Array.from(r.randn(2 * 8 * 6 * 2)), { shape: [2, 8, 6, 2] }),
    y: tensor(
      Float32Array.from(r.rand(2 * 8 * 6), (u) => (u < 0.3 ? 1 : 0)),
      { shape: [2, 8, 6, 1] },
    ),
  };
};

const optimizers = {
  Adam: (p: Tensor[]) => new Adam(p, { lr: 0.01 }),
  'Adam, amsgrad, tf': (p: Tensor[]) => new Adam(p, { lr: 0.01, amsgrad: true, form: 'tf', weightDecay: 0.1 }),
  'SGD with momentum': (p: Tensor[]) => new SGD(p, { lr: 0.01, momentum: 0.9, nesterov: true }),
  RMSprop: (p: Tensor[]) => new RMSprop(p, { lr: 0.01 }),
  Adagrad: (p: Tensor[]) => new Adagrad(p, { lr: 0.01, lrDecay: 0.1, initialAccumulatorValue: 0.1 }),
  Adamax: (p: Tensor[]) => new Adamax(p, { lr: 0.01, weightDecay: 0.1 }),
  NAdam: (p: Tensor[]) => new NAdam(p, { lr: 0.01, weightDecay: 0.1, decoupledWeightDecay: true }),
  RAdam: (p: Tensor[]) => new RAdam(p, { lr: 0.01 }),
};
for (const [name, make] of Object.entries(optimizers))
  test(`training with dropout, batch norm and ${name}, under a schedule`, async () => {
    const step = await sameBits((wrap) => {
      const { x, y } = data();
      const model = new Small();
      const optimizer = make(model.parameters());
      const schedule = new StepLR(optimizer, { every: 3, gamma: 0.5 });
      const train = wrap(() => {
        optimizer.zeroGrad();
        const loss = bceWithLogits(model.forward(x), y, { reduction: 'sum' });
        loss.backward();
        clipGradNorm(model.parameters(), 5);
        optimizer.step();
        return loss;
      });
      return () => {
        const loss = train();
        schedule.step();
        return [loss, ...model.parameters(), ...model.buffers().filter((b) => b instanceof Tensor)];
      };
    }, 12);
    assert.is(step.mode, 'compiled', step.reason);
    if (name !== 'RAdam') assert.is(step.reason, '');
  });

test('RAdam leaves the recording once, at the step that begins to divide by the second moment', () => {
  const p = tensor([1, 2], { requiresGrad: true }).keep();
  const optimizer = new RAdam([p]);
  const step = compile(() => {
    optimizer.zeroGrad();
    p.mul(p).sum().backward();
    optimizer.step();
  });
  const modes = Array.from({ length: 10 }, () => {
    step();
    return step.mode;
  });
  // By the formula, the corrected length exceeds 5 from step 6 on.
  const replayed = ['compiled', 'compiled', 'compiled'];
  assert.equal(modes, ['eager', 'recorded', ...replayed, 'eager', 'recorded', ...replayed]);
  assert.match(step.reason, 'became');
});

test('arguments change from call to call, and so may their shapes', async () => {
  const step = await sameBits((wrap) => {
    const { x, y } = data();
    const model = new Small();
    const optimizer = new Adam(model.parameters());
    const train = wrap((a: Tensor, b: Tensor) => {
      optimizer.zeroGrad();
      const loss = bceWithLogits(model.forward(a), b);
      loss.backward();
      optimizer.step();
      return { loss, nested: [loss.mul(2)] };
    });
    return (call) => {
      const n = call % 3 === 2 ? 1 : 2;
      const result = train(x.mul(call + 1).slice([0, n]), y.slice([0, n]));
      return [result.loss, result.nested[0]];
    };
  }, 12);
  assert.is(step.mode, 'compiled', step.reason);
});

test('an argument that changes in place is copied again', async () => {
  const x = tensor([1, 2]);
  const step = compile((a: Tensor) => a.mul(2));
  for (let call = 0; call < 5; call++) {
    x.assign(tensor([call, 10]));
    assert.equal([...step(x).dataSync()], [2 * call, 20]);
  }
  assert.is(step.mode, 'compiled');
});

test('other control flow runs as usual, and is recorded anew', async () => {
  const step = await sameBits((wrap) => {
    const { x } = data();
    const model = new Small();
    const optimizer = new SGD(model.parameters(), { lr: 0.1 });
    let deep = false;
    const train = wrap(() => {
      optimizer.zeroGrad();
      let h = model.forward(x);
      if (deep) h = h.mul(h);
      const loss = h.sum();
      loss.backward();
      optimizer.step();
      return loss;
    });
    return (call) => {
      deep = call >= 5;
      model.train(call < 9);
      const loss = train();
      return [loss, ...model.parameters()];
    };
  }, 14);
  assert.is(step.mode, 'compiled', step.reason);
  assert.match(step.reason, /became|number/);
});

test('a step that ends early, or goes on, is computed as far as it goes', () => {
  const w = tensor([2], { requiresGrad: true });
  let parts = 2;
  const step = compile(() => {
    let y = w.mul(3);
    for (let i = 1; i < parts; i++) y = y.add(1);
    return y;
  });
  const seen: number[] = [];
  for (parts of [2, 2, 2, 1, 2, 2, 4, 4, 4]) seen.push(step().itemSync());
  assert.equal(seen, [7, 7, 7, 6, 7, 7, 9, 9, 9]);
});

test('another tensor from outside, another number, a number in a gradient', () => {
  const w = tensor([2], { requiresGrad: true });
  let x = tensor([1]);
  let scale = 1;
  const step = compile(() => {
    w.clearGrad();
    const y = w.mul(x).mul(scale);
    y.backward();
    return [y, w.grad as Tensor];
  });
  const seen: number[][] = [];
  for (let call = 0; call < 10; call++) {
    if (call === 4) x = tensor([5]);
    if (call >= 7) scale = call;
    seen.push(step().map((t) => t.itemSync()));
  }
  assert.equal(
    seen,
    Array.from({ length: 10 }, (_, call) => {
      const s = (call >= 4 ? 5 : 1) * (call >= 7 ? call : 1);
      return [2 * s, s];
    }),
  );
});

test('a number that changes at every call leaves the step eager in the end, and says why', () => {
  let scale = 0;
  const w = tensor([2], { requiresGrad: true });
  const step = compile(() => w.mul(scale));
  for (scale = 1; scale < 40; scale++) assert.is(step().itemSync(), 2 * scale);
  assert.is(step.mode, 'eager');
  assert.match(step.reason, /mul was given another number/);
});

test('a number that no gradient depends on stays live', () => {
  let scale = 0;
  const x = tensor([2, 3]);
  const step = compile(() => noGrad(() => x.mul(scale)));
  for (scale = 1; scale < 6; scale++) assert.equal([...step().dataSync()], [2 * scale, 3 * scale]);
  assert.is(step.mode, 'compiled', step.reason);
});

test('gradients that are not cleared add up', async () => {
  await sameBits((wrap) => {
    const w = values([3]);
    w.requiresGrad = true;
    const step = wrap(() => {
      const y = w.mul(w).sum();
      y.backward();
      return y;
    });
    return () => [step(), (w.grad as Tensor).clone()];
  });
});

test('two backwards, retained graphs, and gradients set by hand', async () => {
  await sameBits((wrap) => {
    const w = values([3]);
    w.requiresGrad = true;
    const g = values([3]);
    const step = wrap(() => {
      w.clearGrad();
      const y = w.mul(w);
      y.backward(g, { retainGraph: true });
      y.sum().backward();
      return [y, w.grad as Tensor];
    });
    return () => step();
  });
});

test('values may be read inside, and decide', async () => {
  await sameBits((wrap) => {
    const w = values([2]);
    w.requiresGrad = true;
    const optimizer = new SGD([w], { lr: 0.05 });
    const step = wrap(() => {
      optimizer.zeroGrad();
      const loss = w.mul(w).sum();
      const now = loss.itemSync();
      (now > 0.5 ? loss : loss.mul(3)).backward();
      optimizer.step();
      return loss;
    });
    return () => [step(), w.clone()];
  }, 16);
});

test('what ran before a read inside does not run again', async () => {
  await sameBits((wrap) => {
    const counter = values([2]);
    const seen: number[] = [];
    const step = wrap(() => {
      noGrad(() => counter.assign(counter.add(1)));
      seen.push(counter.sum().itemSync());
      seen.push(counter.mul(2).sum().itemSync());
      return counter.mul(3);
    });
    return () => [step(), counter.clone(), tensor(seen)];
  }, 8);
});

test('host data made inside is copied in at every call', () => {
  let call = 0;
  const step = compile(() => tensor([call, 1]).mul(2));
  for (; call < 5; call++) assert.equal([...step().dataSync()], [2 * call, 2]);
  assert.is(step.mode, 'compiled');
});

test('results outlast the calls after them', () => {
  const x = tensor([1]);
  const step = compile((a: Tensor) => a.mul(2));
  const kept = [1, 2, 3, 4, 5].map((v) => step(tensor([v])));
  assert.equal(
    kept.map((t) => t.itemSync()),
    [2, 4, 6, 8, 10],
  );
  assert.is(step(x).requiresGrad, false);
  const large = [1, 2, 3, 4].map((v) => step(tensor([v, v])));
  assert.equal(
    large.map((t) => t.released),
    [true, true, false, false],
  );
});

test('a result that the host made is that of its call, read late', () => {
  let call = 0;
  const step = compile(() => {
    const made = tensor([call, 1]);
    return [made, made.reshape([2, 1])];
  });
  const kept = [1, 2, 3, 4, 5].map((v) => {
    call = v;
    return step().map((t) => t.keep());
  });
  assert.equal(
    kept.map(([a, b]) => [a.dataSync()[0], b.dataSync()[0]]),
    [1, 2, 3, 4, 5].map((v) => [v, v]),
  );
});

test('what the step throws comes through, and later calls are right', () => {
  let bad = false;
  const w = tensor([1], { requiresGrad: true });
  const optimizer = new SGD([w], { lr: 1 });
  const step = compile(() => {
    optimizer.zeroGrad();
    const y = w.mul(2);
    y.backward();
    optimizer.step();
    if (bad) throw new Error('mine');
    return y;
  });
  const seen: number[] = [];
  for (let call = 0; call < 8; call++) {
    bad = call === 1 || call === 5;
    if (bad) assert.throws(step, /mine/);
    else seen.push(step().itemSync());
  }
  assert.equal(seen, [2, -6, -10, -14, -22, -26]);
  assert.is(w.itemSync(), -15);
});

test('a step that throws gives its memory back, and goes on being replayed', () => {
  const x = zeros([1 << 18]);
  const w = tensor([1, 2], { requiresGrad: true });
  let bad = false;
  const step = compile((scale: Tensor) => {
    w.clearGrad();
    const loss = w.mul(x.mul(scale).sum()).sum();
    loss.backward();
    if (bad) throw new Error('mine');
    return loss;
  });
  const one = tensor([1]);
  const run = (throws: boolean): void => {
    bad = throws;
    if (throws) assert.throws(() => step(one), /mine/);
    else step(one).release();
  };
  // A pool that recordings take their memory from: one that is not given back would shrink it.
  zeros([1 << 24]).release();
  run(false);
  run(true);
  const before = wasm.memory();
  for (let call = 0; call < 40; call++) run(true);
  assert.equal(wasm.memory(), before, 'thrown while recording');
  assert.is(step.reason, 'it threw');
  run(false);
  run(false);
  const recorded = wasm.memory();
  for (let call = 0; call < 40; call++) run(call % 3 === 2);
  run(false);
  assert.is(step.mode, 'compiled');
  assert.equal(wasm.memory(), recorded, 'thrown while replaying');
});
test('a first call that throws is no first call', () => {
  const w = tensor([1, 2], { requiresGrad: true });
  const optimizer = new Adam([w], { lr: 0.1 });
  let bad = true;
  const step = compile((x: Tensor) => {
    if (bad) throw new Error('mine');
    optimizer.zeroGrad();
    const loss = w.mul(x).sum();
    loss.backward();
    optimizer.step();
    return loss;
  });
  const x = tensor([3, 4]);
  assert.throws(() => step(x), /mine/);
  bad = false;
  const modes = Array.from({ length: 3 }, () => {
    step(x);
    return step.mode;
  });
  assert.equal(modes, ['eager', 'recorded', 'compiled']);
});
test('the recordings of the last 16 sets of shapes are kept', () => {
  const step = compile((a: Tensor) => a.mul(2).add(1).sum());
  const run = (n: number): string => {
    const x = ones([n]);
    const y = step(x);
    assert.is(y.itemSync(), 3 * n);
    for (const t of [x, y]) t.release();
    return step.mode;
  };
  run(1);
  const all = Array.from({ length: 16 }, (_, i) => i + 1);
  assert.equal(all.map(run), new Array(16).fill('recorded'));
  assert.equal(all.map(run), new Array(16).fill('compiled'));
  // The size used longest ago makes room, and no other.
  assert.is(run(1), 'compiled');
  assert.is(run(17), 'recorded');
  assert.equal([1, ...all.slice(2), 17].map(run), new Array(16).fill('compiled'));
  assert.is(run(2), 'recorded');
  const before = wasm.memory().tensors;
  for (let n = 20; n < 60; n++) run(n);
  assert.is(wasm.memory().tensors - before, 0);
  assert.is(run(59), 'compiled');
});

test('grad() and createGraph inside run as usual, and the step says so', async () => {
  for (const how of ['grad()', 'createGraph']) {
    const step = await sameBits((wrap) => {
      const w = values([3]);
      w.requiresGrad = true;
      const step = wrap(() => {
        w.clearGrad();
        const y = w.mul(w).mul(w).sum();
        if (how === 'grad()') return grad(y, [w]);
        y.backward(undefined, { createGraph: true });
        return [(w.grad as Tensor).detach().clone()];
      });
      return () => step();
    });
    assert.equal([step.mode, step.reason], ['eager', `it uses ${how}`]);
  }
});

test('a compiled step inside a compiled step is part of it', () => {
  const inner = compile((a: Tensor) => a.mul(3));
  const outer = compile((a: Tensor) => inner(a).add(1));
  for (let call = 0; call < 5; call++) assert.is(outer(tensor([call])).itemSync(), 3 * call + 1);
  assert.is(outer.mode, 'compiled');
});

test('devices that cannot record run the step, and say so', async () => {
  setDefaultDevice(home);
  const x = tensor([3]);
  const step = compile((a: Tensor) => a.mul(2));
  for (let call = 0; call < 4; call++) assert.is(step(x).itemSync(), 6);
  assert.is(step.mode, 'eager');
  assert.is(step.reason, 'reference (plain) does not record');
});

test('an asynchronous step and an argument with a gradient are refused', () => {
  const never = compile(async () => tensor([1]));
  assert.throws(
    never,
    (e: Error) => e instanceof GraphError && /^compile: the step must be synchronous; got a Promise/.test(e.message),
  );
  const step = compile((a: Tensor) => a.mul(1));
  assert.throws(
    () => step(tensor([1], { requiresGrad: true })),
    (e: Error) =>
      e instanceof ValueError &&
      /^compile: arguments of a step require no gradient; got an argument \[1\]/.test(e.message),
  );
});

test('what is no step is refused at once, and a result that holds itself', () => {
  for (const [value, text] of [
    [5, '5'],
    [null, 'null'],
    [tensor([1]), 'a Tensor'],
  ] as const)
    assert.throws(
      () => compile(value as unknown as () => Tensor),
      (e: Error) => e instanceof ValueError && e.message === `compile: step must be a function; got step=${text}`,
    );
  const step = compile((a: Tensor) => {
    const out: Record<string, unknown> = { y: a.mul(2), deep: [] };
    (out.deep as unknown[]).push({ out });
    return out;
  });
  for (let call = 0; call < 4; call++)
    assert.throws(
      () => step(tensor([1])),
      (e: Error) =>
        e instanceof ValueError && /^compile: a result must not hold itself; got a cycle of 3/.test(e.message),
    );
});
test('disposing gives back all that a step holds, its copies of arguments among it', () => {
  const w = tensor([1, 2, 3], { requiresGrad: true });
  const [x, y] = [tensor([1, 2, 3]), tensor([[1], [2]])];
  const before = wasm.memory();
  const step = compile((a: Tensor, b: Tensor) => {
    w.clearGrad();
    const loss = w.mul(a).mul(b).sum();
    loss.backward();
    return loss;
  });
  for (let call = 0; call < 5; call++) step(x, y).release();
  assert.is(step.mode, 'compiled');
  w.clearGrad();
  step.dispose();
  const after = wasm.memory();
  assert.equal([after.tensors, after.bytes], [before.tensors, before.bytes]);
  step(x, y);
  assert.is(step.mode, 'recorded');
});
test('a step cannot be disposed of while it runs', () => {
  const step: CompiledStep<[Tensor], Tensor> = compile((a: Tensor): Tensor => {
    step.dispose();
    return a;
  });
  assert.throws(() => step(tensor([1])), /compile: a step must not be disposed of while one runs/);
});
test('arguments that are no tensors reach the step as they are', () => {
  const step = compile((scale: number, x: Tensor, { shift }: { shift: number }) => x.mul(scale).add(shift));
  const x = tensor([1, 2], { device: wasm });
  for (const [scale, shift] of [
    [2, 1],
    [2, 1],
    [2, 1],
    [3, 1],
    [3, 5],
  ])
    assert.equal([...step(scale, x, { shift }).dataSync()], [scale + shift, 2 * scale + shift]);
});

test('memory is flat over calls, and disposing gives it back', async () => {
  const { x, y } = data();
  const model = new Small();
  const optimizer = new Adam(model.parameters());
  const step = compile(() => {
    optimizer.zeroGrad();
    const loss = bceWithLogits(model.forward(x), y);
    loss.backward();
    optimizer.step();
    return loss;
  });
  for (let call = 0; call < 80; call++) step();
  await collected();
  const before = wasm.memory();
  for (let call = 0; call < 200; call++) step();
  assert.is(step.mode, 'compiled');
  await collected();
  assert.equal({ ...wasm.memory(), pooled: 0 }, { ...before, pooled: 0 });
  const pooled = wasm.memory().pooled;
  step.dispose();
  assert.ok(wasm.memory().pooled > pooled, 'the plan went back to the pool');
  assert.ok(Number.isFinite(step().itemSync()));
});

test('a compiled step does not hold the gradients of earlier calls', async () => {
  const w = tensor([1, 2], { requiresGrad: true });
  const step = compile(() => {
    w.clearGrad();
    const loss = w.mul(w).sum();
    loss.backward();
    return loss;
  });
  const gradients: WeakRef<Tensor>[] = [];
  for (let call = 0; call < 12; call++) {
    step();
    gradients.push(new WeakRef(w.grad as Tensor));
    // A WeakRef holds its target until the task ends.
    await new Promise((resolve) => setTimeout(resolve));
  }
  assert.is(step.mode, 'compiled');
  await collected();
  const held = gradients.slice(0, 10).filter((g) => g.deref() !== undefined);
  assert.is(held.length, 0, `${held.length} of 10 are held`);
});

test.run();
