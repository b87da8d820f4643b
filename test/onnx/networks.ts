/**
 * Networks whose exports ONNX Runtime runs, and whose round trips are tested. Each covers some
 * operators or geometries. Weights are drawn from a seed, and running statistics are not the
 * initial ones. Not here: the comparison (runtime.ts), published networks (published.ts), those of
 * the examples (examples.ts).
 */
import {
  AdaptiveAvgPool2d,
  AdaptiveMaxPool2d,
  AvgPool2d,
  acos,
  acosh,
  asin,
  asinh,
  atan,
  atan2,
  atanh,
  BatchNorm1d,
  BatchNorm2d,
  CircularPad2d,
  Conv1d,
  Conv2d,
  ConvTranspose1d,
  ConvTranspose2d,
  ceil,
  chunk,
  concat,
  cos,
  cosh,
  cumprod,
  cumsum,
  Dropout,
  type Duplicates,
  Embedding,
  einsum,
  expm1,
  Flatten,
  floor,
  fmod,
  GELU,
  GroupNorm,
  gather,
  InstanceNorm2d,
  init,
  isFinite,
  isInf,
  LayerNorm,
  LeakyReLU,
  Linear,
  MaxPool1d,
  MaxPool2d,
  MaxUnpool1d,
  MaxUnpool2d,
  Module,
  manualSeed,
  maximum,
  maxPool2d,
  noGrad,
  norm,
  oneHot,
  Parameter,
  PixelShuffle,
  pixelShuffle,
  pixelUnshuffle,
  prod,
  ReflectionPad2d,
  ReplicationPad2d,
  Resize2d,
  rand,
  randn,
  reciprocal,
  relu,
  remainder,
  repeatInterleave,
  roll,
  round,
  Sequential,
  Sigmoid,
  SiLU,
  scatterAdd,
  sin,
  sinh,
  softmax,
  sort,
  Tanh,
  type Tensor,
  tan,
  tile,
  topk,
  tril,
  trunc,
  Upsample2d,
  where,
} from '../../src/index.js';
import { ConvAutoencoder } from '../../src/models/index.js';

/** A network with the sizes of its inputs in NCHW. */
export interface Network {
  readonly name: string;
  readonly make: () => Module;
  readonly inputs: readonly (readonly number[])[];
  /** The oldest opset that can say it. Default 11. */
  readonly since?: number;
  /** The inputs that are masks of 0 and 1, by index. The others are normal numbers. */
  readonly masks?: readonly number[];
}

/** Inputs for a network, in NCHW. */
export function drawInputs({ inputs, masks = [] }: Network, seed: number): Tensor[] {
  manualSeed(seed);
  return inputs.map((shape, i) => (masks.includes(i) ? rand(shape).less(0.4).cast('float32') : randn(shape)));
}

/** A network of one function. */
class Of extends Module {
  readonly #fn: (...x: Tensor[]) => unknown;
  constructor(fn: (...x: Tensor[]) => unknown) {
    super();
    this.#fn = fn;
  }
  forward(...x: Tensor[]): unknown {
    return this.#fn(...x);
  }
}

/**
 * Weights that carry numbers through many layers, and scales, shifts and running statistics that
 * norms could have after training.
 */
function drawn(model: Module): Module {
  noGrad(() => {
    for (const [name, t] of [...model.namedParameters(), ...model.namedBuffers()]) {
      if (t.rank > 1) init.kaimingNormal(t, { nonlinearity: 'relu' });
      else if (name.endsWith('runningVar')) t.assign(randn(t.shape).abs().add(0.5));
      else if (name.endsWith('weight')) t.assign(randn(t.shape).abs().mul(0.5).add(0.5));
      else t.assign(randn(t.shape).mul(0.3));
    }
  });
  return model;
}

const layers =
  (...list: ConstructorParameters<typeof Sequential>) =>
  (): Module =>
    new Sequential(...list);
/** A network whose function is given beside its layers. */
const net =
  <P extends Record<string, Module>>(parts: () => P, fn: (parts: P, ...x: Tensor[]) => unknown) =>
  (): Module => {
    const own = parts();
    return Object.assign(new Of((...x) => fn(own, ...x)), own);
  };
const plain = (fn: (...x: Tensor[]) => unknown) => (): Module => new Of(fn);

const unpools = (duplicates: Duplicates, kernelSize: number, stride: number, padding: number) =>
  net(
    () => ({
      conv: new Conv2d(2, 4, 3),
      pool: new MaxPool2d(kernelSize, { stride, padding }),
      inner: new Conv2d(4, 4, 3, { padding: 1 }),
      unpool: new MaxUnpool2d({ duplicates }),
    }),
    ({ conv, pool, inner, unpool }, x) => {
      const [y, indices] = pool.forward(conv.forward(x));
      return unpool.forward(inner.forward(y), indices);
    },
  );

/** A residual block with batch norms. */
const block = net(
  () => ({ a: new Conv2d(3, 3, 3, { padding: 1 }), n: new BatchNorm2d(3), b: new Conv2d(3, 3, 3, { padding: 1 }) }),
  ({ a, n, b }, x) => relu(b.forward(relu(n.forward(a.forward(x)))).add(x)),
);

class Scaled extends Module {
  scale = new Parameter(randn([3]));
  forward(x: Tensor): Tensor {
    return x.mul(this.scale).add(this.scale.sum());
  }
}

const own: readonly Network[] = [
  { name: 'convolution', make: layers(new Conv2d(3, 4, 3)), inputs: [[1, 3, 8, 7]] },
  {
    name: 'convolution, groups, dilation, uneven pads',
    make: () =>
      new Sequential(
        new Conv2d(4, 6, [3, 2], {
          padding: [
            [1, 2],
            [0, 1],
          ],
          groups: 2,
          dilation: [1, 2],
        }),
        new Conv2d(6, 6, 3, { padding: 'same', stride: 2, groups: 6, bias: false }),
      ),
    inputs: [[2, 4, 9, 11]],
  },
  {
    name: 'transposed convolution, output padding, groups',
    make: () =>
      new Sequential(
        new ConvTranspose2d(4, 6, 3, { stride: 2, padding: 1, outputPadding: 1, groups: 2 }),
        new ConvTranspose2d(6, 3, [4, 3], { stride: [2, 3], padding: 'same' }),
        new ConvTranspose2d(3, 2, 3, { dilation: 2 }),
      ),
    inputs: [[2, 4, 5, 6]],
  },
  { name: 'unpooling, odd size', make: unpools('add', 2, 2, 0), inputs: [[2, 2, 9, 11]] },
  { name: 'unpooling, kernel 3, padding 1', make: unpools('add', 3, 3, 1), inputs: [[2, 2, 12, 10]] },
  { name: 'unpooling, gaps between windows', make: unpools('error', 2, 3, 0), inputs: [[1, 2, 13, 12]] },
  { name: 'unpooling where windows overlap', make: unpools('add', 3, 2, 1), inputs: [[2, 2, 12, 11]], since: 16 },
  {
    name: 'unpooling where windows overlap, mean',
    make: unpools('mean', 3, 2, 0),
    inputs: [[2, 2, 12, 11]],
    since: 16,
  },
  {
    name: 'pools, and indices as outputs',
    make: plain((x) => maxPool2d(x, { kernelSize: [2, 3], stride: 2, padding: [1, 0] })),
    inputs: [[2, 3, 5, 8]],
  },
  {
    name: 'average pools',
    make: layers(
      new AvgPool2d(3, { stride: 2, padding: 'same' }),
      new AvgPool2d(2, { stride: 1, padding: 1, countIncludePad: true }),
      new AvgPool2d(2, { stride: 1, padding: 1, countIncludePad: false }),
    ),
    inputs: [[2, 3, 11, 9]],
  },
  { name: 'batch norm and a residual', make: block, inputs: [[2, 3, 6, 5]] },
  {
    name: 'group, instance and layer norm',
    make: () =>
      new Sequential(
        // Without an activation, the next norm would take a scale or shift away.
        ...[new GroupNorm(2, 4), new Tanh()],
        ...[new InstanceNorm2d(4, { affine: true }), new Tanh()],
        ...[new GroupNorm(4, 4), new Tanh()],
        new InstanceNorm2d(4),
        new LayerNorm([4]),
        new GroupNorm(1, 4),
      ),
    inputs: [[2, 4, 5, 6]],
  },
  {
    name: 'dense layers',
    make: () =>
      new Sequential(
        new Conv2d(1, 3, 3),
        new Flatten(),
        new Linear(3 * 4 * 5, 8),
        new BatchNorm1d(8),
        new GELU(),
        new Linear(8, 5, { bias: false }),
        new LayerNorm([5]),
        new Tanh(),
        new Dropout(0.5),
      ),
    inputs: [[3, 1, 6, 7]],
  },
  {
    name: 'activations',
    make: layers(new LeakyReLU(0.1), new SiLU(), new GELU(), new Tanh(), new Sigmoid()),
    inputs: [[2, 3, 4, 5]],
  },
  {
    name: 'upsampling and pixel shuffle',
    make: net(
      () => ({ up: new Upsample2d(2), conv: new Conv2d(4, 8, 3, { padding: 1 }), shuffle: new PixelShuffle(2) }),
      ({ up, conv, shuffle }, x) => {
        const y = shuffle.forward(conv.forward(up.forward(x)));
        const tf = pixelShuffle(pixelUnshuffle(y, 2, { order: 'tf' }), 2, { order: 'tf' });
        return pixelUnshuffle(concat([tf, y.mul(2)], 3), 2);
      },
    ),
    inputs: [[2, 4, 3, 5]],
  },
  {
    name: 'resizing',
    make: net(
      () => ({
        a: new Resize2d({ size: [9, 7] }),
        b: new Resize2d({ scale: 1.7, alignCorners: true }),
        c: new Resize2d({ size: [8, 8], method: 'nearest' }),
        z: new Upsample2d(3, { fill: 'zeros' }),
      }),
      ({ a, b, c, z }, x) => z.forward(c.forward(b.forward(a.forward(x)))),
    ),
    inputs: [[2, 2, 5, 6]],
  },
  {
    name: 'reductions, softmax, broadcasting',
    make: plain((x, y) => {
      const weights = softmax(x.mean([1, 2]).add(y.max(1, { keepDims: true })), -1);
      const scaled = x.mul(weights.reshape([x.shape[0] as number, 1, 1, -1])).add(x.sum(3, { keepDims: true }));
      return {
        scaled: softmax(scaled, 1),
        spread: x.std([1, 2]),
        least: x.min(0),
        best: x.argmax(3),
        total: x.sum(),
      };
    }),
    inputs: [
      [2, 4, 3, 5],
      [2, 3],
    ],
  },
  {
    name: 'comparisons, slices, pads',
    make: plain((x) => {
      const picked = where(x.greaterEqual(0.1), x, x.neg().abs().log1p().clamp(-1, 2));
      const cut = picked.slice(null, [1, -1], [null, null, 2]).pad(
        [
          [0, 0],
          [1, 0],
          [0, 2],
          [0, 0],
        ],
        0.5,
      );
      const turned = maximum(cut.permute([0, 2, 1, 3]).slice(null, [null, null, -1]), -0.3);
      return [turned, cut.lessEqual(0).logicalNot(), cut.abs().pow(1.5).div(turned.mean().add(3))];
    }),
    inputs: [[2, 3, 6, 7]],
  },
  {
    name: 'products of matrices',
    make: plain((a, b) => {
      const scores = softmax(a.matmul(b.transpose()).mul(0.5), -1);
      return [scores.matmul(b), scores.transpose().matmul(a)];
    }),
    inputs: [
      [2, 4, 5],
      [2, 4, 3],
    ],
  },
  {
    name: 'rounding, angles, remainders',
    make: plain((x, y) => {
      const inside = x.tanh().mul(0.9);
      const whole = x.mul(3);
      return {
        rounded: concat([floor(whole), ceil(whole), round(whole), trunc(whole)], 1),
        angles: concat([sin(x), cos(x), tan(inside), atan(x), asin(inside), acos(inside)], 1),
        hyperbolic: concat([sinh(x), cosh(x), asinh(x), acosh(x.abs().add(1.5)), atanh(inside), expm1(x)], 1),
        rest: concat([fmod(x, 0.7), remainder(x, y.abs().add(0.3)), atan2(x, y), reciprocal(x.abs().add(0.5))], 1),
        finite: isFinite(x.add(1)),
        infinite: isInf(x.abs().sub(1).log()),
      };
    }),
    inputs: [
      [2, 3, 4],
      [2, 3, 4],
    ],
  },
  {
    name: 'pools that round up, dilated and adaptive',
    make: net(
      () => ({
        dilated: new MaxPool2d(2, { stride: 2, dilation: 2, ceilMode: true }),
        mean: new AvgPool2d(3, { stride: 2, padding: 1, ceilMode: true }),
        inner: new AvgPool2d(2, { stride: 3, ceilMode: true, countIncludePad: false }),
        other: new AvgPool2d(2, { divisorOverride: 3 }),
        adaptive: new AdaptiveAvgPool2d([3, 2]),
        most: new AdaptiveMaxPool2d([4, 3]),
      }),
      ({ dilated, mean, inner, other, adaptive, most }, x) => [
        (dilated as MaxPool2d).forward(x)[0],
        mean.forward(x),
        inner.forward(x),
        other.forward(x),
        adaptive.forward(x),
        (most as AdaptiveMaxPool2d).forward(x)[0],
      ],
    ),
    inputs: [[2, 3, 8, 7]],
  },
  {
    name: 'borders and cubic resizing',
    make: net(
      () => ({
        mirrored: new ReflectionPad2d(2),
        repeated: new ReplicationPad2d([1, 2]),
        around: new CircularPad2d(1),
        cubic: new Resize2d({ size: [9, 5], method: 'bicubic', cubicCoefficient: -0.5, excludeOutside: true }),
      }),
      ({ mirrored, repeated, around, cubic }, x) => [
        mirrored.forward(x),
        repeated.forward(x),
        around.forward(x),
        cubic.forward(x),
      ],
    ),
    inputs: [[2, 2, 6, 5]],
  },
  {
    name: 'running sums, sorting, products',
    make: plain((x) => {
      const [values, places] = topk(x, 3);
      return {
        sums: cumsum(x, 1, { exclusive: true }),
        products: cumprod(x, -1),
        values,
        places,
        sorted: sort(x, 1)[0],
        product: prod(x, 1),
        size: norm(x, 2),
        paired: einsum('bij,bkj->bik', x, x),
      };
    }),
    inputs: [[2, 4, 5]],
  },
  {
    name: 'embedding, gathering, arranging',
    make: net(
      () => ({ table: new Embedding(7, 4) }),
      ({ table }, x) => {
        const places = x.abs().mul(2).clamp(0, 4).cast('int32');
        return {
          rows: table.forward(places),
          hot: oneHot(places, 5),
          picked: gather(x, places, 1),
          tiled: tile(x, [2, 1, 3]),
          rolled: roll(x, 2, 1),
          twice: repeatInterleave(x, 2, 1),
          low: tril(x, 1),
          parts: chunk(x, 2, 1),
        };
      },
    ),
    inputs: [[2, 5, 6]],
  },
  {
    name: 'scattering sums',
    make: plain((x) => scatterAdd(x, x.abs().mul(2).clamp(0, 4).cast('int32'), x.mul(2), 1)),
    inputs: [[2, 5, 6]],
    since: 16,
  },
  { name: 'a parameter used twice', make: () => new Scaled(), inputs: [[2, 3, 4, 4]] },
  {
    name: 'series, unpooled',
    make: net(
      () => ({
        conv: new Conv1d(2, 4, 3, { padding: 1 }),
        pool: new MaxPool1d(2),
        unpool: new MaxUnpool1d(),
        up: new ConvTranspose1d(4, 2, 4, { stride: 2, padding: 1 }),
      }),
      ({ conv, pool, unpool, up }, x) => {
        const [y, indices] = pool.forward(relu(conv.forward(x)));
        return up.forward(unpool.forward(y.mul(2), indices));
      },
    ),
    inputs: [[2, 2, 11]],
  },
  {
    name: 'autoencoder, unpooling, batch norm',
    make: () => new ConvAutoencoder({ size: [32, 28], channels: 3, widths: [8, 16, 16], norm: true, dropout: 0.2 }),
    inputs: [[2, 3, 32, 28]],
  },
  {
    name: 'autoencoder, upsampling, odd size',
    make: () => new ConvAutoencoder({ size: [33, 27], channels: 1, widths: [8, 16], decoder: 'upsample' }),
    inputs: [[1, 1, 33, 27]],
  },
];

/** The networks, each with weights of the same random numbers, in eval mode. */
export const prepared = (list: readonly Network[]): readonly Network[] =>
  list.map((network) => ({
    ...network,
    make: () => {
      manualSeed(7);
      return drawn(network.make()).eval();
    },
  }));
export const networks: readonly Network[] = prepared(own);
