/**
 * Batch, group, instance and layer normalisation compared with PyTorch's numbers
 * (test/fixtures/gen_norm.py) on every device, running statistics, and numbers that are not finite.
 */
import { readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  type AffineOptions,
  BatchNorm2d,
  batchNorm,
  compile,
  type Device,
  type DType,
  device,
  grad,
  gradcheck,
  gradgradcheck,
  groupNorm,
  InstanceNorm2d,
  instanceNorm,
  LayerNorm,
  layerNorm,
  noGrad,
  type Tensor,
  tensor,
} from '../../src/index.js';

interface Case {
  readonly name: 'batch' | 'group' | 'instance' | 'layer';
  readonly values: 'usual' | 'far' | 'constant';
  readonly [array: string]: string | readonly number[];
}
const { shape, cases } = JSON.parse(readFileSync(new URL('../fixtures/norm.json', import.meta.url), 'utf8')) as {
  shape: number[];
  cases: Case[];
};
const norms: Record<Case['name'], (x: Tensor, options: AffineOptions) => Tensor> = {
  batch: batchNorm,
  group: (x, options) => groupNorm(x, 3, options),
  instance: instanceNorm,
  layer: (x, options) => layerNorm(x, [6], options),
};

const places: readonly (readonly [string, () => Promise<Device>, DType])[] = [
  ['reference float64', () => device('reference'), 'float64'],
  ['reference float32', () => device('reference'), 'float32'],
  ['wasm', () => device('wasm', { threads: 2 }), 'float32'],
  ['gpu cpu', () => device('gpu', { mode: 'cpu' }), 'float32'],
  ['gpu webasm', () => device('gpu', { mode: 'webasm' }), 'float32'],
];

for (const [place, open, dtype] of places) {
  const test = suite(`normalisation on ${place}`);
  let on: Device;
  test.before(async () => {
    on = await open();
  });
  test.after(() => on?.close());

  const leaf = (list: unknown, sizes: readonly number[] = [6], requiresGrad = true): Tensor =>
    tensor(list as number[], { shape: sizes, dtype, device: on, requiresGrad });
  /** Within a part of the largest number. */
  const check = async (what: string, got: Tensor | null, want: unknown, part: number): Promise<void> => {
    const values = await (got as Tensor).data();
    const list = want as readonly number[];
    assert.is(values.length, list.length, what);
    const scale = Math.max(1, ...list.map(Math.abs));
    list.forEach((v, i) => {
      assert.ok(Math.abs(values[i] - v) <= part * scale, `${what}: element ${i} is ${values[i]}, PyTorch ${v}`);
    });
  };
  // The inputs are the same float32 numbers everywhere. So a mean of 10,000 costs float32 no
  // accuracy except in its second order, which is composed of other ops.
  const part = dtype === 'float64' ? 1e-9 : 4e-6;

  for (const each of cases) {
    test(`${each.name}, ${each.values}`, async () => {
      const [x, weight, bias] = [leaf(each.x, shape), leaf(each.weight), leaf(each.bias)];
      const y = norms[each.name](x, { weight, bias });
      y.backward(leaf(each.g, shape, false));
      // The deviation of constant channels is √eps. Their gradients are 300 times as large, and so
      // are their rounding errors.
      const own = each.values === 'constant' && dtype === 'float32' ? 20 * part : part;
      await check('y', y, each.y, own);
      await check('dx', x.grad, each.dx, own);
      await check('dweight', weight.grad, each.dweight, own);
      await check('dbias', bias.grad, each.dbias, part);
    });
    if (each.values === 'usual' || dtype === 'float64')
      test(`${each.name}, ${each.values}: second order`, async () => {
        const [x, weight, bias] = [leaf(each.x, shape), leaf(each.weight), leaf(each.bias)];
        const y = norms[each.name](x, { weight, bias });
        const [dx] = grad(y, [x], { gradOutput: leaf(each.g, shape, false), createGraph: true });
        await check('dx, recorded', dx, each.dx, part);
        const [ddx, ddweight] = grad(dx.mul(dx).sum(), [x, weight]);
        await check('ddx', ddx, each.ddx, 4 * part);
        await check('ddweight', ddweight, each.ddweight, 4 * part);
      });
  }

  for (const each of cases.filter(({ name }) => name === 'batch'))
    test(`BatchNorm2d: running statistics and eval mode, ${each.values}`, async () => {
      const layer = new BatchNorm2d(6, { momentum: 0.3 }).to(on);
      if (dtype === 'float64') layer.to('float64');
      noGrad(() => {
        layer.weight?.assign(leaf(each.weight, [6], false));
        layer.bias?.assign(leaf(each.bias, [6], false));
      });
      layer.forward(leaf(each.x, shape));
      layer.forward(leaf(each.g, shape));
      await check('runningMean', layer.runningMean, each.runningMean, part);
      await check('runningVar', layer.runningVar, each.runningVar, part);
      layer.eval();
      const x = leaf(each.x, shape);
      const y = layer.forward(x);
      y.backward(leaf(each.g, shape, false));
      // Running statistics are float32 numbers. With a mean of 3,000 they have a rounding error of
      // their own.
      const own = dtype === 'float64' ? part : 1e-5;
      await check('eval y', y, each.evalY, own);
      await check('eval dx', x.grad, each.evalDx, own);
      await check('eval dweight', layer.weight?.grad ?? null, each.evalDweight, own);
    });

  for (const each of cases.filter(({ name }) => name === 'instance'))
    test(`InstanceNorm2d, ${each.values}`, async () => {
      const layer = new InstanceNorm2d(6, { affine: true }).to(on);
      if (dtype === 'float64') layer.to('float64');
      noGrad(() => {
        layer.weight?.assign(leaf(each.weight, [6], false));
        layer.bias?.assign(leaf(each.bias, [6], false));
      });
      const own = each.values === 'constant' && dtype === 'float32' ? 20 * part : part;
      for (const mode of [layer.train(), layer.eval()]) {
        const x = leaf(each.x, shape);
        const y = mode.forward(x);
        y.backward(leaf(each.g, shape, false));
        await check('y', y, each.y, own);
        await check('dx', x.grad, each.dx, own);
      }
    });

  test('InstanceNorm2d: running statistics are means over the samples', async () => {
    const layer = new InstanceNorm2d(1, { momentum: 0.5, trackRunningStats: true }).to(on);
    if (dtype === 'float64') layer.to('float64');
    // By hand: means 2 and 20, unbiased variances 2 and 200.
    const x = leaf([1, 3, 10, 30], [2, 1, 2, 1], false);
    layer.forward(x);
    await check('runningMean', layer.runningMean, [0.5 * 0 + 0.5 * 11], part);
    await check('runningVar', layer.runningVar, [0.5 * 1 + 0.5 * 101], part);
    layer.eval();
    const want = [1, 3, 10, 30].map((v) => (v - 5.5) / Math.sqrt(51 + 1e-5));
    await check('eval y', layer.forward(x), want, part);
  });

  test('BatchNorm2d without running statistics uses the batch in both modes', async () => {
    const layer = new BatchNorm2d(6, { trackRunningStats: false, affine: false }).to(on);
    assert.equal(Object.keys(layer.stateDict()), []);
    const x = leaf(cases[0].x, shape, false);
    const want = await batchNorm(x).data();
    assert.equal(await layer.forward(x).data(), want);
    assert.equal(await layer.eval().forward(x).data(), want);
    assert.throws(
      () => layer.forward(leaf([1, 2, 3, 4, 5, 6], [1, 1, 1, 6], false)),
      /BatchNorm2d: the batch's statistics need .* got input=\[1,1,1,6\]; use a larger batch$/,
    );
  });

  test('a number that is not finite spoils its group and no other', async () => {
    for (const bad of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])
      for (const [at, groups] of [
        [0, 2],
        [17, 2],
        [30, 4],
      ]) {
        const values = Float32Array.from({ length: 32 }, (_, i) => ((i * 7) % 11) / 5);
        values[at] = bad;
        const y = await groupNorm(leaf(values, [2, 4, 4], false), groups).data();
        const groupOf = (i: number): number => Math.floor(i / 16) * groups + Math.floor(((i % 4) * groups) / 4);
        y.forEach((v, i) => {
          assert.is(Number.isNaN(v), groupOf(i) === groupOf(at), `${bad} at ${at}: element ${i} is ${v}`);
        });
      }
  });

  test('variance is exact beside a mean of a million, and constants give 0 and finite gradients', async () => {
    // Deviations −1, 0, 1, 0 from 1e6: variance ½.
    const x = leaf([1e6 - 1, 1e6, 1e6 + 1, 1e6], [1, 4, 1]);
    for (const norm of [batchNorm, (t: Tensor) => layerNorm(t.reshape([1, 4]), [4])])
      await check('y', norm(x), [-Math.SQRT2, 0, Math.SQRT2, 0], 2e-5);
    const constant = leaf(new Array(24).fill(0.1), [2, 3, 4]);
    for (const norm of [batchNorm, (t: Tensor) => groupNorm(t, 2), (t: Tensor) => layerNorm(t, [4])]) {
      constant.clearGrad();
      const y = norm(constant);
      y.backward(
        leaf(
          Array.from({ length: 24 }, (_, i) => (i % 5) - 2),
          [2, 3, 4],
          false,
        ),
      );
      assert.ok((await y.data()).every((v) => Math.abs(v) < 1e-5));
      assert.ok((await (constant.grad as Tensor).data()).every(Number.isFinite));
    }
  });

  test('groups of 20,000, few and many', async () => {
    for (const groups of [1, 3]) {
      const [length, eps] = [20_000, 1e-5];
      const values = Float32Array.from({ length: groups * length }, (_, i) => ((i * 7919) % 1009) / 500 - 1);
      const g = Float32Array.from(values, (_, i) => ((i * 31) % 17) / 8 - 1);
      const x = leaf(values, [groups, length]);
      const y = layerNorm(x, [length], { eps });
      y.backward(leaf(g, [groups, length], false));
      const [wantY, wantDx]: [number[], number[]] = [[], []];
      for (let n = 0; n < groups; n++) {
        const own = [...values.subarray(n * length, (n + 1) * length)];
        const up = [...g.subarray(n * length, (n + 1) * length)];
        const mean = (list: number[]): number => list.reduce((a, b) => a + b, 0) / length;
        const middle = mean(own);
        const deviation = Math.sqrt(mean(own.map((v) => (v - middle) ** 2)) + eps);
        const normal = own.map((v) => (v - middle) / deviation);
        const [ofG, ofProducts] = [mean(up), mean(up.map((v, i) => v * normal[i]))];
        wantY.push(...normal);
        wantDx.push(...up.map((v, i) => (v - ofG - normal[i] * ofProducts) / deviation));
      }
      await check('y', y, wantY, 10 * part);
      await check('dx', x.grad, wantDx, 10 * part);
    }
  });

  test('a compiled step gives the same bits', async () => {
    const layers = [new BatchNorm2d(6), new LayerNorm(6), new LayerNorm([4, 6])].map((l) => l.to(on));
    const x = tensor(cases[0].x as number[], { shape, device: on });
    for (const layer of layers) {
      const step = (t: Tensor): Tensor => (layer as LayerNorm).forward(t);
      const plain = await step(x).data();
      const compiled = compile(step);
      let got = compiled(x);
      for (let i = 0; i < 3; i++) got = compiled(x);
      assert.equal(await got.data(), plain);
    }
  });

  test.run();
}

const test = suite('normalisation by running statistics');
test('its gradients, and theirs', () => {
  const layer = new BatchNorm2d(3).to('float64');
  const values = (size: number, scale: number): Float64Array =>
    Float64Array.from({ length: size }, (_, i) => scale * Math.sin(3 * i + 1));
  const x = tensor(values(24, 2), { shape: [2, 2, 2, 3], dtype: 'float64', requiresGrad: true });
  for (let i = 0; i < 3; i++) layer.forward(x.detach().mul(i + 1));
  layer.eval();
  gradcheck((t) => layer.forward(t), [x]);
  gradgradcheck((t) => layer.forward(t).mul(t), [x]);
});
test.run();
