/**
 * Bad arguments for every public function of the main entry. A message must refuse each of them and
 * name the function and the argument, on the reference, the wasm and the gpu device (gpu.js's modes
 * for the CPU). Afterwards the device must still compute. The calls are those that plain JavaScript
 * allows, so types are switched off. Not here: legal shapes that do not fit each other
 * (test/errors.ts, test/semantics.ts), the other entries (test/arguments-entries.ts).
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import * as typed from '../src/index.js';
import { type Device, defaultDevice, device, setDefaultDevice } from '../src/index.js';
import { type Row as AnyRow, refuses, written } from './helpers/refusals.js';

// biome-ignore lint/suspicious/noExplicitAny: what types forbid is what is tested
const c = typed as any;
const { DeviceError, ShapeError, ValueError } = typed;

type Row = AnyRow<Device>;

/** An array with holes where no value is given. */
const sparse = (length: number, given: Record<number, unknown>) => Object.assign(new Array(length), given);
const x = () => c.ones([2, 3]);

const shapes: readonly Row[] = [
  [
    'zeros',
    () => c.zeros(sparse(3, { 0: 2, 2: 3 })),
    ShapeError,
    /whole and not negative; got shape=\[2,undefined,3\]/,
  ],
  ['randn', () => c.randn(sparse(2, { 0: 3 })), ShapeError, /whole and not negative; got shape=\[3,undefined\]/],
  ['zeros', () => c.zeros([Number.NaN]), ShapeError, /got shape=\[NaN\]/],
  ['zeros', () => c.zeros(['2', 3]), ShapeError, /got shape=\['2',3\]/],
  ['zeros', () => c.zeros([1.5]), ShapeError, /got shape=\[1.5\]/],
  ['zeros', () => c.zeros(3), ShapeError, /shape must be an array of numbers; got shape=3; write \[3\]/],
  ['zeros', () => c.zeros(null), ShapeError, /shape must be an array of numbers; got shape=null/],
  ['zeros', () => c.zeros([1e10]), ShapeError, /at most 2147483647 elements; got shape=\[10000000000\]/],
  ['zeros', () => c.zeros([2 ** 20, 2 ** 20]), ShapeError, /at most 2147483647 elements/],
  ['zeros', () => c.zeros([2 ** 40, 0]), ShapeError, /at most 2147483647 elements/],
  ['reshape', () => x().reshape(3, 2), ShapeError, /shape must be an array of numbers; got shape=3/],
  ['reshape', () => x().reshape(sparse(2, { 1: 6 })), ShapeError, /must stay; got \[2,3\] to \[undefined,6\]/],
  ['reshape', () => c.zeros([0]).reshape([2 ** 40, 0]), ShapeError, /at most 2147483647 elements/],
  ['permute', () => x().permute(1, 0), ShapeError, /axes must be an array of numbers/],
  ['sum', () => x().sum(null), ShapeError, /axes must be an array of numbers; got axes=null/],
  ['sum', () => x().sum(['0']), ShapeError, /axis must be whole/],
  ['expand', () => x().expand(3), ShapeError, /shape must be an array of numbers/],
  ['expand', () => c.ones([1]).expand([2 ** 31]), ShapeError, /at most 2147483647 elements/],
  ['expand', () => c.ones([1]).expand(sparse(3, { 0: 2, 2: 1 })), ShapeError, /got input=\[1\], shape=\[2,,1\]/],
  ['tensor', () => c.tensor([1, 2], { shape: [1.5] }), ShapeError, /must stay/],
  ['tensor', () => x().upload(new Float32Array(3), 'float32', [2]), ShapeError, /3 elements, shape=\[2\]/],
];

const nameInMessages = (name: string): string => messageNames[name] ?? name.replace('init.', '');
const messageNames: Readonly<Record<string, string>> = {
  variance: 'var',
  'init.heNormal': 'kaimingNormal',
  'init.heUniform': 'kaimingUniform',
  'Module.loadStateDict': 'Linear.loadStateDict',
  'Module.stateDict': 'Linear.stateDict',
  'Optimizer.addParamGroup': 'Adam',
};

const image = () => c.ones([1, 4, 4, 2]);
const weight = () => c.ones([3, 3, 2, 2]);
const cyclic: unknown[] = [];
cyclic.push(cyclic);

const values: readonly Row[] = [
  ['tensor', () => c.tensor(sparse(3, { 0: 1, 2: 3 })), ValueError, /numbers or booleans; got undefined at \[1\]/],
  ['tensor', () => c.tensor(new Array(3)), ValueError, /got undefined at \[0\]/],
  ['tensor', () => c.tensor([[1, 2], sparse(2, { 1: 4 })]), ValueError, /got undefined at \[1\]\[0\]/],
  ['tensor', () => c.tensor(null), ValueError, /must be a number, a nested array, .* got null/],
  ['tensor', () => c.tensor('1'), ValueError, /got '1'/],
  ['tensor', () => c.tensor(new BigInt64Array(2)), ValueError, /must be numbers; got a BigInt64Array/],
  ['tensor', () => c.tensor(cyclic), ValueError, /at most 64 deep/],
  ['tensor', () => c.tensor([1], { dtype: 'float16' }), ValueError, /one of float32, .* got dtype='float16'/],
  ['zeros', () => c.zeros([1], { dtype: 'toString' }), ValueError, /got dtype='toString'/],
  ['cast', () => x().cast('half'), ValueError, /got dtype='half'/],
  ['zeros', () => c.zeros([1], { device: 'wasm' }), DeviceError, /got 'wasm'; .* await device\('wasm'\)/],
  ['tensor', () => c.tensor([1], { device: c.device('reference') }), DeviceError, /got a Promise; await/],
  ['full', () => c.full([2], 'abc'), ValueError, /value must be a number; got value='abc'/],
  ['full', () => c.full([2]), ValueError, /got value=undefined/],
  ['linspace', () => c.linspace(0, 'a', 3), ValueError, /end must be a number; got end='a'/],
  ['linspace', () => c.linspace(0, 1, '3'), ValueError, /n must be whole and at least 1; got n='3'/],
  ['arange', () => c.arange('3'), ValueError, /end must be a number; got end='3'/],
  ['arange', () => c.arange(1e12), ShapeError, /at most 2147483647/],
  ['eye', () => c.eye(2, '2'), ShapeError, /whole and not negative; got shape=\[2,'2'\]/],
  ['eye', () => c.eye(100_000), ShapeError, /at most 2147483647/],
  ['manualSeed', () => c.manualSeed('1'), ValueError, /seed must be whole and in .*; got seed='1'/],
  ['RandomState', () => new c.RandomState(Symbol('1')), ValueError, /got seed=Symbol\(1\)/],
  ['FastRandom', () => new c.FastRandom({ seed: 1 }), ValueError, /got seed=an object {seed}/],
  ['RandomState.uniform', () => new c.RandomState(1).uniform('1', '2', 3), ValueError, /low must be a number; .*'1'/],
  ['RandomState.uniform', () => new c.RandomState(1).uniform(1, '2', 3), ValueError, /high must be a number; .*'2'/],
  ['RandomState.rand', () => new c.RandomState(1).rand([3]), ValueError, /size must be whole .* got size=\[3\]/],
  ['RandomState.randint', () => new c.RandomState(1).randint('0', 2, 3), ValueError, /got low='0', high=2/],
  ['RandomState.setState', () => c.setRngState(null), ValueError, /key must have 624 words; got no words/],
  ['FastRandom.setState', () => new c.FastRandom(1).setState(), ValueError, /key must have 4 words; got no words/],
  [
    'rand',
    () => c.rand([2], { random: Object.create(null) }),
    ValueError,
    /a generator of .*; got random=an object {}/,
  ],
  ['full', () => c.full([2], x().sum()), ValueError, /got value=a Tensor; of a tensor pass await tensor.item\(\)/],
  ['layerNorm', () => c.layerNorm(x(), Symbol('3')), ShapeError, /must be a list of sizes; got shape=Symbol\(3\)/],
  ['zerosLike', () => c.zerosLike([1]), ValueError, /input must be a tensor/],
  ['onesLike', () => c.onesLike(1), ValueError, /input must be a tensor; got input=1; wrap it with tensor\(\)/],
  ['leakyRelu', () => x().leakyRelu({ slope: 0.1 }), ValueError, /slope must be a number; got .*an object {slope}/],
  ['elu', () => x().elu('1'), ValueError, /alpha must be a number; got alpha='1'/],
  ['clamp', () => x().clamp(null, 1), ValueError, /min must be a number; got min=null/],
  ['clamp', () => c.clamp(2, 0, 3), ValueError, /input must be a tensor; got input=2/],
  ['relu', () => c.relu([1, 2]), ValueError, /input must be a tensor; got input=\[1,2\]; wrap it with tensor\(\)/],
  ['mse', () => c.mse(x(), 0), ValueError, /target must be a tensor; got target=0/],
  ['bceWithLogits', () => c.bceWithLogits(x(), x(), { posWeight: '2' }), ValueError, /posWeight must be a tensor/],
];

const windows: readonly Row[] = [
  ['conv2d', () => c.conv2d(image(), weight(), { padding: 'same', dilation: 2 ** 30 }), ValueError, /at most 16777216/],
  [
    'conv2d',
    () => c.conv2d(image(), weight(), { padding: 'same', dilation: 2 ** 24 }),
    ValueError,
    /span at most 16777/,
  ],
  [
    'conv2d',
    () => c.conv2d(image(), weight(), { padding: 'same', dilation: 2 ** 32 + 1 }),
    ValueError,
    /at most 16777/,
  ],
  ['conv2d', () => c.conv2d(image(), weight(), { stride: 2 ** 40 }), ValueError, /stride must be at most 16777216/],
  ['conv2d', () => c.conv2d(image(), weight(), { padding: 2 ** 31 }), ValueError, /padding must be at most 16777216/],
  ['conv2d', () => c.conv2d(image(), weight(), { padding: 2 ** 20 }), ShapeError, /at most 2147483647 elements/],
  [
    'conv2dTranspose',
    () => c.conv2dTranspose(image(), weight(), { dilation: 2 ** 24, padding: 'same' }),
    ValueError,
    /span at most 16777216 cells; got height: kernel 3, dilation 16777216/,
  ],
  ['maxPool2d', () => c.maxPool2d(image(), { kernelSize: 2 ** 31, stride: 1, padding: 'same' }), ValueError, /at most/],
  ['maxPool2d', () => c.maxPool2d(image(), { kernelSize: 2 ** 40, stride: 1, padding: 'same' }), ValueError, /at most/],
  ['avgPool2d', () => c.avgPool2d(image(), { kernelSize: 2 ** 20, padding: 'same' }), ValueError, /2147483647 cells/],
  [
    'maxPool2d',
    () => c.maxPool2d(image(), {}),
    ValueError,
    /kernelSize must be a number or \[h, w\]; got no kernelSize/,
  ],
  ['maxPool2d', () => c.maxPool2d(image(), { kernelSize: '2' }), ValueError, /got kernelSize='2'/],
  ['maxPool2d', () => c.maxPool2d(image(), { kernelSize: 2n }), ValueError, /got kernelSize=2n/],
  [
    'conv2d',
    () => c.conv2d(image(), weight(), { padding: 'SAME' }),
    ValueError,
    /padding must be 'same', .* got padding='SAME'/,
  ],
  [
    'conv2d',
    () =>
      c.conv2d(image(), weight(), {
        padding: [
          [1, 1],
          ['1', 1],
        ],
      }),
    ValueError,
    /got padding=\[\[1,1\],\['1',1\]\]/,
  ],
];

const parameter = () => c.tensor([1, 2], { requiresGrad: true });
const model = () => new c.Linear(2, 2);
const adam = () => new c.Adam([parameter()]);
const pooled = () => c.maxPool2d(image(), { kernelSize: 2 });
const series = () => c.ones([1, 4, 2]);
const small = () => c.ones([1, 2, 2, 4]);
const precise = () => c.tensor([1, 2], { dtype: 'float64', device: before, requiresGrad: true });
const wrong = { nonsense: 1 };

/**
 * Every function, class and method that takes options, called with an option that none of them has.
 * The list is compared with the exports below.
 */
const doors: Readonly<Record<string, () => unknown>> = {
  tensor: () => c.tensor([1], wrong),
  full: () => c.full([1], 1, wrong),
  zeros: () => c.zeros([1], wrong),
  ones: () => c.ones([1], wrong),
  arange: () => c.arange(0, 3, 1, wrong),
  linspace: () => c.linspace(0, 1, 3, wrong),
  eye: () => c.eye(2, 2, wrong),
  rand: () => c.rand([1], wrong),
  randn: () => c.randn([1], wrong),
  poolIndices: () => c.poolIndices([0], wrong),
  conv2d: () => c.conv2d(image(), weight(), wrong),
  conv2dTranspose: () => c.conv2dTranspose(image(), weight(), wrong),
  conv1d: () => c.conv1d(series(), c.ones([3, 2, 4]), wrong),
  conv1dTranspose: () => c.conv1dTranspose(series(), c.ones([3, 4, 2]), wrong),
  dropout: () => c.dropout(x(), wrong),
  dropout2d: () => c.dropout2d(x(), wrong),
  bceWithLogits: () => c.bceWithLogits(x(), x(), wrong),
  crossEntropy: () => c.crossEntropy(x(), x(), wrong),
  nll: () => c.nll(x(), x(), wrong),
  bce: () => c.bce(x(), x(), wrong),
  smoothL1: () => c.smoothL1(x(), x(), wrong),
  huber: () => c.huber(x(), x(), wrong),
  klDiv: () => c.klDiv(x(), x(), wrong),
  klNormal: () => c.klNormal(x(), x(), wrong),
  dice: () => c.dice(image(), image(), wrong),
  sigmoidFocal: () => c.sigmoidFocal(x(), x(), wrong),
  relu: () => c.relu(x(), wrong),
  gelu: () => c.gelu(x(), wrong),
  softplus: () => c.softplus(x(), wrong),
  mse: () => c.mse(x(), x(), wrong),
  l1: () => c.l1(x(), x(), wrong),
  maxPool2d: () => c.maxPool2d(image(), { kernelSize: 2, ...wrong }),
  maxPool2dWithArgmaxAndMask: () => c.maxPool2dWithArgmaxAndMask(image(), { kernelSize: 2, ...wrong }),
  avgPool2d: () => c.avgPool2d(image(), { kernelSize: 2, ...wrong }),
  adaptiveMaxPool2d: () => c.adaptiveMaxPool2d(image(), 2, wrong),
  adaptiveMaxPool1d: () => c.adaptiveMaxPool1d(series(), 2, wrong),
  maxPool1d: () => c.maxPool1d(series(), { kernelSize: 2, ...wrong }),
  avgPool1d: () => c.avgPool1d(series(), { kernelSize: 2, ...wrong }),
  sum: () => x().sum(0, wrong),
  mean: () => x().mean(0, wrong),
  max: () => x().max(0, wrong),
  min: () => x().min(0, wrong),
  variance: () => c.variance(x(), 0, wrong),
  std: () => x().std(0, wrong),
  batchNorm: () => c.batchNorm(x(), wrong),
  groupNorm: () => c.groupNorm(x(), 1, wrong),
  instanceNorm: () => c.instanceNorm(image(), wrong),
  layerNorm: () => c.layerNorm(x(), [3], wrong),
  argmax: () => x().argmax(0, wrong),
  argmin: () => x().argmin(0, wrong),
  logsumexp: () => x().logsumexp(0, wrong),
  prod: () => x().prod(0, wrong),
  norm: () => x().norm(0, wrong),
  any: () => x().any(0, wrong),
  all: () => x().all(0, wrong),
  cumsum: () => x().cumsum(0, wrong),
  cumprod: () => x().cumprod(0, wrong),
  sort: () => x().sort(0, wrong),
  argsort: () => x().argsort(0, wrong),
  topk: () => x().topk(1, 0, wrong),
  scatterReduce: () => x().scatterReduce([0], 1, 'sum', wrong),
  meshgrid: () => c.meshgrid([x()], wrong),
  oneHot: () => c.oneHot(c.tensor([1], { dtype: 'int32' }), 2, wrong),
  embedding: () => c.embedding([0], c.ones([2, 2]), wrong),
  Embedding: () => new c.Embedding(2, 2, wrong),
  upsample2d: () => c.upsample2d(image(), { scale: 2, ...wrong }),
  fixedUnpool2d: () => c.fixedUnpool2d(image(), { size: 2, ...wrong }),
  resize2d: () => c.resize2d(image(), { size: [2, 2], ...wrong }),
  upsample1d: () => c.upsample1d(series(), { scale: 2, ...wrong }),
  resize1d: () => c.resize1d(series(), { size: 2, ...wrong }),
  pixelShuffle: () => c.pixelShuffle(small(), 2, wrong),
  pixelUnshuffle: () => c.pixelUnshuffle(image(), 2, wrong),
  maxUnpool2d: () => c.maxUnpool2d(...pooled(), wrong),
  maxUnpool1d: () => c.maxUnpool1d(...c.maxPool1d(series(), { kernelSize: 2 }), wrong),
  unpooling: () => c.unpooling(pooled()[0], [1, 4, 4, 2], pooled()[1], wrong),
  unpoolByMask: () => c.unpoolByMask(pooled()[0], image(), { kernelSize: 2, ...wrong }),
  unpoolLike: () => c.unpoolLike(new c.MaxPool2d(2), wrong),
  backward: () => c.backward(parameter().sum(), undefined, wrong),
  grad: () => c.grad(parameter().sum(), [parameter()], wrong),
  checkpoint: () => c.checkpoint(x, wrong),
  checkpointSequential: () => c.checkpointSequential([(t: unknown) => t], 1, x(), wrong),
  gradcheck: () => c.gradcheck(() => precise(), [precise()], wrong),
  gradgradcheck: () => c.gradgradcheck(() => precise(), [precise()], wrong),
  device: () => c.device('wasm', wrong),
  clipGradNorm: () => c.clipGradNorm([parameter()], 1, wrong),
  Conv2d: () => new c.Conv2d(2, 4, 3, wrong),
  ConvTranspose2d: () => new c.ConvTranspose2d(2, 4, 3, wrong),
  Conv1d: () => new c.Conv1d(2, 4, 3, wrong),
  ConvTranspose1d: () => new c.ConvTranspose1d(2, 4, 3, wrong),
  Dropout: () => new c.Dropout(0.5, wrong),
  Dropout2d: () => new c.Dropout2d(0.5, wrong),
  Linear: () => new c.Linear(2, 2, wrong),
  BCEWithLogitsLoss: () => new c.BCEWithLogitsLoss(wrong),
  CrossEntropyLoss: () => new c.CrossEntropyLoss(wrong),
  NLLLoss: () => new c.NLLLoss(wrong),
  BCELoss: () => new c.BCELoss(wrong),
  SmoothL1Loss: () => new c.SmoothL1Loss(wrong),
  HuberLoss: () => new c.HuberLoss(wrong),
  KLDivLoss: () => new c.KLDivLoss(wrong),
  KLNormalLoss: () => new c.KLNormalLoss(wrong),
  DiceLoss: () => new c.DiceLoss(wrong),
  SigmoidFocalLoss: () => new c.SigmoidFocalLoss(wrong),
  ReLU: () => new c.ReLU(wrong),
  GELU: () => new c.GELU(wrong),
  Softplus: () => new c.Softplus(wrong),
  PReLU: () => new c.PReLU(3, wrong),
  InstanceNorm2d: () => new c.InstanceNorm2d(2, wrong),
  L1Loss: () => new c.L1Loss(wrong),
  MSELoss: () => new c.MSELoss(wrong),
  BatchNorm2d: () => new c.BatchNorm2d(2, wrong),
  BatchNorm1d: () => new c.BatchNorm1d(2, wrong),
  GroupNorm: () => new c.GroupNorm(1, 2, wrong),
  LayerNorm: () => new c.LayerNorm(2, wrong),
  AvgPool2d: () => new c.AvgPool2d(2, wrong),
  MaxPool2d: () => new c.MaxPool2d(2, wrong),
  MaxPool2dWithArgmaxAndMask: () => new c.MaxPool2dWithArgmaxAndMask(2, wrong),
  MaxUnpool2d: () => new c.MaxUnpool2d(2, wrong),
  AdaptiveMaxPool2d: () => new c.AdaptiveMaxPool2d(2, wrong),
  AvgPool1d: () => new c.AvgPool1d(2, wrong),
  AdaptiveMaxPool1d: () => new c.AdaptiveMaxPool1d(2, wrong),
  MaxPool1d: () => new c.MaxPool1d(2, wrong),
  MaxUnpool1d: () => new c.MaxUnpool1d(2, wrong),
  UnpoolByMask: () => new c.UnpoolByMask(2, wrong),
  FixedUnpool2d: () => new c.FixedUnpool2d(2, wrong),
  PixelShuffle: () => new c.PixelShuffle(2, wrong),
  PixelUnshuffle: () => new c.PixelUnshuffle(2, wrong),
  Resize2d: () => new c.Resize2d({ size: [2, 2], ...wrong }),
  Upsample2d: () => new c.Upsample2d(2, wrong),
  Resize1d: () => new c.Resize1d({ size: 2, ...wrong }),
  Upsample1d: () => new c.Upsample1d(2, wrong),
  Adam: () => new c.Adam([parameter()], wrong),
  AdamW: () => new c.AdamW([parameter()], wrong),
  SGD: () => new c.SGD([parameter()], wrong),
  RMSprop: () => new c.RMSprop([parameter()], wrong),
  Adagrad: () => new c.Adagrad([parameter()], wrong),
  Adamax: () => new c.Adamax([parameter()], wrong),
  NAdam: () => new c.NAdam([parameter()], wrong),
  RAdam: () => new c.RAdam([parameter()], wrong),
  StepLR: () => new c.StepLR(adam(), { every: 2, ...wrong }),
  CosineLR: () => new c.CosineLR(adam(), { total: 2, ...wrong }),
  WarmupLR: () => new c.WarmupLR(adam(), { steps: 2, ...wrong }),
  MultiStepLR: () => new c.MultiStepLR(adam(), { milestones: [2], ...wrong }),
  ExponentialLR: () => new c.ExponentialLR(adam(), { gamma: 0.5, ...wrong }),
  PolynomialLR: () => new c.PolynomialLR(adam(), { total: 2, ...wrong }),
  CosineWarmRestarts: () => new c.CosineWarmRestarts(adam(), { period: 2, ...wrong }),
  LambdaLR: () => new c.LambdaLR(adam(), { lambda: () => 1, ...wrong }),
  OneCycleLR: () => new c.OneCycleLR(adam(), { total: 2, ...wrong }),
  CyclicLR: () => new c.CyclicLR(adam(), { maxLr: 1, ...wrong }),
  ReduceLROnPlateau: () => new c.ReduceLROnPlateau(adam(), wrong),
  'init.normal': () => c.init.normal(x(), 0, 1, wrong),
  'init.uniform': () => c.init.uniform(x(), 0, 1, wrong),
  'init.kaimingNormal': () => c.init.kaimingNormal(x(), wrong),
  'init.kaimingUniform': () => c.init.kaimingUniform(x(), wrong),
  'init.heNormal': () => c.init.heNormal(x(), wrong),
  'init.heUniform': () => c.init.heUniform(x(), wrong),
  'init.xavierNormal': () => c.init.xavierNormal(x(), wrong),
  'init.xavierUniform': () => c.init.xavierUniform(x(), wrong),
  'Module.loadStateDict': () => model().loadStateDict(model().stateDict(), wrong),
  'Module.stateDict': () => model().stateDict(wrong),
  'ConvTranspose2d.forward': () => new c.ConvTranspose2d(2, 2, 3).forward(image(), wrong),
  'MaxUnpool2d.forward': () => new c.MaxUnpool2d().forward(...pooled(), wrong),
  'ConvTranspose1d.forward': () => new c.ConvTranspose1d(2, 2, 3).forward(series(), wrong),
  'MaxUnpool1d.forward': () => new c.MaxUnpool1d().forward(...c.maxPool1d(series(), { kernelSize: 2 }), wrong),
  'Optimizer.addParamGroup': () => adam().addParamGroup({ params: [parameter()], ...wrong }),
};

/** Misspelt and foreign options, and what the message says of them. */
const options: readonly Row[] = [
  [
    'device',
    () => c.device('wasm', { thread: 1 }),
    ValueError,
    /options are threads, build, memory64; got thread=1; did you mean threads\?/,
  ],
  ['device', () => c.device('auto', { threads: 2 }), ValueError, /there are no options; got threads=2/],
  ['device', () => c.device('webgl', { mode: 'cpu' }), ValueError, /the only option is asyncMode; got mode='cpu'/],
  ['device', () => c.device('gpu', 'cpu'), ValueError, /must be an object; got 'cpu'; write them as { mode: … }/],
  ['device', () => c.device('gpu', { model: 'cpu' }), ValueError, /got model='cpu'; did you mean mode\?/],
  ['device', () => c.device('gpu', { mode: 'webgpu2' }), DeviceError, /mode must be one of cpu, webasm, .*'webgpu2'/],
  ['device', () => c.device('gpu', { mode: Symbol('cpu') }), DeviceError, /mode must be one of .*; got Symbol\(cpu\)/],
  ['device', () => c.device('gpu', { asyncMode: 'no' }), ValueError, /asyncMode must be true or false; got .*'no'/],
  ['device', () => c.device('gpu', { threads: 2 }), ValueError, /options are mode, asyncMode; got threads=2/],
  ['device', () => c.device(), DeviceError, /name must be one of reference, .*; got undefined/],
  ['device', () => c.device(Symbol('wasm')), DeviceError, /name must be one of reference, .*; got Symbol\(wasm\)/],
  ['tensor', () => c.tensor([1], new ArrayBuffer(8)), ValueError, /options must be an object; got an ArrayBuffer/],
  [
    'conv2d',
    () => c.conv2d(image(), weight(), { stide: 2 }),
    ValueError,
    /options are bias, stride, .* got stide=2; did you mean stride\?/,
  ],
  ['conv2d', () => c.conv2d(image(), weight(), { strides: 2 }), ValueError, /did you mean stride\?/],
  [
    'conv2d',
    () => c.conv2d(image(), weight(), c.ones([2])),
    ValueError,
    /must be an object; got a Tensor; write them as { bias: … }/,
  ],
  ['maxPool2d', () => c.maxPool2d(image(), { kernelSize: 2, strides: 1 }), ValueError, /did you mean stride\?/],
  ['maxPool2d', () => c.maxPool2d(image(), { kernelSize: 2, ceil_mode: true }), ValueError, /did you mean ceilMode\?/],
  [
    'maxPool2d',
    () => c.maxPool2d(image(), { kernelSize: 2, returnIndices: true }),
    ValueError,
    /options are kernelSize, stride, padding, ceilMode, nan, dilation; got returnIndices=true/,
  ],
  [
    'avgPool2d',
    () => c.avgPool2d(image(), { kernelSize: 2, dilation: 2 }),
    ValueError,
    /options are kernelSize, stride, padding, ceilMode, countIncludePad, divisorOverride; got dilation=2/,
  ],
  [
    'Conv2d',
    () => new c.Conv2d(2, 4, 3, 2),
    ValueError,
    /options must be an object; got 2; write them as { stride: … }/,
  ],
  [
    'Conv2d',
    () => new c.Conv2d(2, 4, 3, { bias: 'false' }),
    ValueError,
    /bias must be true or false; got bias='false'/,
  ],
  ['MaxPool2d', () => new c.MaxPool2d(2, 1), ValueError, /write them as { stride: … }/],
  [
    'Adam',
    () => new c.Adam([parameter()], 0.1),
    ValueError,
    /options must be an object; got 0.1; write them as { lr: … }/,
  ],
  ['Adam', () => new c.Adam([parameter()], { lrr: 1 }), ValueError, /did you mean lr\?/],
  ['Adam', () => new c.Adam([parameter()], { weight_decay: 0.1 }), ValueError, /did you mean weightDecay\?/],
  [
    'Adam',
    () => new c.Adam([parameter()], { amsgrad: 'no' }),
    ValueError,
    /amsgrad must be true or false; got amsgrad='no'/,
  ],
  [
    'Adam',
    () => new c.Adam([parameter()], { betas: 0.9 }),
    ValueError,
    /betas must be \[beta1, beta2\]; got betas=0.9/,
  ],
  ['SGD', () => new c.SGD([parameter()], { nestrov: true }), ValueError, /did you mean nesterov\?/],
  ['RMSprop', () => new c.RMSprop([parameter()], { rho: 0.5 }), ValueError, /did you mean alpha\?/],
  ['Adam', () => new c.Adam([{ params: [parameter()], Lr: 1 }]), ValueError, /did you mean lr\?/],
  ['mse', () => c.mse(x(), x(), { reduce: 'sum' }), ValueError, /did you mean reduction\?/],
  ['Adam', () => new c.Adam([parameter()], new Number(0.1)), ValueError, /options must be an object; got a Number/],
  ['mse', () => c.mse(x(), x(), new Date()), ValueError, /options must be an object; got a Date/],
  ['mse', () => c.mse(x(), x(), 'sum'), ValueError, /options must be an object; got 'sum'/],
  ['sum', () => x().sum(0, { keepdims: true }), ValueError, /did you mean keepDims\?/],
  ['sum', () => x().sum(0, { keepDims: 1 }), ValueError, /keepDims must be true or false; got keepDims=1/],
  ['sum', () => x().sum(0, null), ValueError, /options must be an object; got null/],
  ['var', () => x().var(0, { unbiased: false }), ValueError, /did you mean correction\?/],
  ['std', () => x().std(0, { ddof: 0 }), ValueError, /did you mean correction\?/],
  [
    'var',
    () => x().var(0, { correction: -5 }),
    ValueError,
    /correction must be a number and not negative; got correction=-5/,
  ],
  ['tensor', () => c.tensor([1], { dytpe: 'int32' }), ValueError, /did you mean dtype\?/],
  ['tensor', () => c.tensor([1], { requires_grad: true }), ValueError, /did you mean requiresGrad\?/],
  ['tensor', () => c.tensor([1], new Map([['dtype', 'int32']])), ValueError, /options must be an object; got a Map/],
  ['maxUnpool2d', () => c.maxUnpool2d(...pooled(), { duplicate: 'first' }), ValueError, /did you mean duplicates\?/],
  [
    'backward',
    () => parameter().sum().backward(undefined, { retain_graph: true }),
    ValueError,
    /did you mean retainGraph\?/,
  ],
  [
    'backward',
    () => parameter().sum().backward({ retainGraph: true }),
    ValueError,
    /grad must be a tensor; .*options come second/,
  ],
  ['dropout', () => c.dropout(x(), { p: 0.9 }), ValueError, /did you mean rate\?/],
  ['dropout', () => c.dropout(x(), 0.9), ValueError, /options must be an object; got 0.9; write them as { rate: … }/],
  ['dropout', () => c.dropout(x(), { training: 'false' }), ValueError, /training must be true or false/],
  [
    'resize2d',
    () => c.resize2d(image(), { size: [2, 2], align_corners: true }),
    ValueError,
    /did you mean alignCorners\?/,
  ],
  [
    'avgPool2d',
    () => c.avgPool2d(image(), { kernelSize: 2, countIncludePad: 'no' }),
    ValueError,
    /countIncludePad must be true or false/,
  ],
  [
    'StepLR',
    () => new c.StepLR(adam(), 30),
    ValueError,
    /options must be an object; got 30; write them as { every: … }/,
  ],
  ['StepLR', () => new c.StepLR(adam(), { step_size: 30 }), ValueError, /did you mean every\?/],
];

/** What is no tensor, list of tensors, number, flag or function where one belongs. */
const kinds: readonly Row[] = [
  ['concat', () => c.concat([x(), undefined]), ValueError, /tensors\[1\] must be a tensor; got tensors\[1\]=undefined/],
  [
    'concat',
    () => c.concat(x()),
    ValueError,
    /tensors must be an array of tensors; got tensors=a Tensor; wrap it in an array/,
  ],
  ['stack', () => c.stack(3), ValueError, /tensors must be an array of tensors/],
  ['add', () => x().add('1'), ValueError, /b must be a tensor or a number; got b='1'/],
  ['add', () => c.add([1], x()), ValueError, /a must be a tensor or a number; got a=\[1\]/],
  ['where', () => c.where([true], x(), 0), ValueError, /condition must be a tensor/],
  ['matmul', () => x().matmul([1]), ValueError, /b must be a tensor; got b=\[1\]; wrap it with tensor\(\)/],
  ['conv2d', () => c.conv2d(image(), [1]), ValueError, /weight must be a tensor/],
  ['conv2d', () => c.conv2d(image(), weight(), { bias: 1 }), ValueError, /bias must be a tensor; got bias=1/],
  [
    'slice',
    () => x().slice(1),
    ValueError,
    /a range must be \[start, end, step\] or null; got range 0=1; write \[1, 2\] for one element/,
  ],
  ['slice', () => x().slice(['a']), ValueError, /must be whole.* got \['a',undefined,1\]/],
  ['pad', () => c.tensor([1, 2, 3, 4]).pad([[1]]), ShapeError, /one \[before, after\] per axis; got pads=\[\[1\]\]/],
  ['pad', () => c.tensor([1, 2, 3, 4]).pad([[2, 2, 2]]), ShapeError, /one \[before, after\] per axis/],
  ['pad', () => c.ones([8]).pad([[]], 1), ShapeError, /got pads=\[\[\]\]/],
  ['pad', () => c.ones([8]).pad(1), ShapeError, /got pads=1/],
  ['pad', () => c.ones([8]).pad([[2 ** 31, 0]]), ShapeError, /at most 2147483647 elements/],
  ['indexSelect', () => x().indexSelect(0), ValueError, /numbers in an array or a tensor; got indices=0/],
  ['flip', () => x().flip({}), ShapeError, /axes must be an array of numbers/],
  ['softmax', () => x().softmax({ axis: 1 }), ShapeError, /axis must be whole/],
  [
    'crossEntropy',
    () => c.crossEntropy(x(), c.tensor([0, 1])),
    ValueError,
    /class numbers must be int32; .*dtype: 'int32'/,
  ],
  ['gatherNd', () => c.gatherNd([1], [[0]]), ValueError, /input must be a tensor/],
  ['scatterNd', () => c.scatterNd([[0]], [1], [2]), ValueError, /updates must be a tensor/],
  ['maxPool2d', () => c.maxPool2d([1], { kernelSize: 2 }), ValueError, /input must be a tensor/],
  ['to', () => x().to('wasm'), DeviceError, /a device is needed; got 'wasm'; .*await device\('wasm'\)/],
  ['setDefaultDevice', () => c.setDefaultDevice('wasm'), DeviceError, /got 'wasm'; .*await device\('wasm'\)/],
  ['upload', () => x().upload(new Float32Array(2), 'half'), ValueError, /dtype must be one of/],
  ['tensor', () => x().upload([1, 2], 'float32'), ValueError, /data must be a typed array/],
  ['fullLike', () => x().fullLike('1'), ValueError, /value must be a number/],
  ['requiresGrad', () => (x().requiresGrad = 'no'), ValueError, /must be true or false; got requiresGrad='no'/],
  ['assign', () => x().assign(1), ValueError, /source must be a tensor; got source=1/],
  ['Parameter', () => new c.Parameter([1]), ValueError, /source must be a tensor/],
  ['backward', () => c.backward(1), ValueError, /root must be a tensor/],
  ['grad', () => c.grad(parameter().sum(), parameter()), ValueError, /inputs must be an array of tensors/],
  ['gradcheck', () => c.gradcheck(1, []), ValueError, /fn must be a function; got fn=1/],
  ['customGrad', () => c.customGrad(x), ValueError, /backward must be a function; got backward=undefined/],
  ['checkpoint', () => c.checkpoint(1), ValueError, /fn must be a function; got fn=1/],
  ['checkpoint', () => c.checkpoint(() => 0, 1), ValueError, /inputs\[0\] must be a tensor; got inputs\[0\]=1/],
  ['checkpointSequential', () => c.checkpointSequential(1, 1, x()), ValueError, /functions must be a Sequential or an/],
  ['registerHook', () => parameter().registerHook(1), ValueError, /fn must be a function; got fn=1/],
  ['enableGrad', () => c.enableGrad(5), ValueError, /fn must be a function; got fn=5/],
  [
    'Adam',
    () => new c.Adam(model()),
    ValueError,
    /params must be an array of tensors; got params=a Linear; pass model.parameters\(\)/,
  ],
  ['Adam', () => new c.Adam([1]), ValueError, /params\[0\] must be a tensor; got params\[0\]=1/],
  ['clipGradNorm', () => c.clipGradNorm(model(), 1), ValueError, /pass model.parameters\(\)/],
  ['clipGradValue', () => c.clipGradValue(model(), 1), ValueError, /pass model.parameters\(\)/],
  ['clipGradValue', () => c.clipGradValue([], 1), ValueError, /there must be parameters; got an empty list/],
  ['clipGradValue', () => c.clipGradValue([parameter()], '1'), ValueError, /a positive number; got maxValue='1'/],
  ['clipGradValue', () => c.clipGradValue([parameter()], 0), ValueError, /a positive number; got maxValue=0/],
  ['Schedule', () => new c.StepLR(model(), { every: 1 }), ValueError, /must be an optimizer; got a Linear/],
  ['Adam.loadStateDict', () => adam().loadStateDict({}), ValueError, /what stateDict\(\) gives; got an object {}/],
  ['StepLR.loadStateDict', () => new c.StepLR(adam(), { every: 1 }).loadStateDict(1), ValueError, /got 1/],
  ['Linear.train', () => model().train('off'), ValueError, /on must be true or false; got on='off'/],
  ['Linear.requireGrad', () => model().requireGrad('no'), ValueError, /on must be true or false/],
  ['Linear.to', () => model().to(1), DeviceError, /a device is needed; got 1/],
  [
    'Linear.loadStateDict',
    () => model().loadStateDict({ weight: { dtype: 'float32', shape: [2, 2], data: new Float32Array(4) } }),
    ValueError,
    /got weight=an object {dtype, shape, data}; make tensors of stored arrays/,
  ],
  [
    'Linear',
    () => model().forward(new Float32Array(2)),
    ValueError,
    /input must be a tensor; got input=a Float32Array/,
  ],
  ['Linear', () => new c.Linear('2', 2), ValueError, /inFeatures must be whole and at least 1; got inFeatures='2'/],
  ['Flatten', () => new c.Flatten({ startAxis: 1 }), ValueError, /startAxis must be whole/],
  ['Softmax', () => new c.Softmax({ axis: 1 }), ValueError, /axis must be whole/],
  ['LeakyReLU', () => new c.LeakyReLU({ slope: 1 }), ValueError, /slope must be a number/],
  ['PReLU', () => new c.PReLU('3'), ValueError, /channels must be whole and at least 1; got channels='3'/],
  ['PReLU', () => new c.PReLU(3, { init: '0' }), ValueError, /init must be a finite number; got init='0'/],
  ['prelu', () => c.prelu(x(), 0.25), ValueError, /weight must be a tensor; got weight=0.25/],
  ['CELU', () => new c.CELU('1'), ValueError, /alpha must be positive and finite; got alpha='1'/],
  ['celu', () => c.celu(x(), 0), ValueError, /alpha must be positive and finite; got alpha=0/],
  ['Hardtanh', () => new c.Hardtanh({ min: 0 }), ValueError, /min must be a number; got min=an object {min}/],
  ['hardTanh', () => c.hardTanh(x(), 1, '2'), ValueError, /max must be a number; got max='2'/],
  ['hardTanh', () => c.hardTanh(x(), 1, 1), ValueError, /min must be less than max; got min=1, max=1/],
  ['hardTanh', () => c.hardTanh(2), ValueError, /input must be a tensor; got input=2/],
  ['GLU', () => new c.GLU('1'), ValueError, /axis must be whole/],
  ['glu', () => c.glu(x()), ShapeError, /the axis must have an even size; got input=\[2,3\], axis=-1/],
  ['glu', () => c.glu(x(), 2), ShapeError, /axis/],
  ['gelu', () => c.gelu(x(), { approximate: true }), ValueError, /must be 'none' or 'tanh'; got approximate=true/],
  ['GELU', () => new c.GELU({ approximate: 'Tanh' }), ValueError, /must be 'none' or 'tanh'; got approximate='Tanh'/],
  ['gelu', () => c.gelu(x(), 'tanh'), ValueError, /got 'tanh'; write them as { approximate: … }/],
  ['softplus', () => c.softplus(x(), { beta: 0 }), ValueError, /beta must be finite and not 0; got beta=0/],
  ['Softplus', () => new c.Softplus({ threshold: '20' }), ValueError, /threshold must be a number; got .*='20'/],
  ['crossEntropy', () => c.crossEntropy(x(), x(), { labelSmoothing: 2 }), ValueError, /in \[0, 1\]; got .*=2/],
  ['CrossEntropyLoss', () => new c.CrossEntropyLoss({ labelSmoothing: '0' }), ValueError, /got labelSmoothing='0'/],
  ['crossEntropy', () => c.crossEntropy(x(), x(), { weight: [1, 2, 3] }), ValueError, /weight must be a tensor/],
  ['nll', () => c.nll(x(), c.zeros([2], { dtype: 'int32' }), { weight: 0 }), ValueError, /got weight=0/],
  ['NLLLoss', () => new c.NLLLoss({ weight: '' }), ValueError, /weight must be a tensor; got weight=''/],
  ['crossEntropy', () => c.crossEntropy(x(), x(), { weight: Number.NaN }), ValueError, /got weight=NaN/],
  [
    'crossEntropy',
    () => c.crossEntropy(x(), x(), { weight: c.ones([2]) }),
    ShapeError,
    /weight must hold one number per class; got weight=\[2\], 3 classes/,
  ],
  ['nll', () => c.nll(x(), x()), ValueError, /class numbers must be int32; got target=\[2,3\] float32/],
  [
    'nll',
    () => c.nll(x(), c.tensor([0, 3], { dtype: 'int32' })),
    ValueError,
    /class numbers must be in \[0, 3\) or ignoreIndex; got element 1=3/,
  ],
  ['NLLLoss', () => new c.NLLLoss({ weight: c.ones([2, 2]) }), ShapeError, /one number per class; got weight=\[2,2\]/],
  ['bce', () => c.bce(x(), x(), { weight: 2 }), ValueError, /weight must be a tensor; got weight=2/],
  [
    'bceWithLogits',
    () => c.bceWithLogits(x(), x(), { weight: c.ones([2, 1, 3]) }),
    ShapeError,
    /the shape of the prediction, or broadcast to it; got weight=\[2,1,3\], prediction=\[2,3\]/,
  ],
  ['BCELoss', () => new c.BCELoss({ weight: 1 }), ValueError, /weight must be a tensor; got weight=1/],
  ['smoothL1', () => c.smoothL1(x(), x(), { beta: -1 }), ValueError, /beta must be finite and not negative; .*=-1/],
  ['HuberLoss', () => new c.HuberLoss({ delta: 0 }), ValueError, /delta must be positive and finite; got delta=0/],
  [
    'klDiv',
    () => c.klDiv(x(), x(), { reduction: 'batchmean' }),
    ValueError,
    /must be 'mean', 'batchMean', 'sum' or 'none'; got reduction=batchmean/,
  ],
  ['klDiv', () => c.klDiv(x(), x(), { logTarget: 1 }), ValueError, /logTarget must be true or false; got logTarget=1/],
  ['KLDivLoss', () => new c.KLDivLoss({ reduction: 2 }), ValueError, /got reduction=2/],
  ['klNormal', () => c.klNormal(x(), c.ones([3])), ShapeError, /logVar must have the shape of the mean; got mean=/],
  ['klNormal', () => c.klNormal(c.tensor(1), c.tensor(1)), ShapeError, /'batchMean' needs an axis of samples/],
  ['mse', () => c.mse(x(), x(), { reduction: 'batchMean' }), ValueError, /'mean', 'sum' or 'none'; got .*=batchMean/],
  ['dice', () => c.dice(x(), x()), ShapeError, /must have samples, positions, and channels on their last axis/],
  ['DiceLoss', () => new c.DiceLoss({ smooth: -1 }), ValueError, /smooth must be finite and not negative; .*=-1/],
  ['sigmoidFocal', () => c.sigmoidFocal(x(), x(), { alpha: 2 }), ValueError, /alpha must be in \[0, 1\], or -1/],
  ['SigmoidFocalLoss', () => new c.SigmoidFocalLoss({ gamma: -1 }), ValueError, /gamma must be .*; got gamma=-1/],
  ['instanceNorm', () => c.instanceNorm(x()), ShapeError, /two or more positions, and channels/],
  ['InstanceNorm2d', () => new c.InstanceNorm2d(2, { momentum: 2 }), ValueError, /momentum must be in \[0, 1\]/],
  ['LayerNorm', () => new c.LayerNorm(2, { bias: 0 }), ValueError, /bias must be true or false; got bias=0/],
  ['LayerNorm', () => new c.LayerNorm(2, { elementwise_affine: true }), ValueError, /did you mean affine\?/],
  [
    'GroupNorm',
    () => new c.GroupNorm(1, 2, { trackRunningStats: true }),
    ValueError,
    /not supported here: this layer has no running statistics/,
  ],
  ['CrossEntropyLoss', () => new c.CrossEntropyLoss({ label_smoothing: 0.1 }), ValueError, /mean labelSmoothing\?/],
  ['Sequential', () => new c.Sequential([model()]), ValueError, /got layer 0=an array of 1; pass them one by one/],
  [
    'unpoolLike',
    () => c.unpoolLike(new c.AvgPool2d(2)),
    ValueError,
    /pool must be a MaxPool2d or a MaxPool1d; got .*an AvgPool2d/,
  ],
  ['constant', () => c.init.constant(x(), 'a'), ValueError, /value must be a number; got value='a'/],
  ['normal', () => c.init.normal(3), ValueError, /target must be a tensor/],
];

const test = suite('arguments');
const wasm = await device('wasm', { threads: 2 });
const gpu = await device('gpu', { mode: 'cpu' });
const webasm = await device('gpu', { mode: 'webasm' });
const before = defaultDevice();

const unknown = Object.entries(doors).map(
  // std, var and the fills of init name themselves by their last word.
  ([name, call]): Row => [nameInMessages(name), call, ValueError, /got nonsense=1/],
);

for (const row of [...shapes, ...values, ...windows, ...options, ...kinds, ...unknown])
  for (const on of [before, wasm, gpu, webasm])
    test(`${on}: ${written(row[1])}`, async () => {
      setDefaultDevice(on);
      try {
        await refuses(row, on);
        assert.equal([...(await c.tensor([1, 2]).add(1).data())], [2, 3]);
        const { bytes, tensors } = on.memory();
        assert.ok(Number.isFinite(bytes) && Number.isFinite(tensors));
      } finally {
        setDefaultDevice(before);
      }
    });

/** Parameters as written, of a function, a class's constructor or a method. */
function parametersOf(value: object, text = String(value)): string {
  if (/^\w+\s*=>/.test(text)) return '';
  const from = text.startsWith('class') ? text.indexOf('constructor(') : 0;
  if (from < 0) return '';
  const start = text.indexOf('(', from);
  let depth = 0;
  for (let at = start; at < text.length; at++) {
    if (text[at] === '(') depth++;
    if (text[at] === ')' && --depth === 0) return text.slice(start + 1, at);
  }
  return '';
}
const takesOptions = (value: object): boolean => /\boptions\b|\{/.test(parametersOf(value));

test("a tensor's shape cannot be written, and a caller's array stays the caller's", () => {
  const shape = [2, 3];
  const made = [c.zeros(shape), x().upload(new Float32Array(6), 'float32', shape), x().fullLike(1, shape)];
  shape[0] = 5;
  for (const t of made) {
    assert.equal(t.shape, [2, 3]);
    assert.throws(() => {
      t.shape[0] = 5;
    }, TypeError);
  }
});

test('every export that takes options has a row', () => {
  // Bases of classes that have rows, states as getState() gives them, and doors tested elsewhere.
  const elsewhere = ['MaxPooling', 'Optimizer', 'FastRandom.setState', 'compile', 'ModuleDict'];
  // Not public: what optimizers ask of their update rules.
  const hooks = ['checkOptions', 'slots', 'update'];
  const missing: string[] = [];
  const look = (exports: object, prefix: string): void => {
    for (const [name, value] of Object.entries(exports))
      if (typeof value === 'function') {
        const full = `${prefix}${name}`;
        if (takesOptions(value) && !Object.hasOwn(doors, full) && !elsewhere.includes(full)) missing.push(full);
        for (const [method, { value: fn }] of Object.entries(Object.getOwnPropertyDescriptors(value.prototype ?? {})))
          if (typeof fn === 'function' && ![...hooks, 'constructor'].includes(method) && takesOptions(fn)) {
            const door = `${name}.${method}`;
            const delegated = name === 'Tensor' && (Object.hasOwn(doors, method) || method === 'var');
            if (!Object.hasOwn(doors, door) && !delegated && !elsewhere.includes(door)) missing.push(door);
          }
      }
  };
  look(typed, '');
  look(typed.init, 'init.');
  assert.equal(missing, []);
});

test.after(async () => {
  await wasm.close();
  await gpu.close();
  await webasm.close();
});
test.run();
