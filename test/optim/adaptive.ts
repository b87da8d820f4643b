/**
 * Adagrad, Adamax, NAdam and RAdam compared with PyTorch's numbers (test/fixtures/optimizers.json,
 * made by gen_optim.py).
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  Adagrad,
  Adamax,
  type DType,
  NAdam,
  type Optimizer,
  type OptimizerState,
  Parameter,
  RAdam,
  tensor,
} from '../../src/index.js';
import stored from '../fixtures/optimizers.json' with { type: 'json' };
import { closeTo } from '../helpers/close.js';

const test = suite('optim/adaptive');
const makers = { Adagrad, Adamax, NAdam, RAdam };
type Name = keyof typeof makers;
const { start, gradients, cases } = stored;

const make = (name: Name, p: Parameter, options: object = {}): Optimizer =>
  new makers[name]([p], options) as unknown as Optimizer;
/** `weight_decay` as it is written here. */
const spelt = (options: object): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(options).map(([name, v]) => [name.replace(/_(\w)/g, (_, letter) => letter.toUpperCase()), v]),
  );
/** Gives the gradients from step `from` on, and calls `see` after each step. */
function train(optimizer: Optimizer, p: Parameter, see: (step: number) => void, from = 0): void {
  gradients.slice(from).forEach((gradient, i) => {
    optimizer.zeroGrad();
    p.grad = tensor(gradient, { dtype: p.dtype });
    optimizer.step();
    see(from + i);
  });
}

assert.is(cases.length, 28);
for (const { optimizer: name, options, after } of cases)
  for (const [dtype, tolerance] of [
    ['float64', 1e-12],
    ['float32', 2e-5],
  ] as [DType, number][])
    test(`PyTorch's ${name} ${JSON.stringify(options)}, ${dtype}`, () => {
      const p = new Parameter(tensor(start, { dtype }));
      train(make(name as Name, p, spelt(options)), p, (step) => {
        closeTo(p.dataSync(), after[step], tolerance, `step ${step + 1}`);
      });
    });

for (const name of Object.keys(makers) as Name[]) {
  test(`${name} goes on from a state dictionary, bit for bit`, () => {
    const options = { lr: 0.05, weightDecay: 0.1 };
    const first = new Parameter(tensor(start));
    const whole = make(name, first, options);
    let saved: { state: OptimizerState; values: number[] } | undefined;
    train(whole, first, (step) => {
      if (step !== 3) return;
      const { groups, state } = whole.stateDict();
      const [own] = Object.values(state);
      const tensors = Object.fromEntries(Object.entries(own.tensors).map(([key, t]) => [key, t.clone().keep()]));
      // What is not a tensor goes through JSON, as in a checkpoint.
      const rest = JSON.parse(JSON.stringify({ groups, own: { ...own, tensors: undefined } }));
      saved = { state: { groups: rest.groups, state: { 0: { ...rest.own, tensors } } }, values: [...first.dataSync()] };
    });
    assert.ok(saved);
    const second = new Parameter(tensor(saved.values));
    const resumed = make(name, second);
    resumed.loadStateDict(saved.state);
    train(resumed, second, () => {}, 4);
    assert.equal([...second.dataSync()], [...first.dataSync()]);
  });

  test(`${name} leaves a parameter without a gradient alone, and counts steps for each`, () => {
    const [early, late] = [new Parameter(tensor([1])), new Parameter(tensor([1]))];
    const optimizer = new makers[name]([early, late], { lr: 0.1 }) as unknown as Optimizer;
    for (const parameters of [[early], [early, late]]) {
      optimizer.zeroGrad();
      for (const p of parameters) p.grad = tensor([2]);
      optimizer.step();
      if (parameters.length === 1) assert.is(late.itemSync(), 1);
    }
    const alone = new Parameter(tensor([1]));
    const other = make(name, alone, { lr: 0.1 });
    alone.grad = tensor([2]);
    other.step();
    assert.is(late.itemSync(), alone.itemSync());
  });

  test(`${name}'s options out of range`, () => {
    const p = new Parameter(tensor([1]));
    assert.throws(() => make(name, p, { lr: -1 }), `${name}: lr must be finite and not negative; got lr=-1`);
    assert.throws(() => make(name, p, { eps: Number.NaN }), `${name}: eps must be`);
    assert.throws(() => make(name, p, { weight_decay: 1 }), /did you mean weightDecay\?/);
    assert.throws(() => make(name, p, { maximize: true }), /negate the loss/);
    if (name === 'Adagrad') return;
    assert.throws(() => make(name, p, { betas: [0.9, 1] }), `${name}: beta2 must be in [0, 1)`);
    assert.throws(() => make(name, p, { betas: 0.9 }), `${name}: betas must be [beta1, beta2]; got betas=0.9`);
  });
}

test('the product of momenta belongs to the state of NAdam', () => {
  const p = new Parameter(tensor(start));
  const optimizer = new NAdam([p]);
  p.grad = tensor(gradients[0]);
  optimizer.step();
  const { groups, state } = optimizer.stateDict();
  // μ₁ = 0.9·(1 − ½·0.96^0.004)
  closeTo([state[0].numbers?.muProduct ?? 0], [0.45007347359129607], 1e-12);
  const message = 'NAdam.loadStateDict: the state of a parameter must be (m, muProduct, v)';
  const { numbers: _, ...without } = state[0];
  assert.throws(() => optimizer.loadStateDict({ groups, state: { 0: without } }), message);
  assert.throws(
    () => optimizer.loadStateDict({ groups, state: { 0: { ...state[0], numbers: { muProduct: Number.NaN } } } }),
    'NAdam.loadStateDict: muProduct must be a finite number; got muProduct=NaN',
  );
});

test.run();
