/** Module: walking, naming, state dictionaries, modes, printing. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ReferenceDevice } from '../../src/device/reference/index.js';
import * as c from '../../src/index.js';
import {
  Adam,
  BatchNorm2d,
  Conv2d,
  ConvTranspose2d,
  Dropout,
  defaultDevice,
  Flatten,
  GroupNorm,
  Linear,
  MaxPool2d,
  MaxUnpool2d,
  Module,
  noGrad,
  Parameter,
  ReLU,
  relu,
  Schedule,
  Sequential,
  type Tensor,
  tensor,
  ValueError,
  zeros,
} from '../../src/index.js';

const test = suite('nn/module');

class Net extends Module {
  readonly scale = new Parameter(tensor([2]));
  readonly layers = [new Linear(2, 3), new Linear(3, 2)];
  readonly offset = tensor([5]).keep();
  readonly head = new Linear(2, 1, { bias: false });
  readonly notes = ['text', 1, null];
  readonly #hidden = new Linear(2, 2);
  forward(x: Tensor): Tensor {
    return this.head
      .forward(this.layers[1].forward(relu(this.layers[0].forward(x))))
      .mul(this.scale)
      .add(this.offset);
  }
  get hidden(): Linear {
    return this.#hidden;
  }
}

test('finds parameters, buffers and submodules in order of definition', () => {
  const net = new Net();
  assert.equal(
    net.namedParameters().map(([name]) => name),
    ['scale', 'layers.0.weight', 'layers.0.bias', 'layers.1.weight', 'layers.1.bias', 'head.weight'],
  );
  assert.equal(
    net.namedBuffers().map(([name]) => name),
    ['offset'],
  );
  assert.equal(Object.keys(net.stateDict()), [
    'scale',
    'layers.0.weight',
    'layers.0.bias',
    'layers.1.weight',
    'layers.1.bias',
    'offset',
    'head.weight',
  ]);
  assert.equal(
    net.namedModules().map(([name, m]) => `${name}:${m.constructor.name}`),
    [':Net', 'layers.0:Linear', 'layers.1:Linear', 'head:Linear'],
  );
  assert.equal(
    net.namedChildren().map(([name]) => name),
    ['layers.0', 'layers.1', 'head'],
  );
  assert.is(net.parameters().length, 6);
  assert.is(net.buffers()[0], net.offset);
  assert.not.ok(net.parameters().includes(net.hidden.weight));
});

test('counts what is shared once, and survives cycles', () => {
  class Tied extends Module {
    readonly first = new Linear(2, 2);
    readonly second = new Linear(2, 2);
    readonly again = this.first;
    readonly tied: Parameter;
    parent: Module | null = null;
    constructor() {
      super();
      this.tied = this.second.weight;
      this.parent = this;
    }
    forward(x: Tensor): Tensor {
      return x;
    }
  }
  const net = new Tied();
  assert.equal(
    net.namedParameters().map(([name]) => name),
    ['first.weight', 'first.bias', 'second.weight', 'second.bias'],
  );
  assert.is(net.namedModules().length, 3);
  assert.match(net.toString(), '(parent): Tied(…)');
  net.to('float64');
  assert.is(net.tied, net.second.weight);
  assert.is(net.tied.dtype, 'float64');
});

test('Sequential names its layers 0, 1, … and passes on the first of several results', () => {
  const net = new Sequential(
    new Conv2d(1, 2, 3, { padding: 'same' }),
    new ReLU(),
    new MaxPool2d(2),
    new Flatten(),
    new Linear(8, 3),
  );
  assert.equal(
    net.namedParameters().map(([name]) => name),
    ['0.weight', '0.bias', '4.weight', '4.bias'],
  );
  assert.equal(net.forward(zeros([2, 4, 4, 1])).shape, [2, 3]);
  const shared = new ReLU();
  assert.is(new Sequential(shared, shared).layers.length, 2);
  assert.throws(() => new Sequential(relu as unknown as ReLU), /Sequential: layers must be modules; got layer 0=/);
});

test('modules and tensors in plain objects, Maps and nested arrays are found', () => {
  class Held extends Module {
    readonly heads = { left: new Linear(1, 1), right: [new Linear(1, 1, { bias: false })] };
    readonly byName = new Map<string, unknown>([['main', new Linear(1, 2, { bias: false })]]);
    readonly grid = [[new Linear(2, 1, { bias: false })]];
    readonly options = { size: [1, 2], nothing: null };
    readonly dates = [new Date()];
    override forward(): void {}
  }
  const held = new Held();
  const names = [
    'heads.left.weight',
    'heads.left.bias',
    'heads.right.0.weight',
    'byName.main.weight',
    'grid.0.0.weight',
  ];
  assert.equal(Object.keys(held.stateDict()), names);
  assert.is(held.parameters().length, 5);
  const byName = held.byName.get('main') as Linear;
  held.to('float64');
  assert.is(held.heads.right[0].weight.dtype, 'float64');
  assert.is(byName.weight.dtype, 'float64');
  held.eval();
  assert.is(byName.training, false);
});

test('what a module cannot name is refused', () => {
  class Grouped extends Module {
    static override readonly title = 'Grouped';
    readonly group = new Set([new Linear(1, 1)]);
    override forward(): void {}
  }
  assert.throws(
    () => new Grouped().parameters(),
    /Grouped: a Set must hold no modules or tensors; got the field group; use an/,
  );
  class Twice extends Module {
    readonly byKey = new Map<unknown, unknown>([
      [1, zeros([1])],
      ['1', zeros([1])],
    ]);
    override forward(): void {}
  }
  assert.throws(() => new Twice().stateDict(), /Module: two parameters or buffers must not have one name; got byKey.1/);
  class Circle extends Module {
    readonly self: unknown[] = [];
    constructor() {
      super();
      this.self.push(this.self, zeros([1]));
    }
    override forward(): void {}
  }
  assert.equal(Object.keys(new Circle().stateDict()), ['self.1']);
});

test('stateDict is a live view outside graph and scopes', () => {
  const layer = new Linear(2, 1);
  const dict = noGrad(() => {
    const inner = layer.stateDict();
    return () => inner;
  })();
  assert.not.ok(dict.weight.requiresGrad);
  noGrad(() => {
    layer.weight.assign(tensor([[7], [8]]));
  });
  assert.equal([...dict.weight.dataSync()], [7, 8]);
});

test('loadStateDict copies values and reports what differs', () => {
  const [from, to] = [new Net(), new Net()];
  assert.equal(to.loadStateDict(from.stateDict()), { missing: [], unexpected: [] });
  const x = tensor([[1, -2]]);
  assert.equal([...to.forward(x).dataSync()], [...from.forward(x).dataSync()]);
  noGrad(() => {
    from.scale.assign(tensor([9]));
  });
  assert.is(to.scale.itemSync(), 2);
  const partial = { scale: tensor([3]), extra: tensor([1]) };
  const report = to.loadStateDict(partial, { strict: false });
  assert.equal(report.unexpected, ['extra']);
  assert.equal(report.missing, [
    'layers.0.weight',
    'layers.0.bias',
    'layers.1.weight',
    'layers.1.bias',
    'offset',
    'head.weight',
  ]);
  assert.is(to.scale.itemSync(), 3);
});

test('loadStateDict loads all or nothing, and lists every mismatch', () => {
  const net = new Net();
  const before = [...net.scale.dataSync()];
  const dict: Record<string, Tensor> = {
    ...new Net().stateDict(),
    scale: tensor([100]),
    'layers.1.bias': zeros([3]),
    offset: zeros([1], { dtype: 'float64' }),
    more: zeros([1]),
  };
  delete dict['head.weight'];
  let message = '';
  try {
    net.loadStateDict(dict);
  } catch (error) {
    assert.instance(error, ValueError);
    message = (error as Error).message;
  }
  assert.is(
    message,
    "Module.loadStateDict: names, shapes and dtypes must be the module's; got missing head.weight; unexpected more; layers.1.bias [3] float32 for [2] float32; offset [1] float64 for [1] float32; nothing was loaded",
  );
  assert.equal([...net.scale.dataSync()], before);
  // Shapes stay strict when names need not be.
  assert.throws(
    () => net.loadStateDict({ scale: zeros([2]) }, { strict: false }),
    /scale \[2\] float32 for \[1\] float32/,
  );
  const gone = zeros([1]);
  const released = { ...new Net().stateDict(), scale: tensor([100]), offset: gone };
  gone.release();
  assert.throws(() => net.loadStateDict(released), /released/);
  assert.equal([...net.scale.dataSync()], before);
});

test('loading does not detach the optimizer: the parameters stay the same objects', () => {
  const net = new Net();
  const parameters = net.parameters();
  net.loadStateDict(new Net().stateDict());
  assert.equal(
    net.parameters().every((p, i) => p === parameters[i]),
    true,
  );
});

test('train, eval, apply, requireGrad and zeroGrad reach every level', () => {
  const net = new Sequential(new Sequential(new Dropout()), new Linear(1, 1));
  assert.is(net.eval(), net);
  assert.ok(net.namedModules().every(([, m]) => !m.training));
  assert.is(net.train(), net);
  assert.ok(net.namedModules().every(([, m]) => m.training));
  const order: string[] = [];
  net.apply((m) => order.push(m.constructor.name));
  assert.equal(order, ['Linear', 'Dropout', 'Sequential', 'Sequential']);
  net.requireGrad(false);
  assert.ok(net.parameters().every((p) => !p.requiresGrad));
  net.requireGrad();
  net
    .forward(tensor([[1]]))
    .sum()
    .backward();
  assert.ok(net.parameters().every((p) => p.grad !== null));
  net.zeroGrad();
  assert.ok(net.parameters().every((p) => p.grad === null));
});

test('to moves parameters and buffers to a device or a float type', () => {
  const other = new ReferenceDevice();
  const net = new BatchNorm2d(2);
  net.requireGrad(false);
  const weight = net.weight;
  assert.is(net.to(defaultDevice()).weight, weight);
  net.to(other);
  for (const t of [...net.parameters(), ...net.buffers()]) assert.is(t.device, other);
  assert.instance(net.weight, Parameter);
  assert.not.ok(net.weight?.requiresGrad);
  noGrad(() => net.to(defaultDevice()).to('float64'));
  assert.equal([...(net.weight as Tensor).dataSync(), ...(net.runningVar as Tensor).dataSync()], [1, 1, 1, 1]);
  assert.is(net.runningVar?.dtype, 'float64');
  assert.throws(() => net.to('int32'), /BatchNorm2d.to: dtype must be float32 or float64; got dtype=int32/);
});

test('prints as PyTorch does', () => {
  assert.is(
    new Sequential(
      new Conv2d(3, 8, 3, { padding: 'same' }),
      new Sequential(new ReLU(), new Dropout(0.25)),
      new ConvTranspose2d(8, 4, [2, 3], { stride: 2, groups: 2, bias: false }),
    ).toString(),
    [
      'Sequential(',
      '  (0): Conv2d(3, 8, kernelSize=[3,3], padding=same)',
      '  (1): Sequential(',
      '    (0): ReLU()',
      '    (1): Dropout(0.25)',
      '  )',
      '  (2): ConvTranspose2d(8, 4, kernelSize=[2,3], stride=[2,2], groups=2, bias=false)',
      ')',
    ].join('\n'),
  );
});

test('classes have the same names where a minifier renamed them', () => {
  const classes = Object.entries(c).filter(
    ([, value]) =>
      typeof value === 'function' && (value.prototype instanceof Module || value.prototype instanceof Schedule),
  );
  assert.ok(classes.length > 30, `${classes.length} classes`);
  for (const [name, made] of classes) {
    if (name === 'WindowLayer' || name === 'MaxPooling') continue;
    assert.is((made as typeof Module).title, name);
    assert.ok(Object.hasOwn(made, 'title'), name);
  }
  class Renamed extends Linear {}
  class Own extends Module {
    static override readonly title = 'Own';
    readonly inner = new Renamed(1, 1);
    override forward(): void {}
  }
  for (const made of [Renamed, Own]) Object.defineProperty(made, 'name', { value: 'e' });
  const wrong = 'yes' as unknown as boolean;
  assert.throws(() => new Renamed(1, 1).train(wrong), /^Linear.train: on must be true or false/);
  assert.throws(() => new Own().train(wrong), /^Own.train: /);
  assert.is(String(new Own()), 'Own(\n  (inner): e(1, 1)\n)');
  assert.throws(() => new Sequential(new Own() as never).forward(zeros([1])), /the result of Own must be a tensor/);
  assert.throws(() => new Adam(new Own() as never), /got params=an Own/);
});

class Autoencoder extends Module {
  readonly conv = new Conv2d(3, 16, 3, { padding: 'same' });
  readonly pool = new MaxPool2d(2);
  readonly unpool = new MaxUnpool2d();
  readonly dropout = new Dropout(0.5);
  readonly deconv = new ConvTranspose2d(16, 1, 3, { padding: 'same' });
  readonly spare = new Linear(2, 2);
  forward(x: Tensor): Tensor {
    const [values, indices] = this.pool.forward(relu(this.conv.forward(x)));
    return this.deconv.forward(this.dropout.forward(this.unpool.forward(values, indices)));
  }
}

test('normalisation prints its options, affine only where there is none', () => {
  assert.is(String(new GroupNorm(2, 4)), 'GroupNorm(2, 4, eps=0.00001)');
  assert.is(String(new GroupNorm(2, 4, { eps: 0.1, affine: false })), 'GroupNorm(2, 4, eps=0.1, affine=false)');
  assert.is(String(new BatchNorm2d(4)), 'BatchNorm2d(4, eps=0.00001, momentum=0.1)');
});

test('summary runs in the dtype of the parameters, be there one or none', () => {
  const seen: string[] = [];
  class Scale extends Module {
    readonly scale = new Parameter(tensor([2, 3], { dtype: 'float64' }));
    forward(x: Tensor): Tensor {
      seen.push(x.dtype);
      return x.mul(this.scale);
    }
  }
  class Bare extends Module {
    forward(x: Tensor): Tensor {
      seen.push(x.dtype);
      return x;
    }
  }
  new Scale().summary([2]);
  new Bare().summary([2]);
  assert.equal(seen, ['float64', 'float32']);
});

test('summary tabulates one forward pass and leaves no trace', () => {
  const net = new Autoencoder();
  net.dropout.eval();
  net.spare.requireGrad(false);
  const memory = defaultDevice().memory().tensors;
  const keys = Object.keys(net.conv);
  const text = net.summary([2, 20, 20, 3]);
  assert.is(
    text,
    [
      'layer                      output        parameters  multiply-adds',
      '------------------------------------------------------------------',
      'conv Conv2d                [2,20,20,16]         448        345,600',
      'pool MaxPool2d             [2,10,10,16]           0              0',
      'unpool MaxUnpool2d         [2,20,20,16]           0              0',
      'dropout Dropout            [2,20,20,16]           0              0',
      'deconv ConvTranspose2d     [2,20,20,1]          145        115,200',
      'spare Linear (not called)  -                      6              0',
      '------------------------------------------------------------------',
      'total                                           599        460,800',
      'trainable parameters: 593',
    ].join('\n'),
  );
  assert.is(defaultDevice().memory().tensors, memory);
  assert.equal(Object.keys(net.conv), keys);
  assert.ok(!Object.hasOwn(net.conv, 'forward'));
  assert.ok(net.training && !net.dropout.training);
  assert.throws(() => net.summary([1, 4, 4, 2]), /input channels/);
  assert.ok(!Object.hasOwn(net.conv, 'forward') && net.training);
});

test('summary counts groups, strides and calls', () => {
  class Twice extends Module {
    readonly layer = new Linear(4, 4);
    forward(x: Tensor, y: Tensor): Tensor {
      return this.layer.forward(this.layer.forward(x)).add(y);
    }
  }
  assert.match(new Twice().summary([3, 4], [3, 4]), /total +20 +96$/);
  assert.match(
    new Conv2d(4, 8, 3, { groups: 2, stride: 2 }).summary([1, 9, 9, 4]),
    new RegExp(`Conv2d .*\\[1,4,4,8\\] +152 +${(16 * 8 * 9 * 2).toLocaleString('en-US')}\n`),
  );
  assert.match(
    new ConvTranspose2d(4, 8, 3, { groups: 2, stride: 2 }).summary([1, 4, 4, 4]),
    new RegExp(`\\[1,9,9,8\\] +152 +${(16 * 4 * 9 * 4).toLocaleString('en-US')}\n`),
  );
  assert.match(new ReLU().summary([2, 2]), /ReLU {3}\[2,2\]/);
});

test.run();
