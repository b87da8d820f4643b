/** Module.clone(), and the prefix of stateDict and loadStateDict. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  BatchNorm2d,
  Conv2d,
  Dropout,
  Linear,
  MaxPool2d,
  Module,
  ModuleDict,
  ModuleList,
  Parameter,
  RandomState,
  randn,
  Sequential,
  SGD,
  type Tensor,
  tensor,
  unpoolLike,
} from '../../src/index.js';

const test = suite('nn/clone');
const says = (make: () => unknown, message: string): void => {
  assert.throws(make, (error: Error) => error.message.startsWith(message) || assert.is(error.message, message));
};

class Autoencoder extends Module {
  encoder = new Conv2d(1, 2, 3, { padding: 'same' });
  norm = new BatchNorm2d(2);
  pool = new MaxPool2d(2);
  unpool = unpoolLike(this.pool);
  decoder = new Conv2d(2, 1, 3, { padding: 'same' });
  constructor(readonly scale: number) {
    super();
  }
  forward(x: Tensor): Tensor {
    const [h] = this.pool.forward(this.norm.forward(this.encoder.forward(x)));
    return this.decoder.forward(this.unpool.forward(h)).mul(this.scale);
  }
}
const values = (module: Module): number[][] => Object.values(module.stateDict()).map((t) => [...t.dataSync()]);

test('a copy computes the same, and is trained on its own', () => {
  const model = new Autoencoder(2);
  model.norm.eval();
  model.encoder.requireGrad(false);
  const copy = model.clone();
  assert.instance(copy, Autoencoder);
  assert.is(copy.scale, 2);
  assert.is(copy.norm.training, false);
  assert.is(copy.training, true);
  assert.equal(
    copy.namedParameters().map(([name, p]) => [name, p.requiresGrad]),
    model.namedParameters().map(([name, p]) => [name, p.requiresGrad]),
  );
  assert.equal(values(copy), values(model));
  assert.ok(copy.buffers().every((b) => b.kept && !(b instanceof Parameter)));
  const x = randn([1, 4, 4, 1]);
  assert.equal([...copy.forward(x).dataSync()], [...model.forward(x).dataSync()]);

  const before = values(model);
  const optimizer = new SGD(copy.parameters(), { lr: 0.1 });
  copy.train();
  copy.forward(x).sum().backward();
  optimizer.step();
  assert.equal(values(model), before);
  assert.is.not(JSON.stringify(values(copy)), JSON.stringify(before));
  assert.ok(model.parameters().every((p) => p.grad === null));
});

test("the copy's decoder follows the copy's pool, and a decoder copied alone follows the old one", () => {
  const model = new Autoencoder(1);
  const copy = model.clone();
  copy.forward(randn([1, 4, 4, 1]));
  says(() => model.unpool.forward(randn([1, 2, 2, 2])), 'lastIndices: the pool must have run');
  model.forward(randn([1, 4, 4, 1]));
  assert.is(model.unpool.clone().forward(randn([1, 2, 2, 2])).size, 32);
});

test('what is shared is shared in the copy: parameters, modules, arrays', () => {
  class Tied extends Module {
    weight = new Parameter(tensor([1, 2]));
    same = this.weight;
    a = new Linear(2, 2);
    b = [this.a, { c: this.a }];
    sizes = Object.freeze([1, 2]);
    alsoSizes = this.sizes;
    self: Module = this;
    forward(x: Tensor): Tensor {
      return x;
    }
  }
  const tied = new Tied();
  const copy = tied.clone();
  assert.is(copy.same, copy.weight);
  assert.is.not(copy.weight, tied.weight);
  assert.is(copy.b[0], copy.a);
  assert.is((copy.b[1] as { c: Module }).c, copy.a);
  assert.is(copy.alsoSizes, copy.sizes);
  assert.is.not(copy.sizes, tied.sizes);
  assert.ok(Object.isFrozen(copy.sizes));
  assert.is(copy.self, copy);
  assert.equal(Object.keys(copy.stateDict()), Object.keys(tied.stateDict()));
});

test('Maps, Sets, typed arrays and accessors are copied; generators and functions are shared', () => {
  const random = new RandomState(1);
  class Odd extends Module {
    dropout = new Dropout(0.5, { random });
    map = new Map<string, Tensor>([['a', tensor([1])]]);
    set = new Set([1, 2]);
    table = Float32Array.of(1, 2);
    act = (x: Tensor): Tensor => x.relu();
    [0] = new Linear(1, 1);
    forward(x: Tensor): Tensor {
      return this.act(x);
    }
  }
  const odd = new Odd();
  Object.defineProperty(odd, 'hidden', { value: tensor([3]), enumerable: false });
  Object.defineProperty(odd, 'twice', { get: () => 2, enumerable: true });
  const copy = odd.clone() as Odd & { hidden: Tensor; twice: number };
  assert.is(copy.dropout.random, random);
  assert.is.not(copy.map.get('a'), odd.map.get('a'));
  assert.equal([...copy.set], [1, 2]);
  assert.is.not(copy.set, odd.set);
  assert.equal(copy.table, Float32Array.of(1, 2));
  assert.is.not(copy.table.buffer, odd.table.buffer);
  assert.is(copy.act, odd.act);
  assert.is(copy.twice, 2);
  assert.is(Object.keys(copy).includes('hidden'), false);
  assert.is.not(copy.hidden, (odd as unknown as { hidden: Tensor }).hidden);
  assert.is(copy.hidden.itemSync(), 3);
});

test('a clone of a list, a dictionary and a Sequential works as one', () => {
  const list = new ModuleList([new Linear(1, 2)]).clone();
  list.append(new Linear(2, 1));
  assert.is(list.length, 2);
  const dict = new ModuleDict({ a: new Linear(1, 1) }).clone();
  assert.is(dict.set('b', new Linear(1, 1)).size, 2);
  assert.is(new Sequential(new Linear(1, 1)).clone().forward(tensor([[1]])).size, 1);
});

test('a buffer with a graph becomes a leaf', () => {
  class Held extends Module {
    weight = new Parameter(tensor([2]));
    square: Tensor = this.weight.mul(this.weight);
    forward(): Tensor {
      return this.square;
    }
  }
  const copy = new Held().clone();
  assert.is(copy.square.node, null);
  assert.is(copy.square.itemSync(), 4);
});

test('private fields are refused by the name of the class, anywhere in the model', () => {
  class Secret extends Module {
    #factor = 2;
    forward(x: Tensor): Tensor {
      return x.mul(this.#factor);
    }
  }
  class Below extends Secret {}
  says(
    () => new Sequential(new Below()).clone(),
    'Sequential.clone: classes must have no private (#) fields; got the class Secret; ' +
      "use TypeScript's private; for tensors and modules that are not to be trained, a property that is not enumerable",
  );
  // A class that only mentions a number sign is no such class.
  class Colour extends Module {
    colour = ' #fff';
    forward(x: Tensor): Tensor {
      return x;
    }
  }
  assert.is(new Colour().clone().colour, ' #fff');
});

test('every layer of the library can be copied', async () => {
  const nn = (await import('../../src/nn/index.js')) as Record<string, unknown>;
  const classes = Object.values(nn).filter(
    (value): value is typeof Module => typeof value === 'function' && value.prototype instanceof Module,
  );
  assert.ok(classes.length > 20);
  const secret = classes.filter((c) => /[\w$)\]]\??\.#[A-Za-z_$]/.test(String(c)));
  assert.equal(
    secret.map((c) => c.name),
    [],
  );
});

// ---- prefix

test('a prefix stands before every name', () => {
  const layer = new Linear(1, 1);
  assert.equal(Object.keys(layer.stateDict({ prefix: 'encoder.' })), ['encoder.weight', 'encoder.bias']);
  says(() => layer.stateDict({ prefix: 1 as never }), 'Linear.stateDict: prefix must be text; got prefix=1');
});

test("a part is loaded from the state of the whole, by the part's names", () => {
  const whole = new Sequential(new Linear(2, 2), new Linear(2, 2));
  const part = new Linear(2, 2);
  assert.equal(part.loadStateDict(whole.stateDict(), { prefix: '1.' }), { missing: [], unexpected: [] });
  assert.equal([...part.weight.dataSync()], [...(whole[1] as Linear).weight.dataSync()]);
  const { '1.bias': _, ...without } = whole.stateDict();
  says(() => part.loadStateDict(without, { prefix: '1.' }), 'Linear.loadStateDict: names, shapes and dtypes must be');
  assert.equal(part.loadStateDict(without, { prefix: '1.', strict: false }).missing, ['bias']);
  says(
    () => part.loadStateDict(whole.stateDict(), { prefix: 'one' }),
    "Linear.loadStateDict: a name must begin with the prefix 'one'; got ['0.weight','0.bias','1.weight','1.bias']; " +
      "a prefix ends with a dot, as in 'encoder.'",
  );
});

test.run();
