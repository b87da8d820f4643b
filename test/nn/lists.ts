/** ModuleList and ModuleDict: names, access, and what they refuse. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Linear, Module, ModuleDict, ModuleList, ReLU, Sequential, type Tensor, tensor } from '../../src/index.js';

const test = suite('nn/lists');
const says = (make: () => unknown, message: string): void => {
  assert.throws(make, (error: Error) => error.message.startsWith(message) || assert.is(error.message, message));
};

class Net extends Module {
  layers = new ModuleList([new Linear(2, 3), new Linear(3, 2)]);
  heads = new ModuleDict({ left: new Linear(2, 1), right: new Linear(2, 1) });
  forward(x: Tensor, head: string): Tensor {
    let h = x;
    for (const layer of this.layers) h = layer.forward(h).relu();
    return this.heads.get(head).forward(h);
  }
}

test('their modules are submodules with numbers and keys as names', () => {
  const net = new Net();
  assert.equal(Object.keys(net.stateDict()), [
    'layers.0.weight',
    'layers.0.bias',
    'layers.1.weight',
    'layers.1.bias',
    'heads.left.weight',
    'heads.left.bias',
    'heads.right.weight',
    'heads.right.bias',
  ]);
  assert.is(net.forward(tensor([[1, 2]]), 'left').size, 1);
  net.eval();
  assert.is(net.heads.get('right').training, false);
  assert.is(String(net.layers), 'ModuleList(\n  (0): Linear(2, 3)\n  (1): Linear(3, 2)\n)');
});

test('a list gives its modules by number, and takes more', () => {
  const [a, b, c, d] = [1, 2, 3, 4].map((n) => new Linear(n, n));
  const list = new ModuleList([a]);
  assert.is(list.append(b), list);
  list.extend(new Set([d]));
  list.insert(2, c);
  assert.is(list.length, 4);
  assert.equal([...list], [a, b, c, d]);
  assert.is(list[1], b);
  assert.is(list.at(-1), d);
  assert.is(list.at(0), a);
  assert.equal(
    list.namedChildren().map(([name]) => name),
    ['0', '1', '2', '3'],
  );
  assert.is(new Sequential(...list).layers.length, 4);
  assert.is(new ModuleList().length, 0);
  list.insert(4, a);
  assert.is(list[4], a);
});

test('a list refuses what is no module, and positions that do not exist', () => {
  const list = new ModuleList([new ReLU()]);
  says(() => list.append(relu as never), 'ModuleList.append: module must be a module; got module=the function relu');
  says(() => list.extend([new ReLU(), 1 as never]), 'ModuleList.extend: modules[1] must be a module; got modules[1]=1');
  says(() => list.extend(new ReLU() as never), 'ModuleList.extend: modules must be an array of modules; got modules=a');
  says(
    () => new ModuleList(new ReLU() as never),
    'ModuleList: modules must be an array of modules; got modules=a ReLU',
  );
  says(() => new ModuleList('ab' as never), "ModuleList: modules must be an array of modules; got modules='ab'");
  says(() => list.at(1), 'ModuleList.at: index must be in [-1, 0]; got index=1');
  says(() => list.at(0.5), 'ModuleList.at: index must be whole');
  says(() => list.insert(2, new ReLU()), 'ModuleList.insert: index must be in [0, 1]; got index=2');
  says(() => list.forward(), 'ModuleList.forward: a list has no order of calls of its own');
  assert.is(list.length, 1);
});
function relu(): void {}

test('a dictionary gives its modules by key, and takes and loses some', () => {
  const [a, b, c] = [1, 2, 3].map((n) => new Linear(n, n));
  const dict = new ModuleDict<Linear>([
    ['b', b],
    ['a', a],
  ]);
  assert.is(dict.set('c', c), dict);
  assert.equal(dict.keys(), ['b', 'a', 'c']);
  assert.equal(dict.values(), [b, a, c]);
  assert.equal(
    [...dict],
    [
      ['b', b],
      ['a', a],
      ['c', c],
    ],
  );
  assert.is(dict.get('c'), c);
  assert.is(dict.has('d'), false);
  assert.is(dict.set('c', a).get('c'), a);
  assert.is(dict.delete('a'), true);
  assert.is(dict.delete('a'), false);
  assert.is(dict.size, 2);
  assert.is(new ModuleDict(new Map([['x', a]])).get('x'), a);
  assert.equal(
    new ModuleDict().namedParameters().map(([name]) => name),
    [],
  );
});

test('a dictionary refuses keys that could not be names, and what is no module', () => {
  const dict = new ModuleDict({ a: new ReLU() });
  for (const key of ['training', 'forward', 'get', '__proto__', 'constructor'])
    says(() => dict.set(key, new ReLU()), 'ModuleDict.set: a key must not be the name of a field or method');
  says(() => dict.set('a.b', new ReLU()), "ModuleDict.set: a key must not be empty and have no dot; got key='a.b'");
  says(() => dict.set('', new ReLU()), 'ModuleDict.set: a key must not be empty');
  says(() => dict.set(1 as never, new ReLU()), 'ModuleDict.set: key must be text; got key=1');
  says(() => dict.set('b', 1 as never), "ModuleDict.set: the module 'b' must be a module; got the module 'b'=1");
  says(() => dict.get('b'), "ModuleDict.get: keys are a; got key='b'");
  says(() => dict.get('training'), "ModuleDict.get: keys are a; got key='training'");
  says(() => dict.delete('training') || dict.get('x'), 'ModuleDict.get');
  assert.is(dict.training, true);
  says(() => new ModuleDict(new ReLU() as never), 'ModuleDict: modules must be an object of modules by key');
  says(() => new ModuleDict([new ReLU()] as never), 'ModuleDict: modules must be pairs [key, module]; got a ReLU');
  says(() => dict.forward(), 'ModuleDict.forward: a dictionary has no order of calls of its own');
});

test.run();
