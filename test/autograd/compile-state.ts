/**
 * compile(step) and the state that a step depends on: frozen and released tensors, noGrad,
 * arguments that change in place, gradients, other devices, and tensors that outlive their call.
 * Each case runs the same program plainly and compiled. The results must be the same bits, or the
 * compiled step must refuse.
 * Not here: training, control flow and memory of compiled steps (compile.ts).
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  Conv2d,
  clipGradNorm,
  compile,
  type Device,
  defaultDevice,
  device,
  enableGrad,
  GraphError,
  Linear,
  Module,
  manualSeed,
  maxPool2d,
  noGrad,
  Parameter,
  RandomState,
  SGD,
  type Shape,
  setDefaultDevice,
  type Tensor,
  tensor,
  ValueError,
} from '../../src/index.js';

const test = suite('compile, state');
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

type Wrap = <A extends readonly unknown[], R>(step: (...args: A) => R) => (...args: A) => R;
/** A program: makes its tensors and its step, and returns what one call shows. */
type Program = (wrap: Wrap) => (call: number) => unknown;

/** What a call shows, as text: tensors by their elements, errors by their class. */
function shown(value: unknown): string {
  return JSON.stringify(value, (_, v: unknown) =>
    typeof v === 'object' && v !== null && 'dataSync' in v ? [...(v as Tensor).dataSync()].map((n) => `${n}`) : v,
  );
}

/**
 * Runs a program plainly and compiled. Every call must show the same. Returns the modes and reasons
 * of the compiled calls.
 */
function same(program: Program, calls = 10): { modes: string[]; reasons: string[] } {
  const modes: string[] = [];
  const reasons: string[] = [];
  const run = (wrap: Wrap, each: () => void): string[] => {
    manualSeed(5);
    random = new RandomState(3);
    const show = program(wrap);
    return Array.from({ length: calls }, (_, call) => {
      let text: string;
      try {
        text = shown(show(call));
      } catch (error) {
        text = (error as Error).name;
      }
      each();
      return text;
    });
  };
  const want = run(
    (step) => step,
    () => {},
  );
  let last: { mode: string; reason: string } | undefined;
  const got = run(
    (step) => {
      const made = compile(step);
      last = made;
      return made;
    },
    () => {
      modes.push(last?.mode ?? '');
      reasons.push(last?.reason ?? '');
    },
  );
  want.forEach((text, call) => {
    assert.is(got[call], text, `call ${call}`);
  });
  return { modes, reasons };
}
let random = new RandomState(3);
const values = (shape: Shape, requiresGrad = false): Tensor =>
  tensor(Float32Array.from(random.randn(shape.reduce((a, b) => a * b, 1))), { shape, requiresGrad });
const leaf = (...elements: number[]): Tensor => tensor(elements, { requiresGrad: true });
const take = (t: Tensor | null): number[] | null => (t === null ? null : [...t.dataSync()]);

// ---- frozen, unfrozen, under noGrad

test('a parameter that is frozen stops learning, and learns again when it is unfrozen', () => {
  for (const start of [false, true]) {
    const { modes } = same((wrap) => {
      const p = leaf(1, 2);
      const q = leaf(3, 4);
      const optimizer = new SGD([p, q], { lr: 0.1 });
      const step = wrap(() => {
        optimizer.zeroGrad();
        const loss = p.mul(q).sum();
        loss.backward();
        optimizer.step();
        return loss;
      });
      return (call) => {
        p.requiresGrad = call >= 5 === start;
        if (call === 9) p.requiresGrad = !start;
        return [step(), p, q, p.grad, q.grad];
      };
    }, 14);
    assert.is(modes.at(-1), 'compiled');
  }
});
test('module.requireGrad(false) freezes a whole part', () => {
  same((wrap) => {
    const [encoder, head] = [new Linear(3, 4), new Linear(4, 2)];
    const x = tensor([[1, 2, 3]]);
    const optimizer = new SGD([...encoder.parameters(), ...head.parameters()], { lr: 0.1 });
    const step = wrap(() => {
      optimizer.zeroGrad();
      const loss = head.forward(encoder.forward(x)).pow(2).sum();
      loss.backward();
      optimizer.step();
      return loss;
    });
    return (call) => {
      encoder.requireGrad(call < 4 || call > 7);
      return [step(), ...encoder.parameters(), ...head.parameters()];
    };
  }, 12);
});
test('noGrad chosen by a flag', () => {
  for (const first of [false, true])
    same((wrap) => {
      const [w, v] = [leaf(1, 2), leaf(3, 4)];
      let warm = first;
      const step = wrap(() => {
        w.clearGrad();
        v.clearGrad();
        const encode = (): Tensor => w.mul(w);
        const h = warm ? noGrad(encode) : enableGrad(encode);
        const loss = h.mul(v).sum();
        loss.backward();
        return loss;
      });
      return (call) => {
        warm = call >= 5 ? !first : first;
        return [step(), take(w.grad), take(v.grad)];
      };
    });
});
test('a tensor from outside that comes to require a gradient gets one', () => {
  same((wrap) => {
    const x = tensor([1, 2]);
    const w = leaf(3, 4);
    const step = wrap(() => {
      x.clearGrad();
      w.clearGrad();
      const loss = x.mul(w).sum();
      loss.backward();
      return loss;
    });
    return (call) => {
      if (call === 4) x.requiresGrad = true;
      return [step(), take(x.grad), take(w.grad)];
    };
  });
});
test('a parameter in place of another with the same values gets the gradient itself', () => {
  same((wrap) => {
    const first = new Parameter(tensor([1, 2]));
    const second = new Parameter(first);
    let w: Tensor = first;
    const step = wrap(() => {
      first.clearGrad();
      second.clearGrad();
      const loss = w.mul(w).sum();
      loss.backward();
      return loss;
    });
    return (call) => {
      if (call === 5) w = second;
      return [step(), take(first.grad), take(second.grad)];
    };
  });
});
test('a parameter in place of its own detached values, and back', () => {
  same((wrap) => {
    const w = leaf(2, 3);
    let used: Tensor = w;
    const step = wrap(() => {
      w.clearGrad();
      const loss = used.mul(w).sum();
      loss.backward();
      return loss;
    });
    return (call) => {
      used = call >= 3 && call < 6 ? w.detach() : w;
      return [step(), take(w.grad)];
    };
  });
});
test('frozen between forward and backward', () => {
  same((wrap) => {
    const [p, q] = [leaf(1, 2), leaf(3, 4)];
    let freeze = false;
    const step = wrap(() => {
      p.requiresGrad = true;
      p.clearGrad();
      q.clearGrad();
      const loss = p.mul(q).sum();
      if (freeze) p.requiresGrad = false;
      loss.backward();
      return loss;
    });
    return (call) => {
      freeze = call >= 4;
      return [step(), take(p.grad), take(q.grad)];
    };
  });
});

// ---- released, and changed in place

test('a tensor from outside that was released cannot be read', () => {
  same((wrap) => {
    const x = tensor([1, 2]);
    const step = wrap(() => x.mul(2).sum());
    return (call) => {
      if (call === 5) x.release();
      if (call > 5) for (let i = 0; i < 20; i++) tensor([1e5 + i, 1]);
      return step();
    };
  });
});
test('an argument that changes in place changes for the caller', () => {
  same((wrap) => {
    const s = tensor([1, 2]);
    const x = tensor([10, 20]);
    const step = wrap((state: Tensor, input: Tensor) => {
      noGrad(() => state.assign(state.add(input)));
      return state.sum();
    });
    return () => [step(s, x), s];
  }, 14);
});
test('from some call on an argument changes in place', () => {
  same((wrap) => {
    const s = tensor([1, 2]);
    let changes = false;
    const step = wrap((state: Tensor) => {
      const y = state.mul(2);
      if (changes) state.assign(y);
      return y.add(state);
    });
    return (call) => {
      changes = call >= 4;
      return [step(s), s];
    };
  });
});
test('one tensor passed twice, the first changed in place', () => {
  same((wrap) => {
    const t = tensor([1, 2]);
    const step = wrap((a: Tensor, b: Tensor) => {
      a.assign(a.mul(2));
      return b.add(1);
    });
    return () => [step(t, t), t];
  }, 14);
});
test('an argument that shares memory with what the step changes', () => {
  const program =
    (alwaysShared: boolean): Program =>
    (wrap) => {
      const w = leaf(1, 2);
      const other = tensor([5, 6]);
      const optimizer = new SGD([w], { lr: 0.1 });
      const step = wrap((x: Tensor) => {
        optimizer.zeroGrad();
        w.mul(w).sum().backward();
        optimizer.step();
        return x.add(0);
      });
      return (call) => [step(alwaysShared || call % 3 === 2 ? w.detach() : other), w];
    };
  same(program(true), 14);
  const { modes, reasons } = same(program(false), 12);
  assert.equal(modes.slice(9), ['compiled', 'compiled', 'eager']);
  assert.match(reasons[11], /changes in place what an argument shares memory with/);
});
test('an argument that was changed by another compiled step is copied again', () => {
  const w = leaf(1, 2);
  const train = compile(() => {
    w.clearGrad();
    const loss = w.sum();
    loss.backward();
    noGrad(() => w.assign(w.sub(w.grad as Tensor)));
    return loss;
  });
  const look = compile((x: Tensor) => x.mul(2));
  const seen: number[][] = [];
  const same = w.detach();
  for (let call = 0; call < 6; call++) {
    train();
    seen.push([...look(same).dataSync()]);
  }
  // w falls by 1 a call, from [1, 2].
  assert.equal(
    seen,
    [0, -1, -2, -3, -4, -5].map((v) => [2 * v, 2 * v + 2]),
  );
  assert.equal([train.mode, look.mode], ['compiled', 'compiled']);
});
test('a gradient that is passed to another compiled step is copied again', () => {
  const w = leaf(1, 2);
  let scale = tensor([1, 1]);
  const train = compile((s: Tensor) => {
    w.clearGrad();
    const loss = w.mul(s).sum();
    loss.backward();
    return loss;
  });
  const look = compile((g: Tensor) => g.mul(10));
  for (let call = 1; call < 7; call++) {
    scale = tensor([call, -call]);
    train(scale);
    assert.equal([...look(w.grad as Tensor).dataSync()], [10 * call, -10 * call]);
  }
  assert.equal([train.mode, look.mode], ['compiled', 'compiled']);
});
test('an argument must not come to require a gradient', () => {
  const step = compile((x: Tensor) => {
    x.requiresGrad = true;
    return x.mul(2).sum();
  });
  for (let call = 0; call < 4; call++)
    assert.throws(
      () => step(tensor([1, 2])),
      (e: Error) =>
        e instanceof ValueError &&
        e.message ===
          'compile: a step must not let its arguments require a gradient; got an argument [2]; let their detach() require it, in the step',
    );
});
test('gradients of an argument, by its detach()', () => {
  const { modes } = same((wrap) => {
    const step = wrap((x: Tensor) => {
      const input = x.detach();
      input.requiresGrad = true;
      input.mul(input).sum().backward();
      return input.grad;
    });
    return (call) => step(tensor([call, 2]));
  });
  assert.is(modes.at(-1), 'compiled');
});
test('a change in place between forward and a backward that was not recorded is still refused', () => {
  same((wrap) => {
    const [w, v] = [leaf(1, 2), leaf(3, 4)];
    let walks = false;
    const step = wrap(() => {
      const y = w.mul(v);
      noGrad(() => v.assign(v.add(1)));
      if (walks) y.sum().backward();
      return y;
    });
    return (call) => {
      walks = call === 5;
      return step();
    };
  });
});

// ---- gradients

test('retainGrad() on a result: its gradient is that of the call', () => {
  const { modes } = same((wrap) => {
    const w = leaf(1, 2);
    const step = wrap((x: Tensor) => {
      w.clearGrad();
      const h = w.mul(x).retainGrad();
      h.mul(h).sum().backward();
      return [h.grad, w.grad];
    });
    return (call) => step(tensor([call, call + 1]));
  });
  assert.equal(modes.slice(2), new Array(8).fill('compiled'));
});
test('retainGrad() by a flag', () => {
  same((wrap) => {
    const w = leaf(1, 2);
    let retains = false;
    const step = wrap(() => {
      w.clearGrad();
      const h = w.mul(2);
      if (retains) h.retainGrad();
      h.mul(h).sum().backward();
      return [h.grad, w.grad];
    });
    return (call) => {
      retains = call === 4 || call >= 7;
      return step();
    };
  });
});
test('gradients that are not cleared add up, whatever the plan does with their memory', () => {
  const program: Program = (wrap) => {
    const conv = new Conv2d(3, 8, 3, { padding: 'same' });
    const x = values([2, 8, 8, 3]);
    const step = wrap(() => {
      const loss = conv.forward(x).pow(2).sum();
      loss.backward();
      return loss;
    });
    return (call) => {
      if (call % 4 === 0) for (const p of conv.parameters()) p.clearGrad();
      return [step(), ...conv.parameters().map((p) => take(p.grad))];
    };
  };
  same(program, 14);
});
test('a gradient of the call before is read before the step clears it', () => {
  const { modes } = same((wrap) => {
    const conv = new Conv2d(3, 8, 3, { padding: 'same' });
    const x = values([2, 8, 8, 3]);
    const step = wrap((scale: Tensor) => {
      const loss = conv.forward(x.mul(scale)).pow(2).sum();
      const now = loss.itemSync();
      const before = conv.parameters().map((p) => take(p.grad));
      for (const p of conv.parameters()) p.clearGrad();
      loss.backward();
      return [[now], before];
    });
    return (call) => step(tensor([call + 1]));
  });
  assert.is(modes.at(-1), 'compiled');
});
test('gradients of a + b share memory with the first gradient of the walk, and may change in place', () => {
  const { modes } = same((wrap) => {
    const [a, b] = [tensor(1, { requiresGrad: true }), tensor(2, { requiresGrad: true })];
    const step = wrap(() => {
      a.clearGrad();
      b.clearGrad();
      a.add(b).backward();
      const g = a.grad as Tensor;
      g.assign(g.mul(0.5));
      return [a.grad, b.grad];
    });
    return () => step();
  });
  assert.is(modes.at(-1), 'compiled');
});
test('clipped gradients keep their values until the next call', () => {
  const { modes } = same((wrap) => {
    const w = leaf(3, 4);
    const step = wrap((x: Tensor) => {
      w.clearGrad();
      const loss = w.mul(x).sum();
      loss.backward();
      clipGradNorm([w], 1);
      return loss;
    });
    return (call) => [step(tensor([call, 1])), take(w.grad)];
  });
  assert.is(modes.at(-1), 'compiled');
});
test('a gradient taken from its leaf ends with the next call, and says what to do', () => {
  const w = leaf(1, 2);
  const taken: Tensor[] = [];
  const step = compile((x: Tensor) => {
    const loss = w.mul(x).sum();
    loss.backward();
    return loss;
  });
  for (let call = 0; call < 6; call++) {
    step(tensor([call, 1]));
    const g = w.grad as Tensor;
    assert.equal([...g.dataSync()], [call, 1]);
    taken.push(g);
    w.grad = null;
  }
  assert.is(step.mode, 'compiled');
  // The first call ran as usual: its gradient has memory of its own.
  assert.equal([...taken[0].dataSync()], [0, 1]);
  assert.throws(
    () => taken[3].dataSync(),
    (e: Error) =>
      e instanceof GraphError &&
      /it was a gradient of an earlier call of a compiled step: clone\(\) it before the step's next call/.test(
        e.message,
      ),
  );
});
test('a gradient taken from its leaf is readable in the next call until something has been computed', () => {
  const w = leaf(1, 2);
  let taken: Tensor | null = null;
  const seen: number[][] = [];
  const step = compile((x: Tensor) => {
    if (taken !== null) seen.push([...taken.dataSync()]);
    const loss = w.mul(x).sum();
    loss.backward();
    return loss;
  });
  for (let call = 0; call < 5; call++) {
    step(tensor([call, 1]));
    taken = w.grad as Tensor;
    w.grad = null;
  }
  assert.is(step.mode, 'compiled');
  assert.equal(seen, [
    [0, 1],
    [1, 1],
    [2, 1],
    [3, 1],
  ]);
});
test('a gradient that the step itself released says so, and not that a call ended it', () => {
  const w = leaf(1, 2);
  const step = compile((x: Tensor) => {
    w.clearGrad();
    const loss = w.mul(x).sum();
    loss.backward();
    return loss;
  });
  const taken: Tensor[] = [];
  for (let call = 0; call < 5; call++) {
    step(tensor([call, 1]));
    taken.push(w.grad as Tensor);
  }
  assert.is(step.mode, 'compiled');
  assert.throws(() => taken[3].dataSync(), /a released tensor cannot be read; got .*it lived until release\(\)/);
});
test('a gradient that is kept, or has a view, keeps its values', () => {
  for (const hold of [(g: Tensor) => g.keep(), (g: Tensor) => g.reshape([2, 1])]) {
    const { reasons } = same((wrap) => {
      const w = leaf(1, 2);
      const held: Tensor[] = [];
      const step = wrap((x: Tensor) => {
        w.clearGrad();
        const loss = w.mul(x).sum();
        loss.backward();
        return loss;
      });
      return (call) => {
        step(tensor([call, 1]));
        held.push(hold(w.grad as Tensor));
        return held;
      };
    }, 14);
    assert.match(reasons[6], /memory of an earlier call is in use outside/);
  }
});
test('a graph from outside the step is walked as it is', () => {
  const { reasons } = same((wrap) => {
    const w = leaf(1, 2);
    const h = w.mul(w);
    const step = wrap(() => {
      w.clearGrad();
      const loss = h.mul(3).sum();
      loss.backward(undefined, { retainGraph: true });
      return loss;
    });
    return (call) => {
      if (call === 5) noGrad(() => w.assign(w.mul(2)));
      return [step(), take(w.grad)];
    };
  });
  assert.match(reasons[3], /it uses a graph that was made outside of it/);
});
test('a second backward through a used graph is refused also where the recording is left', () => {
  same((wrap) => {
    const w = leaf(2, 3);
    let again = false;
    const step = wrap(() => {
      w.clearGrad();
      const loss = w.mul(w).sum();
      loss.backward();
      if (again) loss.backward();
      return loss;
    });
    return (call) => {
      again = call === 5;
      return [step(), take(w.grad)];
    };
  });
});
test('a retained graph serves once more where the recording is left', () => {
  same((wrap) => {
    const w = leaf(2, 3);
    let again = false;
    const step = wrap(() => {
      w.clearGrad();
      const loss = w.mul(w).sum();
      loss.backward(undefined, { retainGraph: true });
      if (again) loss.backward();
      return loss;
    });
    return (call) => {
      again = call === 5;
      return [step(), take(w.grad)];
    };
  });
});
test('the recording is left in the middle of a graph', () => {
  same((wrap) => {
    const w = leaf(2, 3);
    let more = false;
    const step = wrap((x: Tensor) => {
      w.clearGrad();
      const h = w.mul(x).exp();
      const [values] = maxPool2d(h.reshape([1, 1, 2, 1]), { kernelSize: [1, 2] });
      const y = more ? values.mul(h.sum()) : values;
      const loss = y.sum();
      loss.backward();
      return [loss, w.grad];
    });
    return (call) => {
      more = call % 4 === 3;
      return step(tensor([0.1 * call, 0.2]));
    };
  }, 14);
});
test('a backward that threw and was caught leaves no command behind', () => {
  same((wrap) => {
    const w = leaf(2, 3);
    const g = tensor([1, 1]);
    let scale = 1;
    let walks = true;
    const step = wrap(() => {
      w.clearGrad();
      const y = w.mul(w).mul(5);
      noGrad(() => w.assign(w));
      if (walks) assert.throws(() => y.backward(g), /must not change in place/);
      return noGrad(() => w.mul(scale));
    });
    return (call) => {
      scale = call;
      walks = call < 2;
      return step();
    };
  });
});
test('a gradient that shares memory with what is copied in for the next call keeps its values', () => {
  for (const inside of [false, true])
    same((wrap) => {
      const [a, b] = [leaf(1, 2), leaf(3, 4)];
      let call = 0;
      const step = wrap((given: Tensor) => {
        const g = inside ? tensor([-call, call]) : given;
        const before = take(a.grad);
        a.clearGrad();
        b.clearGrad();
        a.add(b).backward(g);
        return [before];
      });
      return (n) => {
        call = n;
        return [step(tensor([n, 1])), take(a.grad), take(b.grad)];
      };
    });
});

// ---- other axes, other devices, nested steps

test('the sum over other axes is another result', () => {
  same((wrap) => {
    const x = values([2, 3]);
    let axes = [0];
    const step = wrap(() => noGrad(() => x.sum(axes)));
    return (call) => {
      axes = call === 4 || call > 6 ? [0, 1] : [0];
      return step();
    };
  });
});
test('a number that changes the form of the command is recorded anew', () => {
  const x = { pow: [2, 3], permute: [2, 2, 2], slice: [4, 4] };
  const forms: Record<string, (x: Tensor, call: number) => Tensor> = {
    pow: (t, call) => t.pow([2, 2, 2, 3, 0.5, 2, -1, 1, 0, 2][call]),
    permute: (t, call) => t.permute(call < 4 ? [0, 2, 1] : call < 6 ? [2, 1, 0] : [1, 2, 0]),
    slice: (t, call) => t.slice([0, 2], call < 4 ? [0, 2] : call < 6 ? [0, 4, 2] : [3, 1, -1]),
  };
  for (const [name, form] of Object.entries(forms))
    same((wrap) => {
      const input = values(x[name as keyof typeof x]);
      let now = 0;
      const step = wrap(() => noGrad(() => form(input, now)));
      return (call) => {
        now = call;
        return step();
      };
    });
});
test('a tensor on another device follows', () => {
  const { reasons } = same((wrap) => {
    const x = tensor([1, 2]);
    setDefaultDevice(home);
    const [source, copy] = [tensor([1, 2]), tensor([0, 0])];
    setDefaultDevice(wasm);
    const step = wrap(() => {
      noGrad(() => copy.assign(source));
      return x.mul(2);
    });
    return (call) => {
      source.assign(source.upload(Float32Array.of(call, -call), 'float32'));
      return [step(), copy];
    };
  }, 14);
  assert.match(reasons[5], /it uses a tensor on reference/);
});
test('a compiled step inside a compiled step keeps its graph from the first call on', () => {
  const program =
    (inner: Wrap): Program =>
    (wrap) => {
      const w = leaf(1, 2);
      const part = inner((x: Tensor) => w.mul(x).sum());
      const step = wrap((x: Tensor) => {
        w.clearGrad();
        const loss = part(x);
        loss.backward();
        noGrad(() => w.assign(w.sub(w.grad as Tensor)));
        return loss;
      });
      return (call) => [step(tensor([call, 1])), w];
    };
  const plain = program((step) => step)((step) => step);
  const compiled = program((step) => compile(step))((step) => compile(step));
  for (let call = 0; call < 6; call++) assert.is(shown(compiled(call)), shown(plain(call)), `call ${call}`);
});

// ---- what outlives its call

const madeInStep =
  /a released tensor cannot be read; got .*'s result of shape \[2\]; it was made in a compiled step, whose tensors end with the call: return it from the step/;
const refusesStep = (e: Error): boolean => e instanceof GraphError && madeInStep.test(e.message);

test('a tensor that leaves the step by a variable cannot be read, used or differentiated', () => {
  const w = leaf(1, 2);
  let last: Tensor | undefined;
  const step = compile((x: Tensor) => {
    last = w.mul(x);
    return last.sum();
  });
  for (let call = 0; call < 6; call++) {
    step(tensor([call, 1]));
    const y = last as Tensor;
    assert.throws(() => y.dataSync(), refusesStep);
    assert.throws(() => y.add(1), refusesStep);
    assert.throws(() => y.backward(tensor([1, 1])), refusesStep);
  }
  assert.equal([step.mode, w.grad], ['compiled', null]);
});
test('a tensor of an earlier call cannot be used in a later one', () => {
  const w = leaf(1, 2);
  let last: Tensor | null = null;
  let uses = false;
  const step = compile((x: Tensor) => {
    const y = w.mul(x);
    const out = uses ? y.sub(last as Tensor) : y.sub(y);
    last = y;
    return out;
  });
  for (let call = 0; call < 6; call++) {
    uses = call === 4;
    const run = () => step(tensor([call, 1]));
    if (uses) assert.throws(run, refusesStep);
    else assert.equal([...run().dataSync()], [0, 0]);
  }
});
test('what is kept inside keeps its values', () => {
  const { modes, reasons } = same((wrap) => {
    const w = leaf(1, 2);
    const held: Tensor[] = [];
    let keeps = true;
    const step = wrap((x: Tensor) => {
      const y = w.mul(x);
      if (keeps) held.push(y.keep());
      return y.sum();
    });
    return (call) => {
      keeps = call < 3 || call === 6;
      return [step(tensor([call, 1])), held];
    };
  });
  assert.is(modes.at(-1), 'compiled');
  assert.match(reasons[2], /it keeps a tensor that it made/);
});
test('a kept result has its graph', () => {
  same((wrap) => {
    const w = leaf(1, 2);
    let keeps = false;
    const held: Tensor[] = [];
    const step = wrap((x: Tensor) => {
      const y = w.add(x);
      if (keeps) held.push(y.keep());
      return y.sum();
    });
    return (call) => {
      keeps = call === 4;
      const out = step(tensor([call, 1]));
      for (const y of held.splice(0)) y.backward(tensor([5, 6]));
      return [out, take(w.grad)];
    };
  });
});
test('a Parameter made of a result keeps its values', () => {
  same((wrap) => {
    const x = tensor([1, 2]);
    const made: Parameter[] = [];
    const step = wrap((s: Tensor) => {
      const y = x.mul(s);
      if (made.length < 3) made.push(new Parameter(y));
      return y.sum();
    });
    return (call) => [step(tensor([call, 1])), made];
  });
});
test('tensors in a Map, a Set or an object of a class are refused', () => {
  class Pair {
    constructor(
      readonly name: string,
      readonly value: Tensor,
    ) {}
  }
  const x = tensor([1, 2]);
  for (const hold of [
    (t: Tensor) => new Map([['y', t]]),
    (t: Tensor) => new Set([t]),
    (t: Tensor) => new Pair('y', t),
  ]) {
    const step = compile(() => ({ y: hold(x.mul(2)) }));
    for (let call = 0; call < 4; call++)
      assert.throws(
        step,
        (e: Error) =>
          e instanceof ValueError &&
          /^compile: a step returns tensors, in arrays or plain objects; got a (Map|Set|Pair); return the tensors it holds$/.test(
            e.message,
          ),
      );
  }
  const sum = compile(() => ({ total: x.sum(), at: new Date(0), raw: new Float32Array([1]) }));
  for (let call = 0; call < 4; call++) assert.equal(sum().at, new Date(0));
});
test('a step may return a model, whose parameters stay', () => {
  const model = new Linear(2, 1);
  const step = compile((x: Tensor) => ({ model, y: model.forward(x) }));
  for (let call = 0; call < 4; call++) {
    const { model: same, y } = step(tensor([[call, 1]]));
    assert.is(same, model);
    assert.instance(same, Module);
    assert.is(y.dataSync().length, 1);
  }
});
test('one tensor that stands twice in a result is one', () => {
  const step = compile((x: Tensor) => {
    const y = x.mul(2);
    return [y, y];
  });
  for (let call = 0; call < 4; call++) {
    const [a, b] = step(tensor([1]));
    assert.is(a, b);
  }
});

test.run();
