/**
 * Ops that importers and ports need: their errors, what they promise at edges, and the layer
 * Embedding. Not here: their numbers (helpers/known.ts), gradients and devices (op table).
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import * as c from '../../src/index.js';
import { closeTo } from '../helpers/close.js';

const test = suite('ops of importers');
const reference = await c.device('reference');
const t = (values: c.TensorData, dtype: c.DType = 'float64'): c.Tensor =>
  c.tensor(values, { dtype, device: reference });
const ints = (values: c.TensorData): c.Tensor => t(values, 'int32');
const says = (fn: () => unknown, message: string): void =>
  void assert.throws(fn, (e: Error) => e.message === message || assert.is(e.message, message));

test('round, floor and trunc keep the sign of zero', () => {
  const zero = t([-0.25]);
  for (const y of [zero.round(), zero.ceil(), zero.trunc()]) assert.ok(Object.is(y.dataSync()[0], -0));
  assert.equal(
    [
      ...t([2 ** 52 + 1, -(2 ** 52) - 1])
        .round()
        .dataSync(),
    ],
    [2 ** 52 + 1, -(2 ** 52) - 1],
  );
});

test('remainder has the sign of the divisor, fmod that of the dividend', () => {
  const [a, b] = [t([7, -7, 7, -7]), t([3, 3, -3, -3])];
  assert.equal([...a.remainder(b).dataSync()], [1, 2, -2, -1]);
  assert.equal([...a.fmod(b).dataSync()], [1, -1, 1, -1]);
  assert.equal([...ints([7, -7]).remainder(0).dataSync()], [0, 0]);
});

test('scatter keeps the last of several values, whatever their dtype', () => {
  const [x, at] = [ints([1, 2, 3]), ints([1, 1, 1])];
  assert.equal([...x.scatter(at, ints([2 ** 31 - 1, 5, 2 ** 30 + 1])).dataSync()], [1, 2 ** 30 + 1, 3]);
  const source = c.tensor([4, 5, 6], { dtype: 'float64', requiresGrad: true });
  t([0, 0])
    .scatter([1, 0, 1], source)
    .mul(t([10, 20]))
    .sum()
    .backward();
  assert.equal([...(source.grad as c.Tensor).dataSync()], [0, 10, 20]);
});

test('empty indices change nothing, and empty axes have their identities', () => {
  const x = t([1, 2]);
  assert.equal([...x.scatterAdd(ints([]), t([])).dataSync()], [1, 2]);
  const none = c.zeros([2, 0], { device: reference });
  assert.equal([...none.prod(1).dataSync()], [1, 1]);
  assert.equal([...none.any(1).dataSync()], [0, 0]);
  assert.equal([...none.all(1).dataSync()], [1, 1]);
  assert.equal([...none.norm(1).dataSync()], [0, 0]);
  assert.equal(none.sort()[0].shape, [2, 0]);
  assert.equal(none.cumsum().shape, [2, 0]);
});

test('a long sort agrees with that of JavaScript, in both directions', () => {
  const random = new c.RandomState(5);
  const values = [...random.rand(1000)].map((v) => Math.round(v * 300));
  const order = values.map((_, i) => i);
  const up = order.toSorted((i, j) => values[i] - values[j] || i - j);
  const down = order.toSorted((i, j) => values[j] - values[i] || i - j);
  assert.equal([...t(values).argsort().dataSync()], up);
  assert.equal([...t(values).argsort(0, { descending: true }).dataSync()], down);
  assert.equal([...t(values).topk(7)[1].dataSync()], down.slice(0, 7));
});

test('a sum of many terms keeps its digits in float32', async () => {
  const wasm = await c.device('wasm');
  const x = c.full([10_000], 0.1, { device: wasm });
  const sums = await x.cumsum().data();
  closeTo([sums[0], sums[99], sums[9999]], [0.1, 10, 1000], 1e-3);
  await wasm.close();
});

test('parts of a tensor have the sizes that PyTorch gives them', () => {
  const x = c.zeros([7, 2], { device: reference });
  const sizes = (parts: readonly c.Tensor[]): number[] => parts.map(({ shape }) => shape[0]);
  assert.equal(sizes(x.split(3)), [3, 3, 1]);
  assert.equal(sizes(x.split([5, 0, 2])), [5, 0, 2]);
  assert.equal(sizes(x.chunk(4)), [2, 2, 2, 1]);
  assert.equal(sizes(x.chunk(5)), [2, 2, 2, 1]);
  assert.equal(x.unbind(1).length, 2);
});

test('Embedding has a row of zeros for padding, which no step changes', () => {
  c.manualSeed(3);
  const layer = new c.Embedding(4, 2, { paddingIndex: -1 });
  assert.is(String(layer), 'Embedding(4, 2, paddingIndex=3)');
  assert.is(String(new c.Embedding(4, 2)), 'Embedding(4, 2)');
  assert.equal([...layer.weight.dataSync()].slice(6), [0, 0]);
  closeTo([...layer.weight.dataSync()].slice(0, 6), new c.RandomState(3).randn(8).slice(0, 6), 1e-6);
  const y = layer.forward([
    [0, 3],
    [0, 1],
  ]);
  assert.equal(y.shape, [2, 2, 2]);
  y.sum().backward();
  assert.equal([...(layer.weight.grad as c.Tensor).dataSync()], [2, 2, 1, 1, 0, 0, 0, 0]);
});

test('errors name the rule and the argument', () => {
  const x = c.zeros([2, 3], { device: reference });
  const list: [() => unknown, string][] = [
    [() => x.gather([[0, 2]], 0), 'gather: indices must be whole and in [0, 1]; got element 1=2'],
    [
      () => x.gather(ints([0, 1]), 0),
      "gather: indices must have the input's rank, and no axis but 0 may be longer than its own; got indices=[2], input=[2,3]",
    ],
    [() => x.gather(x), "gather: indices must be int32; got dtype=float32; convert with cast('int32')"],
    [
      () => x.scatter([[0, 1]], t([[1]])),
      'scatter: source must have at least the shape of indices; got source=[1,1], indices=[1,2]',
    ],
    [
      () => x.scatterAdd([[0, 1]], t([[1, 2]])),
      "scatterAdd: source must have the input's dtype; got source float64, input float32; convert with cast()",
    ],
    [
      () => ints([1]).scatterAdd([0], 1),
      "scatterAdd: the input must be float; got dtype=int32; convert with cast('float32')",
    ],
    [
      () => x.scatterReduce([[0]], 1, 'max' as never),
      "scatterReduce: reduction must be one of 'sum', 'mean', 'prod', 'amax', 'amin'; got reduction='max'",
    ],
    [
      () => x.indexAdd([0], x),
      "indexAdd: indices must have rank 1, and source the input's shape with one row for each index; got indices=[1], source=[2,3], input=[2,3]",
    ],
    [
      () => x.split([1, 2], 0),
      'split: sizes must add up to the size of the axis; got sizes=[1,2], input=[2,3], axis=0',
    ],
    [() => x.split(0), 'split: sizes must be whole and at least 1; got sizes=0'],
    [() => x.roll([1, 2], 0), 'roll: there must be one shift for each axis; got shifts=[1,2], axes=0'],
    [() => x.tile([-1]), 'tile: repeats must be whole and not negative; got repeats=[-1]'],
    [() => t([1]).tril(), 'tril: input must have rank 2 or more; got input=[1]'],
    [() => c.oneHot(x, 2), "oneHot: indices must be int32; got dtype=float32; convert with cast('int32')"],
    [() => c.oneHot(ints([1]), 2 ** 25), 'oneHot: classes must be at most 16777216; got classes=33554432'],
    [() => new c.ZeroPad2d(1).forward(undefined as never), 'ZeroPad2d: input must be a tensor; got input=undefined'],
    [() => new c.ZeroPad1d(1).forward(undefined as never), 'ZeroPad1d: input must be a tensor; got input=undefined'],
    [() => c.meshgrid([x]), 'meshgrid: vectors must have rank 1; got shape=[2,3]'],
    [() => c.embedding([4], x), 'embedding: indices must be whole and in [0, 1]; got element 0=4'],
    [
      () => c.embedding([0], x, { paddingIndex: 2 }),
      'embedding: paddingIndex must be whole and in [-2, 1]; got paddingIndex=2',
    ],
    [() => x.topk(4), 'topk: k must be whole and in [0, 3]; got k=4; input=[2,3]'],
    [() => x.sum().sort(), 'sort: input must have an axis; got input=[]'],
    [() => x.norm(0, { p: '2' as never }), "norm: p must be a number; got p='2'"],
    [
      () => c.einsum('ij,jk', x),
      "einsum: the equation must have one term for each operand; got equation='ij,jk', 1 operands",
    ],
    [() => c.einsum('..i', x), "einsum: the equation must be letters, as in 'ij,jk->ik'; got equation='..i'"],
    [() => c.einsum('...abc', x), "einsum: a term must have one letter for each axis; got 'abc' for operand 0=[2,3]"],
    [
      () => c.einsum('ij->k', x),
      "einsum: each letter of the result must be one of the operands, and stand once; got equation='ij->k', 'k'",
    ],
    [() => c.einsum('ii', x), "einsum: axes of one letter must have one size; got 'i' is 2, and 3 in operand 0=[2,3]"],
    [() => c.einsum('i', x), "einsum: a term must have one letter for each axis; got 'i' for operand 0=[2,3]"],
  ];
  for (const [fn, message] of list) says(fn, message);
});

test.run();
