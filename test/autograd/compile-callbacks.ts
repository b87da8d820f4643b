/**
 * Gradient hooks and customGrad under compile: the program's functions run at every call, and the
 * results are bit for bit those of the plain step. Each case runs a step twice on the wasm device,
 * plainly and compiled. Not here: the rest of compile (compile.ts, compile-state.ts).
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  type CompiledStep,
  compile,
  customGrad,
  type Device,
  defaultDevice,
  device,
  enableGrad,
  noGrad,
  RandomState,
  SGD,
  setDefaultDevice,
  type Tensor,
  tensor,
} from '../../src/index.js';

const test = suite('compile/callbacks');
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

/** What a case sets up anew for each of the two runs. */
interface Case {
  readonly step: (call: number) => readonly Tensor[];
  /** What is called around the step, with the number of the call. */
  readonly around?: (call: number) => void;
  /** Tensors to compare besides the results. */
  readonly state?: readonly Tensor[];
  /** Anything else to compare at the end. */
  readonly log?: readonly unknown[];
}
type Compiled = CompiledStep<readonly [], readonly Tensor[]>;

const bits = (t: Tensor | null): string => (t === null ? 'null' : [...new Uint8Array(t.dataSync().buffer)].join());

/** Checks that the compiled run gives the same bits. Returns the modes of its calls, and it. */
function sameBits(setup: () => Case, calls = 10): { modes: string[]; compiled: Compiled } {
  let compiled: Compiled | undefined;
  const modes: string[] = [];
  const run = (wrap: (step: () => readonly Tensor[]) => () => readonly Tensor[]): string[] => {
    const { step, around, state = [], log = [] } = setup();
    let call = 0;
    const wrapped = wrap(() => step(call));
    const out: string[] = [];
    for (; call < calls; call++) {
      around?.(call);
      out.push([...wrapped(), ...state].map(bits).join('|'));
      if (compiled !== undefined) modes.push(compiled.mode);
    }
    return [...out, JSON.stringify(log)];
  };
  const plain = run((step) => step);
  const got = run((step) => {
    compiled = compile(step);
    return compiled;
  });
  plain.forEach((want, call) => {
    assert.is(got[call], want, `call ${call}, ${compiled?.reason}`);
  });
  return { modes, compiled: compiled as Compiled };
}
const replayed = ({ modes, compiled }: { modes: string[]; compiled: Compiled }): void => {
  const all = ['eager', 'recorded', ...modes.slice(2).map(() => 'compiled')];
  assert.equal(modes, all, compiled.reason);
};

const leaf = (values: number[]): Tensor => tensor(values, { requiresGrad: true }).keep();
const values = (seed: number, size = 4): number[] => [...new RandomState(seed).randn(size)];

/** One step of SGD on a small model. `change` gets what the model computes in between. */
function trained(
  change: (h: Tensor, call: number) => Tensor,
  prepare: (w: Tensor) => Partial<Case> | undefined = () => undefined,
): Case {
  const w = leaf(values(1));
  const x = tensor(values(2)).keep();
  const optimizer = new SGD([w], { lr: 0.1, momentum: 0.9 });
  const more = prepare(w) ?? {};
  return {
    state: [w],
    ...more,
    step: (call) => {
      optimizer.zeroGrad();
      const h = change(w.mul(x).tanh(), call);
      const loss = h.mul(h).add(w.mul(0.1)).sum();
      loss.backward();
      optimizer.step();
      return [loss, w.grad as Tensor];
    },
  };
}

test('a hook of a parameter is part of the recording', () => {
  replayed(
    sameBits(() =>
      trained(
        (h) => h,
        (w) => void w.registerHook((g) => g.clamp(-0.05, 0.05)),
      ),
    ),
  );
});

test('a hook of a result that the step makes is part of the recording, with numbers that change', () => {
  const { modes, compiled } = sameBits(() =>
    trained((h, call) => {
      h.registerHook((g) => g.mul(1 / (1 + call)));
      return h;
    }),
  );
  replayed({ modes, compiled });
  assert.is(compiled.reason, '');
});

test('a hook that only looks is called once per call, and its values are those of the call', () => {
  replayed(
    sameBits(() => {
      const log: number[] = [];
      return trained(
        (h) => h,
        (w) => {
          w.registerHook((g) => {
            log.push(g.sum().itemSync());
          });
          return { log };
        },
      );
    }),
  );
});

test('customGrad is part of the recording, with saved tensors and numbers that change', () => {
  const result = sameBits(() => {
    let scale = 1;
    const exponential = customGrad(
      ([t], save) => {
        const y = t.exp();
        save(y);
        return y;
      },
      (g, [y]) => g.mul(y).mul(-scale),
    );
    return trained((h, call) => {
      scale = 0.5 + call;
      return exponential(h);
    });
  });
  replayed(result);
  assert.is(result.compiled.reason, '');
});

test('a customGrad that is made anew in every call is part of the recording, too', () => {
  replayed(
    sameBits(() =>
      trained((h, call) =>
        customGrad(
          ([t]) => t,
          (g) => g.mul(call),
        )(h),
      ),
    ),
  );
});

test('hooks and customGrad of several tensors run in order', () => {
  replayed(
    sameBits(() => {
      const log: string[] = [];
      const halve = customGrad(
        ([t], save) => {
          save(t);
          return t.mul(1);
        },
        (g, [t]) => {
          log.push('rule');
          return g.mul(0.5).add(t.mul(0.01));
        },
      );
      return trained(
        (h) => {
          const y = halve(h);
          y.registerHook((g) => {
            log.push('first');
            return g.mul(2);
          });
          y.registerHook((g) => {
            log.push('second');
            return g.add(0.1);
          });
          return y;
        },
        (w) => {
          w.registerHook((g) => {
            log.push('leaf');
            return g.neg();
          });
          return { log };
        },
      );
    }),
  );
});

test('state that a hook changes in place, and noise that it makes, stay live', () => {
  replayed(
    sameBits(() => {
      const mean = tensor([0, 0, 0, 0]).keep();
      const random = new RandomState(7);
      return trained(
        (h) => h,
        (w) => {
          w.registerHook((g) => {
            mean.assign(mean.mul(0.9).add(g.mul(0.1)));
            return mean.add(tensor(Float32Array.from(random.randn(4))));
          });
          return { state: [w, mean] };
        },
      );
    }),
  );
});

test('a hook that does something else leaves the recording, and every hook runs once', () => {
  const { modes, compiled } = sameBits(() => {
    const log: string[] = [];
    const total = tensor([0, 0, 0, 0]).keep();
    return trained(
      (h, call) => {
        h.registerHook((g) => {
          log.push(`h ${call}`);
          total.assign(total.add(g));
          return g.mul(2);
        });
        const y = h.add(1);
        y.registerHook((g) => {
          log.push(`y ${call}`);
          const doubled = g.mul(2);
          return call % 4 === 3 ? doubled.neg().add(1) : doubled;
        });
        const z = y.mul(3);
        z.registerHook((g) => {
          log.push(`z ${call}`);
          total.assign(total.add(g.abs()));
          return total.mul(0.1);
        });
        return z;
      },
      (w) => {
        w.registerHook((g) => {
          log.push('w');
          return g.mul(0.5);
        });
        return { state: [w, total], log };
      },
    );
  }, 14);
  const round = ['recorded', 'compiled', 'compiled', 'eager'];
  assert.equal(modes.slice(0, 12), ['eager', 'recorded', 'compiled', 'eager', ...round, ...round]);
  assert.match(compiled.reason, 'became');
});
test('a hook that does less, or returns another tensor, leaves the recording', () => {
  const { compiled } = sameBits(() => {
    const other = tensor([1, 2, 3, 4]).keep();
    return trained((h, call) => {
      h.registerHook((g) => (call < 5 ? g.mul(2) : call < 8 ? other : null));
      return h;
    });
  }, 12);
  assert.is(compiled.mode, 'compiled');
  assert.match(compiled.reason, 'a function that backward() calls returned another tensor, or ended earlier');
});

test('a gradient that a hook decides by its values', () => {
  sameBits(
    () =>
      trained(
        (h) => h,
        (w) => void w.registerHook((g) => (g.abs().max().itemSync() > 0.5 ? g.mul(0.1) : g)),
      ),
    14,
  );
});

test('hooks that are added or removed between calls', () => {
  const { compiled } = sameBits(() => {
    let remove = (): void => {};
    let parameter: Tensor;
    return trained(
      (h) => h,
      (w) => {
        parameter = w;
        return {
          state: [w],
          around: (call) => {
            if (call === 4) remove = parameter.registerHook((g) => g.mul(3));
            if (call === 8) remove();
          },
        };
      },
    );
  }, 12);
  assert.is(compiled.mode, 'compiled');
  assert.is(compiled.reason, 'hooks were added or removed');
});

test('a hook of the root, whose gradient backward() makes, may change it in place', () => {
  replayed(
    sameBits(() => {
      const w = leaf([1, 2]);
      return {
        state: [w],
        step: () => {
          w.clearGrad();
          const loss = w.mul(w).sum();
          loss.registerHook((g) => noGrad(() => g.assign(g.mul(2))));
          loss.backward();
          return [loss, w.grad as Tensor];
        },
      };
    }),
  );
});

test('a hook of a leaf that gets one edge or the given gradient itself', () => {
  replayed(
    sameBits(() => {
      const w = leaf([1, 2]);
      const given = tensor([3, 4]).keep();
      w.registerHook((g) => g.mul(2));
      return {
        step: () => {
          w.clearGrad();
          const y = w.add(1);
          y.registerHook(() => null);
          y.backward(given);
          return [y, w.grad as Tensor];
        },
      };
    }),
  );
});

test('a hook that throws: the error comes through, and the recording stays', () => {
  const w = leaf([1, 2]);
  let fail = false;
  w.registerHook((g) => {
    if (fail) throw new Error('stop');
    return g.mul(2);
  });
  const step = compile(() => {
    w.clearGrad();
    w.mul(w).sum().backward();
    return w.grad as Tensor;
  });
  for (let i = 0; i < 3; i++) step();
  fail = true;
  assert.throws(() => step(), /^stop$/);
  fail = false;
  assert.equal([...step().dataSync()], [4, 8]);
  assert.is(step.mode, 'compiled');
});

test('a backward() in a hook is not recorded, and says so', () => {
  const { compiled } = sameBits(() => {
    const other = leaf([5, 6, 7, 8]);
    return trained(
      (h) => h,
      (w) => {
        w.registerHook((g) => {
          other.clearGrad();
          enableGrad(() => other.mul(other).sum().backward());
          return g.add(other.grad as Tensor);
        });
      },
    );
  });
  assert.is(compiled.mode, 'eager');
  assert.match(compiled.reason, /backward\(\) in a hook|graph that was made outside/);
});

test('the memory of a recording with hooks is given back', () => {
  const w = leaf([1, 2]);
  w.registerHook((g) => g.mul(2));
  const f = customGrad(
    ([t], save) => {
      save(t);
      return t.mul(t);
    },
    (g, [t]) => g.mul(t).mul(2),
  );
  const before = wasm.memory().tensors;
  const step = compile(() => {
    w.clearGrad();
    f(w).sum().backward();
  });
  for (let i = 0; i < 5; i++) step();
  assert.is(step.mode, 'compiled');
  const during = wasm.memory().tensors;
  for (let i = 0; i < 5; i++) step();
  assert.is(wasm.memory().tensors, during);
  step.dispose();
  w.clearGrad();
  assert.is(wasm.memory().tensors, before);
});

test.run();
