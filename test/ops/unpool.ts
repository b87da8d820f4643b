/**
 * Pooling and unpooling over generated geometries: properties of the maxima and their indices, and
 * every policy compared with loops of its own. Results are compared on the reference device in
 * float64, and on the other devices bit for bit in float32, with whole numbers. Not here: the
 * specification's numbers (test/semantics.ts), messages (test/errors.ts).
 */
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  type Device,
  DeviceError,
  type Duplicates,
  defaultDevice,
  device,
  MaxPool2d,
  maxPool2d,
  maxPool2dWithArgmaxAndMask,
  maxUnpool2d,
  type Padding,
  type Pair,
  type Pool2dOptions,
  PoolIndices,
  poolIndices,
  RandomState,
  type Shape,
  ShapeError,
  type Tensor,
  tensor,
  unpoolByMask,
  unpooling,
  unpoolLike,
  ValueError,
} from '../../src/index.js';
import { f64, sizeOf } from '../helpers/values.js';

const test = suite('ops/unpool');
/** Whole numbers from 1 on in a random order: no two alike, all exact in float32. */
const shuffled = (seed: number, shape: Shape): number[] => {
  const keys = new RandomState(seed).rand(sizeOf(shape));
  const values = new Array<number>(keys.length);
  [...keys.keys()]
    .sort((a, b) => keys[a] - keys[b])
    .forEach((at, rank) => {
      values[at] = rank + 1;
    });
  return values;
};
const dot = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  Array.from(a).reduce((sum, v, i) => sum + v * b[i], 0);

interface Case {
  readonly seed: number;
  readonly shape: [number, number, number, number];
  readonly options: Pool2dOptions & { readonly dilation: Pair };
}
/** Whether there is such a pool of such images. */
function fits(shape: Case['shape'], options: Case['options']): boolean {
  try {
    maxPool2d(f64(new Float64Array(sizeOf(shape)), shape), options);
    return true;
  } catch (error) {
    // A kernel that does not fit, or a dilated window of nothing but padding.
    if (error instanceof ShapeError || (options.dilation !== 1 && error instanceof ValueError)) return false;
    throw error;
  }
}
const upTo = (n: number, from = 1): fc.Arbitrary<number> => fc.integer({ min: from, max: n });
const two = <T>(one: fc.Arbitrary<T>): fc.Arbitrary<[T, T]> => fc.tuple(one, one);
/**
 * Sizes from 1 × 1, odd and not square, windows that overlap, touch or leave gaps, dilated ones,
 * sizes rounded down and up, and every kind of padding that leaves each window a cell.
 */
const cases: fc.Arbitrary<Case> = fc
  .record({
    seed: upTo(1000),
    batch: upTo(2),
    image: two(upTo(7)),
    channels: upTo(3),
    kernel: two(upTo(4)),
    stride: two(upTo(4)),
    ceilMode: fc.boolean(),
    dilation: fc.constantFrom<Pair>(1, 1, [1, 2], [3, 2]),
  })
  .chain(({ seed, batch, image, channels, kernel, stride, ceilMode, dilation }) => {
    const side = (i: 0 | 1): fc.Arbitrary<[number, number]> => two(upTo(kernel[i] - 1, 0));
    const padding: fc.Arbitrary<Padding> = fc.oneof(
      fc.constant<Padding>('same'),
      fc.constant<Padding>('valid'),
      fc.tuple(side(0), side(1)),
    );
    return padding.map((p) => ({
      seed,
      shape: [batch, ...image, channels] as Case['shape'],
      options: { kernelSize: kernel, stride, padding: p, ceilMode, dilation },
    }));
  })
  .filter(({ shape, options }) => fits(shape, options));
const check = (property: (c: Case) => void, numRuns = 200): void =>
  fc.assert(fc.property(cases, property), { numRuns });

test('unpooling what was pooled puts every maximum in its own place, as often as it was one', () =>
  check(({ seed, shape, options }) => {
    const values = shuffled(seed, shape);
    const [what, where, mask] = maxPool2dWithArgmaxAndMask(f64(values, shape), options);
    const counts = mask.dataSync();
    assert.equal(
      [...maxUnpool2d(what, where).dataSync()],
      values.map((v, i) => v * counts[i]),
    );
    for (const duplicates of ['first', 'last', 'max', 'mean'] as const)
      assert.equal(
        [...maxUnpool2d(what, where, { duplicates }).dataSync()],
        values.map((v, i) => (counts[i] > 0 ? v : 0)),
        duplicates,
      );
  }));

test('pooling what was unpooled gives what was pooled', () =>
  check(({ seed, shape, options }) => {
    const [what, where] = maxPool2d(f64(shuffled(seed, shape), shape), options);
    for (const duplicates of ['first', 'last', 'max', 'mean'] as const) {
      const [again, same] = maxPool2d(maxUnpool2d(what, where, { duplicates }), options);
      assert.equal(again.dataSync(), what.dataSync(), duplicates);
      assert.equal(same.dataSync(), where.dataSync(), duplicates);
    }
  }));

test("the pool's gradient is unpooling by add, the adjoint of gathering", () =>
  check(({ seed, shape, options }) => {
    const x = f64(shuffled(seed, shape), shape, true);
    const [what, where] = maxPool2d(x, options);
    const g = f64(new RandomState(seed).randn(what.size), what.shape, true);
    what.backward(g.detach());
    const unpooled = maxUnpool2d(g, where);
    const grad = (x.grad as Tensor).dataSync();
    assert.equal(grad, unpooled.dataSync());
    const u = f64(new RandomState(seed + 1).randn(sizeOf(shape)), shape);
    unpooled.backward(u);
    const gathered = (g.grad as Tensor).dataSync();
    const [left, right] = [dot(grad, u.dataSync()), dot(g.dataSync(), gathered)];
    assert.ok(Math.abs(left - right) <= 1e-12 * (1 + Math.abs(left)), `${left} and ${right}`);
  }));

test('indices convert between all conventions without loss, and through raw numbers', () =>
  check(({ seed, shape, options }) => {
    const [, where] = maxPool2d(f64(shuffled(seed, shape), shape), options);
    for (const convention of ['torch', 'tf', 'tf-batch', 'onnx', 'window'] as const) {
      const raw = where.to(convention).dataSync();
      const back = poolIndices(raw, { shape: where.shape, convention, inputShape: shape, pool: options });
      assert.equal(back.plane.dataSync(), where.plane.dataSync(), convention);
      assert.equal(back.dataSync(), raw, convention);
      if (convention !== 'window')
        assert.equal(
          poolIndices(raw, { shape: where.shape, convention, inputShape: shape }).plane.dataSync(),
          where.plane.dataSync(),
          convention,
        );
    }
  }));

test("PyTorch's and TensorFlow Addons' forms, the posted function and the mask agree with the indices that know their pool", () =>
  check(({ seed, shape, options }) => {
    const [what, where, mask] = maxPool2dWithArgmaxAndMask(f64(shuffled(seed, shape), shape), options);
    const want = maxUnpool2d(what, where).dataSync();
    const { kernelSize, stride, padding, ceilMode, dilation } = options;
    const outputSize = [shape[1], shape[2]] as const;
    // The forms know no dilation, and that of Addons knows no ceilMode.
    if (dilation === 1 && (padding === 'same' || (padding === 'valid' && !ceilMode)))
      for (const given of [where, where.to('tf').dataSync()])
        assert.equal(
          maxUnpool2d(what, given, { poolSize: kernelSize, strides: stride, padding, outputSize }).dataSync(),
          want,
        );
    if (dilation === 1 && padding === 'valid')
      for (const given of [where, where.dataSync()])
        assert.equal(maxUnpool2d(what, given, { kernelSize, stride, outputSize }).dataSync(), want);
    for (const given of [where, where.to('tf').dataSync()])
      assert.equal(unpooling(what, shape, given).dataSync(), want);
    assert.equal(unpoolByMask(what, mask, { argmax: where }).dataSync(), want);
  }));

test("indices of a dilated pool are held to its windows, and its options must be the indices' own", () => {
  const x = f64(shuffled(3, [1, 5, 5, 1]), [1, 5, 5, 1]);
  const pool = { kernelSize: 2, stride: 1, dilation: 3 };
  const [values, where] = maxPool2d(x, pool);
  assert.equal(values.shape, [1, 2, 2, 1]);
  // By hand: the window at (0, 1) has the cells (0, 1), (0, 4), (3, 1) and (3, 4), in this order.
  const numbers = { convention: 'window', inputShape: [1, 5, 5, 1], shape: [1, 2, 2, 1], pool } as const;
  assert.equal([...poolIndices([0, 1, 2, 3], numbers).plane.dataSync()], [0, 4, 20, 24]);
  assert.throws(
    () => poolIndices([0, 2, 5, 6], { ...numbers, convention: 'torch' }),
    /an index must lie in its own window, rows 0, 3 and columns 1, 4; got 2 at \(n 0, y 0, x 1, c 0\)/,
  );
  assert.throws(
    () => maxUnpool2d(values, where, { kernelSize: 2, stride: 1, outputSize: [3, 3] }),
    /less than a stride away/,
  );
  const [wide, at] = maxPool2d(f64(shuffled(4, [1, 6, 6, 1]), [1, 6, 6, 1]), { kernelSize: 2, stride: 3, dilation: 2 });
  assert.throws(
    () => maxUnpool2d(wide, at, { kernelSize: 2, stride: 3 }),
    /windows 2×2, stride \[3,3\], padding before \[0,0\], the indices' 2×2, stride \[3,3\], dilation \[2,2\], padding/,
  );
});

test('the mask alone spreads a value over the masked cells of its window', () =>
  check(({ seed, shape, options: { dilation: _, ...options } }) => {
    const size = { ...options, dilation: 1 };
    fc.pre(fits(shape, size));
    const [what, where] = maxPool2d(f64(shuffled(seed, shape), shape), size);
    const set = Array.from(new RandomState(seed).rand(sizeOf(shape)), (u) => (u < 0.5 ? 1 : 0));
    const v = f64(what.dataSync(), what.shape, true);
    const y = unpoolByMask(v, f64(set, shape), options);
    const g = shuffled(seed + 1, shape);
    y.backward(f64(g, shape));
    const [want, grad] = [new Float64Array(sizeOf(shape)), new Float64Array(what.size)];
    const { height, width } = where.geometry as NonNullable<PoolIndices['geometry']>;
    const [batch, rows, columns, channels] = shape;
    for (let i = 0; i < what.size; i++) {
      const c = i % channels;
      const ox = Math.floor(i / channels) % width.output;
      const oy = Math.floor(i / (channels * width.output)) % height.output;
      const n = Math.floor(i / (what.size / batch));
      for (let ky = 0; ky < height.kernel; ky++)
        for (let kx = 0; kx < width.kernel; kx++) {
          const [py, px] = [oy * height.stride + ky - height.before, ox * width.stride + kx - width.before];
          if (py < 0 || py >= rows || px < 0 || px >= columns) continue;
          const cell = ((n * rows + py) * columns + px) * channels + c;
          if (set[cell] === 0) continue;
          want[cell] += what.dataSync()[i];
          grad[i] += g[cell];
        }
    }
    assert.equal([...y.dataSync()], [...want]);
    assert.equal([...(v.grad as Tensor).dataSync()], [...grad]);
  }, 60));

// ---- policies

/**
 * The policies: for the values that share a cell, in row-major order, the cell's value and each
 * value's share of the cell's gradient.
 */
const policies: Record<
  Exclude<Duplicates, 'error'>,
  (values: number[]) => [value: number, share: (g: number, i: number) => number]
> = {
  add: (values) => [values.reduce((a, b) => a + b), (g) => g],
  first: (values) => [values[0], (g, i) => (i === 0 ? g : 0)],
  last: (values) => [values[values.length - 1], (g, i) => (i === values.length - 1 ? g : 0)],
  max: (values) => {
    const best = values.indexOf(Math.max(...values));
    return [values[best], (g, i) => (i === best ? g : 0)];
  },
  mean: (values) => [values.reduce((a, b) => a + b) / values.length, (g) => g / values.length],
};

/** Unpooling by lists: for each cell, the elements that point at it. */
function byLists(
  values: number[],
  plane: ArrayLike<number>,
  shape: Shape,
  inputShape: Shape,
  g: number[],
  policy: Exclude<Duplicates, 'error'>,
) {
  const [, height, width, channels] = inputShape;
  const perImage = shape[1] * shape[2] * channels;
  const at = new Map<number, number[]>();
  for (let i = 0; i < values.length; i++) {
    const cell = (Math.floor(i / perImage) * height * width + plane[i]) * channels + (i % channels);
    at.set(cell, [...(at.get(cell) ?? []), i]);
  }
  const y = new Array<number>(sizeOf(inputShape)).fill(0);
  const grad = new Array<number>(values.length).fill(0);
  for (const [cell, elements] of at) {
    const [value, share] = policies[policy](elements.map((i) => values[i]));
    y[cell] = value;
    elements.forEach((i, k) => {
      grad[i] = share(g[cell], k);
    });
  }
  return { y, grad };
}

/**
 * Small whole numbers with many equal ones, so that max must choose. They are float32 everywhere,
 * and exact in every order of additions.
 */
const small = (seed: number, n: number): number[] =>
  Array.from(new RandomState(seed).rand(n), (u) => Math.floor(u * 7) - 3);

function policiesOn(on: Device, dtype: 'float32' | 'float64', numRuns: number): void {
  fc.assert(
    fc.property(cases, fc.boolean(), ({ seed, shape, options }, ofWindows) => {
      const [{ shape: pooled }, where] = maxPool2d(tensor(shuffled(seed, shape), { shape }), options);
      const anywhere = Array.from(new RandomState(seed).rand(sizeOf(pooled)), (u) =>
        Math.floor(u * shape[1] * shape[2]),
      );
      const plane = ofWindows ? where.plane.dataSync() : anywhere;
      const indices = new PoolIndices(
        tensor(Int32Array.from(plane), { shape: pooled, device: on }),
        shape,
        ofWindows ? where.geometry : null,
      );
      const [values, g] = [small(seed + 1, sizeOf(pooled)), small(seed + 2, sizeOf(shape))];
      for (const policy of Object.keys(policies) as (keyof typeof policies)[]) {
        const v = tensor(values, { shape: pooled, dtype, device: on, requiresGrad: true });
        const y = maxUnpool2d(v, indices, { duplicates: policy });
        y.backward(tensor(g, { shape, dtype, device: on }));
        const want = byLists(values, plane, pooled, shape, g, policy);
        const rounded = (numbers: number[]): number[] => (dtype === 'float32' ? numbers.map(Math.fround) : numbers);
        assert.equal(
          [...y.dataSync()].map((n) => n + 0),
          rounded(want.y),
          `${policy}`,
        );
        assert.equal(
          [...(v.grad as Tensor).dataSync()].map((n) => n + 0),
          rounded(want.grad).map((n) => n + 0),
          `gradient of ${policy}`,
        );
      }
    }),
    { numRuns },
  );
}
test('every policy and its gradient equal lists by hand', () => policiesOn(defaultDevice(), 'float64', 200));
test('every policy and its gradient equal lists by hand, bit for bit on wasm, whatever the threads', async () => {
  for (const threads of [1, 3]) {
    const on = await device('wasm', { threads });
    policiesOn(on, 'float32', 100);
    await on.close();
  }
});
test('every policy and its gradient equal lists by hand, bit for bit on gpu', async () => {
  const on = await device('gpu', { mode: 'cpu' });
  policiesOn(on, 'float32', 25);
  await on.close();
});

test("poolIndices of a tensor stay on the tensor's device", async () => {
  const on = await device('wasm', { threads: 1 });
  const raw = tensor([5, 7, 13, 15], { shape: [1, 2, 2, 1], dtype: 'int32', device: on });
  const options = { convention: 'torch', inputShape: [1, 4, 4, 1] } as const;
  assert.is(poolIndices(raw, options).plane.device, on);
  assert.is(poolIndices(raw, { ...options, device: defaultDevice() }).plane.device, defaultDevice());
  await on.close();
});

test("'error' refuses the first index that repeats, and passes all others", async () => {
  let repeated = 0;
  check(({ seed, shape, options }) => {
    const [what, where] = maxPool2d(f64(shuffled(seed, shape), shape), options);
    const [, , counts] = maxPool2dWithArgmaxAndMask(f64(shuffled(seed, shape), shape), options);
    const repeats = Array.from(counts.dataSync()).some((n) => n > 1);
    if (repeats) repeated++;
    const unpool = (): Tensor => maxUnpool2d(what, where, { duplicates: 'error' });
    if (repeats)
      assert.throws(
        unpool,
        (e: Error) => e instanceof ValueError && /^maxUnpool2d: no index may repeat/.test(e.message),
      );
    else assert.equal(unpool().dataSync(), maxUnpool2d(what, where).dataSync());
  });
  assert.ok(repeated > 20, `${repeated} with repeated indices`);
});

test('what was checked once is not read again', async () => {
  const on = await device('gpu', { mode: 'cpu', asyncMode: true });
  const x = tensor(shuffled(1, [1, 4, 4, 1]), { shape: [1, 4, 4, 1], device: on });
  const [what, where] = maxPool2d(x, { kernelSize: 2, stride: 1 });
  // This device cannot be read at once.
  assert.throws(() => maxUnpool2d(what, where, { duplicates: 'error' }), /await indices\.checkUnique\(\)/);
  let problem: unknown;
  await where.checkUnique().catch((e) => {
    problem = e;
  });
  assert.instance(problem, ValueError);
  const rawTensor = where.plane.add(0);
  assert.throws(
    () => poolIndices(rawTensor, { convention: 'torch', inputShape: [1, 4, 4, 1], device: on }),
    (e: Error) =>
      e instanceof DeviceError &&
      /^poolIndices: raw indices are checked, so they must be read; got mode cpu.*; pass numbers: await tensor\.data\(\)$/.test(
        e.message,
      ),
  );
  // Raw numbers are looked at where they come in.
  const raw = { shape: [1, 2, 2, 1], convention: 'torch', inputShape: [1, 4, 4, 1], device: on } as const;
  const v = tensor([1, 2, 3, 4], { shape: [1, 2, 2, 1], device: on });
  assert.throws(() => maxUnpool2d(v, poolIndices([0, 2, 8, 2], raw), { duplicates: 'error' }), /no index may repeat/);
  assert.equal(
    [...(await maxUnpool2d(v, poolIndices([0, 2, 8, 10], raw), { duplicates: 'error' }).data())],
    [1, 0, 2, 0, 0, 0, 0, 0, 3, 0, 4, 0, 0, 0, 0, 0],
  );
  const [some, none] = [
    tensor(shuffled(2, [1, 4, 4, 1]), { shape: [1, 4, 4, 1], device: on }),
    { kernelSize: 1, stride: 2 },
  ];
  const [picked, places] = maxPool2d(some.add(0), none);
  assert.equal((await maxUnpool2d(picked, await places.checkUnique(), { duplicates: 'error' }).data()).length, 16);
  await on.close();
});

test('a level tied to its pool follows the latest forward, also under other policies', () => {
  const pool = new MaxPool2d(3, { stride: 1, padding: 'same' });
  const [unpool, largest] = [unpoolLike(pool), unpoolLike(pool, { duplicates: 'max' })];
  for (const seed of [1, 2]) {
    const shape = [2, 5, 4, 2];
    const values = shuffled(seed, shape);
    const [what, where] = pool.forward(f64(values, shape));
    assert.equal(unpool.forward(what).dataSync(), maxUnpool2d(what, where).dataSync());
    assert.equal(largest.forward(what).dataSync(), maxUnpool2d(what, where, { duplicates: 'max' }).dataSync());
  }
});

test('raw indices of windows that overlap are looked through at once for repeats', () => {
  const pool = { kernelSize: 3, stride: 1, padding: 1 };
  const options = { convention: 'torch', shape: [1, 2, 2, 1], inputShape: [1, 2, 2, 1], pool } as const;
  assert.is(poolIndices([0, 1, 2, 3], options).mayRepeat, false);
  assert.is(poolIndices([0, 1, 1, 3], options).mayRepeat, true);
});

test.run();
