import fc from 'fast-check';
import ndarray, { type NdArray } from 'ndarray';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type CedarError, ShapeError, ValueError } from '../../src/errors.js';
import { fromNdarray, fromNested, type Nested, toNdarray, toNested } from '../../src/values/nested.js';
import { sizeOf } from '../../src/values/shape.js';

const nested = suite('nested');
const throws = (run: () => unknown, type: new (...args: never[]) => CedarError, message: string) =>
  assert.throws(run, (e: unknown) => {
    assert.instance(e, type);
    assert.is((e as Error).message, message);
    return true;
  });

nested('flattens numbers and booleans', () => {
  assert.equal(fromNested('tensor', 5), { data: [5], shape: [], isBool: false });
  assert.equal(fromNested('tensor', true), { data: [1], shape: [], isBool: true });
  assert.equal(
    fromNested('tensor', [
      [1, 2, 3],
      [4, 5, 6],
    ]),
    { data: [1, 2, 3, 4, 5, 6], shape: [2, 3], isBool: false },
  );
  assert.equal(fromNested('tensor', [[true], [false]]), { data: [1, 0], shape: [2, 1], isBool: true });
  assert.equal(fromNested('tensor', [true, 2]), { data: [1, 2], shape: [2], isBool: false });
  assert.equal(fromNested('tensor', []), { data: [], shape: [0], isBool: false });
  assert.equal(fromNested('tensor', [[], []]), { data: [], shape: [2, 0], isBool: false });
});

nested('ragged nesting names the place', () => {
  const rule = 'tensor: nested arrays must have equal lengths at each depth; got';
  throws(
    () => fromNested('tensor', [[1, 2], [3]]),
    ShapeError,
    `${rule} length 1 at [1]; the first elements have shape [2,2]`,
  );
  throws(
    () =>
      fromNested('tensor', [
        [[1], [2]],
        [[3], [4, 5]],
      ]),
    ShapeError,
    `${rule} length 2 at [1][1]; the first elements have shape [2,2,1]`,
  );
  throws(
    () => fromNested('tensor', [[1], 2]),
    ShapeError,
    `${rule} a number at [1]; the first elements have shape [2,1]`,
  );
  throws(
    () => fromNested('tensor', [1, [2]]),
    ShapeError,
    `${rule} length 1 at [1]; the first elements have shape [2]`,
  );
});

nested('other leaves are refused', () => {
  const bad = (v: unknown) => [[1, v]] as Nested;
  throws(
    () => fromNested('tensor', bad('a')),
    ValueError,
    "tensor: nested arrays must hold numbers or booleans; got 'a' at [0][1]",
  );
  throws(
    () => fromNested('tensor', bad(null)),
    ValueError,
    'tensor: nested arrays must hold numbers or booleans; got null at [0][1]',
  );
  throws(
    () => fromNested('tensor', undefined as unknown as Nested),
    ValueError,
    'tensor: nested arrays must hold numbers or booleans; got undefined at the top',
  );
});

nested('nests what it flattened', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 4 }), (shape) => {
      const data = Float64Array.from({ length: sizeOf(shape) }, (_, i) => i / 2);
      const flat = fromNested('tensor', toNested(data, shape, 'float64'));
      assert.equal(flat, { data: [...data], shape, isBool: false });
    }),
  );
  assert.equal(toNested(new Uint8Array([1, 0]), [2, 1], 'bool'), [[true], [false]]);
  assert.is(toNested(new Int32Array([7]), [], 'int32'), 7);
  assert.equal(toNested(new Float32Array(0), [2, 0], 'float32'), [[], []]);
});

nested('copies any view of an ndarray in row-major order', () => {
  const base = ndarray(
    Float32Array.from({ length: 24 }, (_, i) => i),
    [2, 3, 4],
  );
  const views: NdArray<Float32Array>[] = [
    base,
    base.transpose(2, 0, 1),
    base.step(-1, 2, -2),
    base.lo(1, 1, 1).hi(1, 2, 2),
    base.pick(null, 1, null),
    base.transpose(1, 2, 0).step(-2, 1, 1),
  ];
  for (const view of views) {
    const { data, shape } = fromNdarray(view as NdArray);
    assert.instance(data, Float32Array);
    assert.equal(shape, view.shape);
    const copy = toNdarray(data, shape);
    const walk = (index: number[]): void => {
      if (index.length === shape.length) assert.is(copy.get(...index), view.get(...index));
      else for (let i = 0; i < shape[index.length]; i++) walk([...index, i]);
    };
    walk([]);
  }
});

nested('keeps the values of every element type', () => {
  const read = (data: NdArray['data']) => fromNdarray(ndarray(data, [2]));
  assert.equal(read(new Float64Array([0.1, 2])).data, new Float64Array([0.1, 2]));
  assert.equal(read(new Uint8Array([200, 1])).data, new Int32Array([200, 1]));
  assert.equal(read(new Uint8ClampedArray([200, 1])).data, new Int32Array([200, 1]));
  assert.equal(read(new Int16Array([-200, 1])).data, new Int32Array([-200, 1]));
  assert.equal(read(new Uint32Array([4294967295, 1])).data, new Float64Array([4294967295, 1]));
  assert.equal(read([0.5, 1]).data, new Float64Array([0.5, 1]));
  assert.equal(
    read({ length: 2, get: (i: number) => i + 3, set: (_: number, v: number) => v }).data,
    new Float64Array([3, 4]),
  );
  assert.equal(fromNdarray(ndarray(new Float32Array([3]), [])), { data: new Float32Array([3]), shape: [] });
  assert.equal(fromNdarray(ndarray(new Float32Array(0), [0, 3])), { data: new Float32Array(0), shape: [0, 3] });
  throws(
    () => read(['a', 'b'] as unknown as number[]),
    ValueError,
    "fromNdarray: elements must be numbers; got 'a' at element 0",
  );
});

nested('the ndarray shares memory with the data', () => {
  const data = new Int32Array([1, 2, 3, 4]);
  const view = toNdarray(data, [2, 2]);
  view.set(1, 0, 9);
  assert.is(data[2], 9);
  throws(
    () => toNdarray(data, [3]),
    ShapeError,
    'toNdarray: data must have as many elements as shape; got 4 elements, shape=[3]',
  );
});

nested.run();
