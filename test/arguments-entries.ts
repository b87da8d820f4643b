/**
 * Bad arguments for every public function of the entries `cedargrad/data`, `cedargrad/io`,
 * `cedargrad/models` and `cedargrad/train`. The calls are those that plain JavaScript allows, so
 * types are switched off. Not here: the main entry (test/arguments.ts), damaged files (test/io).
 */
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { shown } from '../src/arguments.js';
import * as dataEntry from '../src/data/index.js';
import { ProcessGroup } from '../src/distributed/index.js';
import {
  CedarError,
  FormatError,
  Linear,
  ones,
  RandomState,
  ReLU,
  SGD,
  ShapeError,
  StepLR,
  type Tensor,
  tensor,
  ValueError,
} from '../src/index.js';
import * as ioEntry from '../src/io/index.js';
import * as modelsEntry from '../src/models/index.js';
import * as trainEntry from '../src/train/index.js';
import { type Row, refuses, written } from './helpers/refusals.js';

// biome-ignore lint/suspicious/noExplicitAny: what types forbid is what is tested
const [data, io, models, train] = [dataEntry, ioEntry, modelsEntry, trainEntry] as any[];

const test = suite('arguments of entries');

// A path that is any text is written where nothing else is.
const folder = mkdtempSync(join(tmpdir(), 'cedargrad-arguments-'));
const home = process.cwd();
process.chdir(folder);
test.after(() => {
  process.chdir(home);
  rmSync(folder, { recursive: true });
});

const random = () => new RandomState(1);
const picture = () => new io.Picture(20, 20);
const pixel = { width: 1, height: 1, channels: 1, data: new Uint8Array(1) };
const shade = { data: [0.5], height: 1, width: 1, channels: 1, min: 0, max: 1, offset: 0 };
const stored = { dtype: 'float32', shape: [1], data: new Float32Array(1) };
const arrays = await io.encodeNpz({ a: stored });
const curve = { values: [1, 2], x: [1, 2], label: 'a', color: [1, 2, 3] };
const stream = { write: () => true };
const watch = () => Object.assign(new train.ReluWatch(), { enabled: true });
const progress = () => new train.Progress(5, { stream });
const model = () => new Linear(2, 2);
const trained = model();
const onnxFile = await io.exportOnnx(new ReLU(), { input: [2] });
const average = () => new train.ExponentialMovingAverage(model());
const image = () => ones([1, 3, 3, 1]);
const autoencoder = () => new models.ConvAutoencoder({ size: [3, 3], channels: 1, widths: [2], code: 1 });
const tiny = { channels: 1, width: 1 / 64, classes: 1 };
/** Options of a network, with the small width of others where theirs is sound or missing. */
const narrow = (options: unknown, small: object) => {
  if (options === undefined) return small;
  const { width } = { width: 1, ...(small as { width?: unknown }) };
  if (kindOf(options) !== 'object') return options;
  const { width: given = 1 } = options as { width?: unknown };
  return typeof given === 'number' && given > 0 && given <= 16 ? { ...(options as object), width } : options;
};
const scene = () => ones([1, 32, 32, 1]);
const swwae = () => new models.Swwae({ layers: '(1)1c-2p' });
const encoded = () => {
  const { what, where } = swwae().encode(scene());
  return [what.at(-1), where];
};
const code = () => ones([1, 1, 1, 1]);
const levels = () => autoencoder().encode(image())[1];
const marks = () => tensor([0, 1]);
// biome-ignore lint/suspicious/noExplicitAny: see above
const measured = async (metric: any) => {
  await metric.update(marks(), marks());
  return metric;
};

/** A data set. It is no plain object, whose parts would be replaced too. */
class Numbers {
  readonly length = 3;
  item(index: number): number {
    return index;
  }
}
/** A transform in a list. The errors of its options name the transform. */
class Crop {
  readonly name = 'crop';
  readonly size = 2;
}
const photo = new File([io.encodePng(pixel)], 'a.png');
const moduleUrl = new URL('data:text/javascript,export const dataset = { length: 1, item: () => 1 }');
const loader = () => new data.DataLoader(new Numbers(), { batchSize: 2 });
const pictures = { kind: 'image', width: 1, height: 1, items: ['AAAA'] };
const reportData = {
  title: 'a',
  status: 'stopped',
  stopReason: 'b',
  epochs: 2,
  step: 3,
  started: '2026-11-30T10:43:00.000Z',
  updated: '2026-11-30T10:44:00.000Z',
  resumed: [1],
  losses: [{ step: 1, mean: 1, least: 1, greatest: 1, lr: 1 }],
  history: [{ epoch: 1, step: 3, loss: 1, valLoss: 1, metrics: { psnr: 1 }, lr: 1, seconds: 1 }],
  best: { epoch: 1, monitor: 'valLoss', value: 1 },
  samples: { inputs: pictures, targets: pictures, outputs: [{ epoch: 1, pictures }] },
  filters: { layer: 'a', shape: [1, 1, 1, 1], pictures },
  layers: [{ name: 'a', type: 'b', called: true, output: [1], parameters: 1, multiplyAdds: 1 }],
  config: {},
  environment: { device: 'a' },
  warnings: ['a'],
};

const fitting = () => ({
  data: [[ones([1, 2])]],
  loss: (input: Tensor) => trained.forward(input).pow(2).mean(),
  optimizer: new SGD(trained.parameters(), { lr: 0.01 }),
  epochs: 2,
});
const mean = (prediction: Tensor) => prediction.mean();
const measuring = {
  data: [[ones([1, 2])]],
  loss: (input: Tensor) => trained.forward(input).sum(),
  predict: (input: Tensor) => trained.forward(input),
  metrics: { mean },
};
const weights = await io.encodeWeights(model());
const layouts = { flatten: { '': [2, 1] }, unflatten: { '': [1, 2] } };
const torchOptions = { ...layouts, dtype: 'float16', map: { weight: 'a' } };
const torchWeights = await io.encodeTorch(model(), torchOptions);
const parts = () => {
  const module = model();
  const optimizer = new SGD(module.parameters(), { lr: 0.1 });
  return {
    model: module,
    optimizer,
    schedule: new StepLR(optimizer, { every: 1 }),
    data: loader(),
    ema: new train.ExponentialMovingAverage(module),
    generators: { noise: random() },
  };
};
const saved = await train.encodeCheckpoint(parts());

// biome-ignore lint/suspicious/noExplicitAny: see above
type Call = (...given: any[]) => unknown;

/** A call, and sound arguments of it. */
interface Door {
  readonly call: Call;
  readonly sound: readonly unknown[];
  /** Whether it may be called without arguments. */
  readonly optional?: boolean;
}
const door = (call: Call, ...sound: unknown[]): Door => ({ call, sound });
const network = (make: (options: never) => unknown, options: object): Door => ({
  call: (given) => make(narrow(given, options) as never),
  sound: [options],
  optional: true,
});

const doors: Readonly<Record<string, Door>> = {
  arrayDataset: door((...a) => data.arrayDataset(...a), new Float32Array(3)),
  concatDatasets: door((...a) => data.concatDatasets(...a), [new Numbers()]),
  imageFolder: door((...a) => data.imageFolder(...a), [photo], {
    channels: 1,
    targets: [photo],
    targetChannels: 3,
    onError: 'throw',
    extensions: ['png'],
    cache: true,
  }),
  readImage: door((...a) => data.readImage(...a), photo, { channels: 1 }),
  mapDataset: door(
    (...a) => data.mapDataset(...a),
    new Numbers(),
    () => 1,
  ),
  split: door((...a) => data.split(...a), new Numbers(), [2, 1], { seed: 1, shuffle: true }),
  subset: door((...a) => data.subset(...a), new Numbers(), [0, 1]),
  DataLoader: door((...a) => new data.DataLoader(...a), new Numbers(), {
    batchSize: 2,
    shuffle: true,
    dropLast: true,
    seed: 1,
    prefetch: 1,
    workers: 0,
    collate: () => 1,
    device: ones([1]).device,
  }),
  'DataLoader.stateDict': { call: () => loader().stateDict(), sound: [], optional: true },
  'DataLoader.loadStateDict': door((...a) => loader().loadStateDict(...a), { seed: 1, epoch: 0, batch: 1 }),
  'transforms.crop': door((...a) => data.transforms.crop(...a), [2, 2]),
  'transforms.randomCrop': door((...a) => data.transforms.randomCrop(...a), [2, 2], { seed: 1 }),
  'transforms.pad': door((...a) => data.transforms.pad(...a), [1, 2], { value: 1, mode: 'constant' }),
  'transforms.flip': {
    call: (...a) => data.transforms.flip(...a),
    sound: [{ horizontal: 1, vertical: 1, seed: 1 }],
    optional: true,
  },
  'transforms.resize': door((...a) => data.transforms.resize(...a), [2, 2], {
    interpolation: 'nearest',
    antialias: true,
  }),
  'transforms.rotate': door((...a) => data.transforms.rotate(...a), [1, 2], {
    interpolation: 'nearest',
    fill: 1,
    seed: 1,
  }),
  'transforms.brightness': door((...a) => data.transforms.brightness(...a), [1, 2], { seed: 1 }),
  'transforms.contrast': door((...a) => data.transforms.contrast(...a), [1, 2], { seed: 1 }),
  'transforms.noise': door((...a) => data.transforms.noise(...a), 1, { clamp: true, seed: 1 }),
  'transforms.normalize': door((...a) => data.transforms.normalize(...a), [1, 2], [1, 2]),
  'transforms.grayscale': { call: (...a) => data.transforms.grayscale(...a), sound: [{ channels: 1 }], optional: true },
  'transforms.compose': door((...a) => data.transforms.compose(...a), [() => 1]),
  'transforms.forImage': door(
    (...a) => data.transforms.forImage(...a),
    () => 1,
  ),
  'transforms.paired': door((...a) => data.transforms.paired(...a), data.transforms.flip(), {
    interpolation: 'nearest',
    colors: 'both',
  }),
  'transforms.fromList': door((...a) => data.transforms.fromList(...a), [new Crop()]),
  digits: door((...a) => data.digits(...a), { train: 1, test: 1 }),
  moduleDataset: door((...a) => data.moduleDataset(...a), moduleUrl, { name: 'dataset' }),
  photographs: {
    call: (...a) => data.photographs(...a),
    sound: [{ names: ['nagasaki-boats'], channels: 1, cache: true }],
    optional: true,
  },
  generatedShapes: door((...a) => data.generatedShapes(...a), {
    count: 3,
    size: [8, 9],
    seed: 1,
    channels: 1,
    shapes: [1, 2],
    kinds: ['disc'],
  }),
  batches: door((...a) => [...data.batches(...a)], 3, 2, random(), { shuffle: true, dropLast: true }),
  cednData: { call: () => data.cednData(), sound: [], optional: true },
  cednWeights: { call: (...a) => data.cednWeights(...a), sound: [1], optional: true },
  loadDigits: door((...a) => data.loadDigits(...a), { train: 1, test: 1 }),
  decodePng: door((...a) => io.decodePng(...a), io.encodePng(pixel)),
  encodePng: door((...a) => io.encodePng(...a), pixel),
  decodeSafetensors: door((...a) => io.decodeSafetensors(...a), io.encodeSafetensors({ a: stored }), {
    skip: ['a'],
  }),
  encodeSafetensors: door((...a) => io.encodeSafetensors(...a), { a: stored }, { b: 'c' }, { dtype: 'float16' }),
  decodeNpy: door((...a) => io.decodeNpy(...a), io.encodeNpy(stored)),
  encodeNpy: door((...a) => io.encodeNpy(...a), stored, { dtype: 'float16' }),
  loadNpy: door((...a) => io.loadNpy(...a), io.encodeNpy(stored)),
  saveNpy: door((...a) => io.saveNpy(...a), 'a.npy', stored, { dtype: 'float16' }),
  decodeNpz: door((...a) => io.decodeNpz(...a), arrays, { skip: ['a'], maxBytes: 1000 }),
  encodeNpz: door((...a) => io.encodeNpz(...a), { a: stored }, { dtype: 'float16', compressed: true }),
  loadNpz: door((...a) => io.loadNpz(...a), arrays, { skip: ['a'], maxBytes: 1000 }),
  saveNpz: door((...a) => io.saveNpz(...a), 'a.npz', { a: stored }, { dtype: 'float16', compressed: true }),
  loadSafetensors: door((...a) => io.loadSafetensors(...a), io.encodeSafetensors({ a: stored }), { skip: ['a'] }),
  writeFileAtomic: door((...a) => io.writeFileAtomic(...a), 'file', new Uint8Array(1)),
  Picture: door((...a) => new io.Picture(...a), 3, 3, [1, 2, 3]),
  'Picture.rect': door((...a) => picture().rect(...a), 1, 1, 2, 2, [1, 2, 3]),
  'Picture.line': door((...a) => picture().line(...a), 1, 1, 2, 2, [1, 2, 3], 1),
  'Picture.image': door((...a) => picture().image(...a), 1, 1, shade, 1),
  'Picture.textWidth': door((...a) => io.Picture.textWidth(...a), 'a', 1),
  'Picture.text': door((...a) => picture().text(...a), 1, 1, 'a', { color: [1, 2, 3], scale: 1, align: 'left' }),
  'Picture.lineChart': door((...a) => picture().lineChart(...a), 1, 1, 15, 15, [curve], {
    title: 'a',
    xLabel: 'b',
    yLabel: 'c',
    log: true,
  }),
  'Picture.toPng': { call: () => picture().toPng(), sound: [], optional: true },
  autoencoderFor: door((...a) => models.autoencoderFor(...a), [8, 8], 3),
  ConvAutoencoder: door((...a) => new models.ConvAutoencoder(...a), {
    size: [8, 8],
    channels: 1,
    outChannels: 1,
    widths: [2],
    code: 1,
    decoder: 'unpool',
    norm: true,
    dropout: 0.1,
  }),
  'ConvAutoencoder.encode': door((...a) => autoencoder().encode(...a), image()),
  'ConvAutoencoder.decode': door((...a) => autoencoder().decode(...a), code(), levels()),
  'ConvAutoencoder.decodeLogits': door((...a) => autoencoder().decodeLogits(...a), code(), levels()),
  'ConvAutoencoder.logits': door((...a) => autoencoder().logits(...a), image()),
  'ConvAutoencoder.forward': door((...a) => autoencoder().forward(...a), image()),
  'ConvAutoencoder.describe': { call: () => autoencoder().describe(), sound: [], optional: true },
  Vgg16: network((o) => new models.Vgg16(o), { ...tiny, size: 32, norm: true, dropout: 0.1 }),
  'Vgg16.forward': door((...a) => new models.Vgg16({ ...tiny, size: 32 }).forward(...a), scene()),
  SegNet: network((o) => new models.SegNet(o), tiny),
  'SegNet.forward': door((...a) => new models.SegNet(tiny).forward(...a), scene()),
  DeconvNet: network((o) => new models.DeconvNet(o), { ...tiny, size: 32 }),
  'DeconvNet.forward': door((...a) => new models.DeconvNet({ ...tiny, size: 32 }).eval().forward(...a), scene()),
  Cedn: network((o) => new models.Cedn(o), { ...tiny, dropout: 0.1 }),
  'Cedn.forward': door((...a) => new models.Cedn(tiny).forward(...a), scene()),
  UNet: network((o) => new models.UNet(o), { ...tiny, padding: 'same', norm: true }),
  'UNet.forward': door((...a) => new models.UNet(tiny).forward(...a), scene()),
  ENet: network((o) => new models.ENet(o), { ...tiny, width: 1 / 4 }),
  'ENet.forward': door((...a) => new models.ENet({ ...tiny, width: 1 / 4 }).forward(...a), scene()),
  Swwae: network((o) => new models.Swwae(o), { channels: 1, width: 1, layers: '(1)1c-2p' }),
  'Swwae.encode': door((...a) => swwae().encode(...a), scene()),
  'Swwae.decode': door((...a) => swwae().decode(...a), ...encoded()),
  'Swwae.forward': door((...a) => swwae().forward(...a), scene()),
  ReluWatch: { call: () => new train.ReluWatch(), sound: [], optional: true },
  'ReluWatch.see': door((...a) => watch().see(...a), 'a', ones([2])),
  'ReluWatch.dead': { call: () => watch().dead(), sound: [], optional: true },
  detectAnomaly: door(
    (...a) => train.detectAnomaly(...a),
    () => 1,
    { model: model(), infinity: true },
  ),
  constantPredictorLoss: door((...a) => train.constantPredictorLoss(...a), [0, 1]),
  beatsConstantPredictor: door((...a) => train.beatsConstantPredictor(...a), 0.1, [0, 1]),
  ExponentialMovingAverage: door((...a) => new train.ExponentialMovingAverage(...a), model(), {
    decay: 0.9,
    warmup: true,
  }),
  'ExponentialMovingAverage.update': { call: () => average().update(), sound: [], optional: true },
  'ExponentialMovingAverage.apply': door(
    (...a) => average().apply(...a),
    () => 1,
  ),
  'ExponentialMovingAverage.stateDict': { call: () => average().stateDict(), sound: [], optional: true },
  'ExponentialMovingAverage.loadStateDict': door((...a) => average().loadStateDict(...a), average().stateDict()),
  findLearningRate: door((...a) => train.findLearningRate(...a), trained, {
    data: [[ones([1, 2])]],
    loss: (input: Tensor) => trained.forward(input).sum(),
    optimizer: new SGD(trained.parameters()),
    from: 0.001,
    to: 1,
    steps: 3,
    smoothing: 0.5,
  }),
  diagnostics: {
    call: (...a) => train.diagnostics(...a),
    sound: [{ batch: [ones([1])], everyEpochs: 2 }],
    optional: true,
  },
  csvLog: door((...a) => train.csvLog(...a), 'log.csv'),
  jsonLog: { call: (...a) => train.jsonLog(...a), sound: [{ stream, everySteps: 5 }], optional: true },
  learningRatePicture: door(
    (...a) => train.learningRatePicture(...a),
    { rates: [0.1, 1], losses: [2, 1], smoothed: [2, 1], suggestion: 1 },
    { width: 200, height: 100 },
  ),
  pixelAccuracy: door((...a) => train.pixelAccuracy(...a), image(), image(), { threshold: 0.5, logits: false }),
  iou: door((...a) => train.iou(...a), image(), image(), { threshold: 0.5, logits: true }),
  fMeasure: door((...a) => train.fMeasure(...a), image(), image(), { threshold: 0.5, logits: true, beta: 2 }),
  psnr: door((...a) => train.psnr(...a), image(), image(), { max: 1 }),
  ssim: door((...a) => train.ssim(...a), image(), image(), { max: 1, windowSize: 1, sigma: 1, k1: 0.1, k2: 0.1 }),
  ssimLoss: door((...a) => train.ssimLoss(...a), image(), image(), { max: 1, windowSize: 1 }),
  SSIMLoss: { call: (...a) => new train.SSIMLoss(...a), sound: [{ max: 1, windowSize: 1 }], optional: true },
  'SSIMLoss.forward': door((...a) => new train.SSIMLoss({ windowSize: 1 }).forward(...a), image(), image()),
  'SSIMLoss.describe': { call: () => new train.SSIMLoss().describe(), sound: [], optional: true },
  rocAuc: door((...a) => train.rocAuc(...a), marks(), marks()),
  RocAuc: { call: () => new train.RocAuc(), sound: [], optional: true },
  'RocAuc.reset': { call: () => new train.RocAuc().reset(), sound: [], optional: true },
  'RocAuc.merge': door((...a) => new train.RocAuc().merge(...a), new ProcessGroup(null)),
  'RocAuc.update': door((...a) => new train.RocAuc().update(...a), marks(), marks()),
  'RocAuc.compute': { call: async () => (await measured(new train.RocAuc())).compute(), sound: [], optional: true },
  PixelAccuracy: { call: (...a) => new train.PixelAccuracy(...a), sound: [{ threshold: 0.5 }], optional: true },
  IoU: { call: (...a) => new train.IoU(...a), sound: [{ threshold: 0.5, logits: true }], optional: true },
  FMeasure: { call: (...a) => new train.FMeasure(...a), sound: [{ threshold: 0.5, beta: 1 }], optional: true },
  MeanMetric: door((...a) => new train.MeanMetric(...a), train.psnr),
  'MeanMetric.reset': { call: () => new train.MeanMetric(train.psnr).reset(), sound: [], optional: true },
  'MeanMetric.merge': door((...a) => new train.MeanMetric(train.psnr).merge(...a), new ProcessGroup(null)),
  'MeanMetric.update': door((...a) => new train.MeanMetric(() => 1).update(...a), image(), image()),
  'MeanMetric.compute': {
    call: async () => (await measured(new train.MeanMetric(() => 1))).compute(),
    sound: [],
    optional: true,
  },
  Progress: door((...a) => new train.Progress(...a).done(), 5, { stream, label: 'a' }),
  'Progress.update': door((...a) => progress().update(...a), 1, { loss: 1, accuracy: 1, stepsPerSecond: 1 }),
  'Progress.done': { call: () => progress().done(), sound: [], optional: true },
  encodeWeights: door((...a) => io.encodeWeights(...a), model(), { dtype: 'float16' }),
  saveWeights: door((...a) => io.saveWeights(...a), model(), 'weights', { dtype: 'float16' }),
  loadWeights: door((...a) => io.loadWeights(...a), model(), weights, { strict: true, skip: [] }),
  encodeTorch: door((...a) => io.encodeTorch(...a), model(), torchOptions),
  saveTorch: door((...a) => io.saveTorch(...a), model(), 'torch', torchOptions),
  loadTorch: door((...a) => io.loadTorch(...a), model(), torchWeights, {
    ...layouts,
    strict: true,
    map: { weight: 'a' },
    skip: [],
  }),
  exportOnnx: door((...a) => io.exportOnnx(...a), new ReLU(), { input: [2], layout: 'NHWC', opset: 17 }),
  importOnnx: door((...a) => io.importOnnx(...a), onnxFile, { layout: 'NHWC' }),
  saveOnnx: door((...a) => io.saveOnnx(...a), new ReLU(), 'model.onnx', { input: [2] }),
  encodeCheckpoint: door((...a) => train.encodeCheckpoint(...a), parts()),
  saveCheckpoint: door((...a) => train.saveCheckpoint(...a), 'last.checkpoint', parts()),
  loadCheckpoint: door((...a) => train.loadCheckpoint(...a), saved, parts()),
  evaluate: door((...a) => train.evaluate(...a), trained, measuring),
  fit: door((...a) => train.fit(...a), trained, {
    ...fitting(),
    validation: [[ones([1, 2])]],
    predict: (input: Tensor) => trained.forward(input),
    metrics: { mean },
    schedule: new StepLR(new SGD(trained.parameters(), { lr: 0.01 }), { every: 1 }),
    scheduleEvery: 'epoch',
    accumulate: 1,
    clipNorm: 1,
    clipValue: 1,
    compile: false,
    ema: new train.ExponentialMovingAverage(trained),
    // The first ends each run, so that a run of very many epochs ends too.
    callbacks: [
      {
        name: 'a',
        runsLast: true,
        onTrainBegin: () => {},
        onEpochBegin: () => {},
        onStepEnd: (run: { stop(reason: string): void }) => run.stop('enough'),
        onEpochEnd: () => {},
        onTrainEnd: () => {},
        onError: () => {},
        stateDict: () => null,
        loadStateDict: () => {},
      },
    ],
    signal: new AbortController().signal,
    generators: { noise: random() },
  }),
  describeEpoch: door((...a) => train.describeEpoch(...a), reportData.history[0], 3),
  progress: { call: (...a) => train.progress(...a), sound: [{ stream }], optional: true },
  earlyStopping: {
    call: (...a) => train.earlyStopping(...a),
    sound: [{ monitor: 'loss', mode: 'min', patience: 2, minDelta: 0.1 }],
    optional: true,
  },
  checkpoint: door((...a) => train.checkpoint(...a), 'run', {
    monitor: 'loss',
    mode: 'min',
    everyEpochs: 1,
    everySteps: 5,
  }),
  stopOnSignals: { call: (...a) => train.stopOnSignals(...a).dispose(), sound: [{ name: 'a' }], optional: true },
  report: door((...a) => train.report(...a), 'report.html', {
    title: 'a',
    samples: ones([2, 4, 4, 1]),
    sampleCount: 2,
    range: [0, 1],
    output: (y: unknown) => y,
    everySeconds: 1,
    config: {},
  }),
  renderReport: door((...a) => train.renderReport(...a), reportData),
};

/** One of each kind, and numbers at the ends. */
const odd: readonly unknown[] = [
  undefined,
  null,
  ...[5, -1, 1.5, Number.NaN, Infinity, 1e12, 1n, true, '3', 'abc', '', Symbol('s')],
  ...[{}, { nonsense: 1 }, Object.create(null), [], [1, 2, 3], [[1]], new Array(3)],
  ...[new Float32Array(3), new Uint8Array(3), new BigInt64Array(1), new ArrayBuffer(3), new Map([['a', 1]])],
  ...[() => 1, Promise.resolve(1), ones([3]), model(), model().stateDict()],
];

function kindOf(value: unknown): string {
  if (typeof value !== 'object' || value === null) return value === null ? 'null' : typeof value;
  if (Array.isArray(value) || ArrayBuffer.isView(value)) return 'list';
  const prototype = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype ? 'object' : prototype.constructor.name;
}

/** What may stand where another kind does: bytes are a list, a buffer or (to be written) text. */
const also: Readonly<Record<string, readonly string[]>> = {
  DataLoader: ['list', 'Map'],
  generatedShapes: ['number'],
  ...Object.fromEntries(
    ['crop', 'randomCrop', 'pad', 'resize', 'rotate', 'brightness', 'contrast', 'normalize'].map((name) => [
      `transforms.${name}`,
      ['number'],
    ]),
  ),
  decodePng: ['ArrayBuffer'],
  decodeSafetensors: ['ArrayBuffer', 'function'],
  writeFileAtomic: ['ArrayBuffer', 'string'],
  csvLog: ['function'],
  checkpoint: ['function'],
  evaluate: ['function'],
  loadWeights: ['string', 'function'],
  ...Object.fromEntries(['loadTorch', 'saveTorch', 'encodeTorch'].map((name) => [name, ['string', 'function']])),
  decodeNpy: ['ArrayBuffer'],
  decodeNpz: ['ArrayBuffer', 'function'],
  ...Object.fromEntries(
    ['loadNpy', 'loadNpz', 'loadSafetensors'].map((name) => [name, ['string', 'ArrayBuffer', 'function']]),
  ),
  loadCheckpoint: ['string'],
  exportOnnx: ['Linear'],
  saveOnnx: ['Linear'],
};

/** Objects that may have any name. */
const openPlaces = /\.(config|metrics)$/;

/**
 * An argument with each of its parts replaced by odd values in turn: the path of the part, the
 * value that was replaced, the new value, and the whole argument.
 */
function* broken(
  sound: unknown,
  place: string,
): Generator<[place: string, replaced: unknown, by: unknown, whole: unknown]> {
  for (const by of odd) yield [place, sound, by, by];
  if (kindOf(sound) === 'object' && typeof (sound as { write?: unknown }).write !== 'function') {
    if (!openPlaces.test(place)) yield [`${place}.nonsense`, 'nothing', 1, { ...(sound as object), nonsense: 1 }];
    for (const [name, part] of Object.entries(sound as object))
      for (const [inner, replaced, by, whole] of broken(part, `${place}.${name}`))
        yield [inner, replaced, by, { ...(sound as object), [name]: whole }];
  }
  if (Array.isArray(sound) && kindOf(sound[0]) === 'object')
    for (const [inner, replaced, by, whole] of broken(sound[0], `${place}[0]`)) yield [inner, replaced, by, [whole]];
}

for (const [op, { call, sound, optional }] of Object.entries(doors)) {
  test(`${op} takes what is sound`, async () => {
    await call(...sound);
  });
  if (!optional)
    test(`${op} without arguments is refused`, () =>
      refuses([op, call as () => unknown, CedarError, /; got /], undefined));
  for (const [at, argument] of sound.entries())
    test(`${op}: anything else as argument ${at} is refused by name, and nothing from inside throws`, async () => {
      for (const [place, replaced, by, whole] of broken(argument, `argument ${at}`)) {
        const what = `${place} = ${shown(by)}`;
        let thrown: unknown;
        try {
          await call(...sound.slice(0, at), whole, ...sound.slice(at + 1));
        } catch (error) {
          thrown = error;
        }
        if (thrown !== undefined) {
          assert.instance(thrown, CedarError, `${what}: ${thrown}`);
          assert.ok((thrown as Error).message.startsWith(`${op}: `), `${what}: ${thrown}`);
        } else {
          const kinds = ['undefined', kindOf(replaced), ...(also[op] ?? [])];
          assert.ok(kinds.includes(kindOf(by)), `${what} was taken`);
        }
      }
    });
}

/** Private in TypeScript only. */
const hidden = [
  ...['Picture.mix', 'Progress.line', 'Progress.print'],
  ...['PixelAccuracy.value', 'IoU.value', 'FMeasure.value'],
];
const methodsOf = (value: object): string[] =>
  Object.entries(Object.getOwnPropertyDescriptors(value))
    .filter(([name, { value: fn }]) => typeof fn === 'function' && name !== 'constructor')
    .map(([name]) => name);

test('every export has a door', () => {
  const found: string[] = [];
  for (const [name, value] of Object.entries({ ...dataEntry, ...ioEntry, ...modelsEntry, ...trainEntry })) {
    const methods = [...methodsOf(value), ...methodsOf((value as { prototype?: object }).prototype ?? {})];
    if (typeof value === 'function') found.push(name);
    found.push(...methods.map((method) => `${name}.${method}`).filter((full) => !hidden.includes(full)));
  }
  assert.equal(found.sort(), Object.keys(doors).sort());
});

const bytes = (...given: number[]) => Uint8Array.from(given);

/** What the messages say, and values of the right kind that are out of range. */
const rows: readonly Row[] = [
  // ---- data
  [
    'batches',
    () => data.batches(2 ** 31, 2, random()),
    ValueError,
    /count must be at most 2147483647; got count=21474/,
  ],
  ['batches', () => data.batches(3, 2), ValueError, /random must be a generator .*; got random=undefined; pass new/],
  ['batches', () => data.batches(3, 2, random(), { drop_last: true }), ValueError, /did you mean dropLast\?/],
  ['batches', () => data.batches(3, 2, random(), { shuffle: 'false' }), ValueError, /shuffle must be true or false/],
  ['batches', () => data.batches(3, 2, random(), true), ValueError, /options must be an object; got true/],
  [
    'cednWeights',
    () => data.cednWeights('42'),
    ValueError,
    /seed must be whole and in \[0, 4294967295\]; got seed='42'/,
  ],
  ['loadDigits', () => data.loadDigits({ train: 1, tests: 1 }), ValueError, /did you mean test\?/],
  [
    'loadDigits',
    () => data.loadDigits({ train: 1 }),
    ValueError,
    /counts must be whole .*; got train=1, test=undefined/,
  ],
  [
    'loadDigits',
    () => data.loadDigits(5, 5),
    ValueError,
    /options must be an object; got 5; write them as { train: … }/,
  ],
  // ---- io: bytes
  ['decodePng', () => io.decodePng(new ArrayBuffer(3)), FormatError, /must begin with the PNG signature; got 3 bytes/],
  ['decodePng', () => io.decodePng('a.png'), ValueError, /got 'a.png'; read the file first/],
  [
    'encodePng',
    () => io.encodePng({ ...pixel, data: [0] }),
    ValueError,
    /data must be a Uint8Array or .*; got data=\[0\]/,
  ],
  ['encodePng', () => io.encodePng({ ...pixel, data: new Float32Array(1) }), ValueError, /got data=a Float32Array/],
  ['encodePng', () => io.encodePng({ ...pixel, depth: 16 }), ValueError, /options are width, .* got depth=16/],
  ['encodePng', () => io.encodePng(ones([1])), ValueError, /got a Tensor/],
  [
    'decodeSafetensors',
    () => io.decodeSafetensors(bytes(0x50, 0x4b, 3, 4, 0x14, 0, 8, 8, 0)),
    FormatError,
    /this is a zip: PyTorch's .pt or numpy's .npz/,
  ],
  ['decodeSafetensors', () => io.decodeSafetensors('a'), ValueError, /got 'a'; read the file first/],
  [
    'encodeSafetensors',
    () => io.encodeSafetensors(model().stateDict()),
    ValueError,
    /\{ dtype, shape, data \} .*; got weight=a Tensor; of a tensor t store \{ dtype: t.dtype/,
  ],
  ['encodeSafetensors', () => io.encodeSafetensors(model()), ValueError, /got training=true; of a tensor/],
  ['encodeSafetensors', () => io.encodeSafetensors(ones([1])), ValueError, /an object of stored tensors by name; got/],
  ['encodeSafetensors', () => io.encodeSafetensors([stored]), ValueError, /got tensors=an array of 1/],
  [
    'encodeSafetensors',
    () => io.encodeSafetensors(new Map([['a', stored]])),
    ValueError,
    /got tensors=a Map; pass Object.fromEntries\(it\)/,
  ],
  ['encodeSafetensors', () => io.encodeSafetensors({ a: { ...stored, data: [1] } }), ValueError, /got a.data=\[1\];/],
  ['encodeSafetensors', () => io.encodeSafetensors({ a: { ...stored, data: null } }), ValueError, /got a.data=null;/],
  [
    'encodeSafetensors',
    () => io.encodeSafetensors({ a: { ...stored, strides: [1] } }),
    ValueError,
    /got strides=\[1\]/,
  ],
  [
    'encodeSafetensors',
    () => io.encodeSafetensors({ a: { ...stored, dtype: 'F32' } }),
    ValueError,
    /got a.dtype='F32'/,
  ],
  [
    'encodeSafetensors',
    () => io.encodeSafetensors({ a: { ...stored, shape: [-1] } }),
    ShapeError,
    /got a.shape=\[-1\]/,
  ],
  [
    'encodeSafetensors',
    () => io.encodeSafetensors({ a: stored }, null),
    ValueError,
    /metadata must be .* metadata=null/,
  ],
  ['encodeSafetensors', () => io.encodeSafetensors({ a: stored }, 'b'), ValueError, /got metadata='b'/],
  ['encodeSafetensors', () => io.encodeSafetensors({}, { steps: 5 }), ValueError, /got steps: 5; write it as JSON/],
  [
    'Linear.loadStateDict',
    () => model().loadStateDict(io.decodeSafetensors(io.encodeSafetensors({ weight: stored })).tensors as never),
    ValueError,
    /got weight=an object {dtype, shape, data}; make tensors of stored arrays/,
  ],
  ['writeFileAtomic', () => io.writeFileAtomic('new/file'), ValueError, /must be text, a Uint8Array .*; got undefined/],
  ['writeFileAtomic', () => io.writeFileAtomic('new/file', { a: 1 }), ValueError, /got an object {a}/],
  ['writeFileAtomic', () => io.writeFileAtomic('new/file', ones([1])), ValueError, /got a Tensor/],
  ['writeFileAtomic', () => io.writeFileAtomic('new/file', new Float32Array(1)), ValueError, /got a Float32Array/],
  ['writeFileAtomic', () => io.writeFileAtomic('new/file', picture()), ValueError, /got a Picture/],
  ['writeFileAtomic', () => io.writeFileAtomic('new/a\0b', 'text'), ValueError, /path must name a file/],
  ['writeFileAtomic', () => io.writeFileAtomic(new URL('file:///a'), 'text'), ValueError, /got path=an? URL/],
  // ---- io: pictures
  ['Picture', () => new io.Picture(1e12, 3), ValueError, /at most 67108864 pixels; got width=1000000000000, height=3/],
  ['Picture', () => new io.Picture(3, 3, 'red'), ValueError, /background must be three numbers in \[0, 255\]; .*'red'/],
  ['Picture', () => new io.Picture(3, 3, [1, 1, 256]), ValueError, /got background=\[1,1,256\]/],
  ['Picture', () => new io.Picture(3, 3, ['1', '1', '1']), ValueError, /got background=\['1','1','1'\]/],
  ['Picture.rect', () => picture().rect(0, 0, 2), ValueError, /height must be a finite number; got height=undefined/],
  ['Picture.rect', () => picture().rect(0, 0, 2, 2, [1, 2]), ValueError, /got color=\[1,2\]/],
  ['Picture.line', () => picture().line(0, 0, 2, 2, [1, 2, 3], 0), ValueError, /thickness must be finite and positive/],
  ['Picture.image', () => picture().image(0, 0, { ...shade, channel: 3 }), ValueError, /did you mean channels\?/],
  ['Picture.image', () => picture().image(0, 0, { ...shade, channels: 4 }), ValueError, /1 or 3; got channels=4/],
  ['Picture.image', () => picture().image(0, 0, { ...shade, offset: -1 }), ValueError, /offset must be whole and not/],
  ['Picture.image', () => picture().image(0, 0, { ...shade, height: 1e12, width: 0 }), ValueError, /got width=0/],
  ['Picture.image', () => picture().image(0, 0, { ...shade, data: [[1]] }), ValueError, /got data\[0\]=\[1\]/],
  [
    'Picture.image',
    () => picture().image(0, 0, { ...shade, data: ones([1]) }),
    ValueError,
    /data must be an array of numbers; got data=a Tensor; of a tensor pass await tensor.data\(\)/,
  ],
  [
    'Picture.image',
    () => picture().image(0, 0, { ...shade, data: new BigInt64Array(2), offset: 1 }),
    ValueError,
    /data\[0\]=0n/,
  ],
  ['Picture.textWidth', () => io.Picture.textWidth('a', '2'), ValueError, /scale must be finite and positive; .*='2'/],
  ['Picture.text', () => picture().text(0, 0, 5), ValueError, /text must be text; got text=5/],
  [
    'Picture.text',
    () => picture().text(0, 0, 'a', { align: 'middle' }),
    ValueError,
    /'center' or 'right'; got .*'middle'/,
  ],
  ['Picture.text', () => picture().text(0, 0, 'a', { colour: [1, 2, 3] }), ValueError, /did you mean color\?/],
  ['Picture.text', () => picture().text(0, 0, 'a', { scale: 0 }), ValueError, /got scale=0/],
  ['Picture.lineChart', () => picture().lineChart(0, 0, 9, 9, curve), ValueError, /series must be an array; got/],
  ['Picture.lineChart', () => picture().lineChart(0, 0, 9, 9, [[1, 2]]), ValueError, /got series\[0\]=\[1,2\]/],
  ['Picture.lineChart', () => picture().lineChart(0, 0, 9, 9, [{ value: [1] }]), ValueError, /did you mean values\?/],
  ['Picture.lineChart', () => picture().lineChart(0, 0, 9, 9, [{ values: ones([1]) }]), ValueError, /tensor.data\(\)/],
  ['Picture.lineChart', () => picture().lineChart(0, 0, 9, 9, [{ ...curve, x: [1] }]), ShapeError, /1 x, 2 values/],
  ['Picture.lineChart', () => picture().lineChart(0, 0, 1e12, 9, [curve]), ValueError, /width must be in \[1, 65536\]/],
  ['Picture.lineChart', () => picture().lineChart(0, 0, 9, 9, [curve], { log: 'no' }), ValueError, /true or false/],
  ['Picture.lineChart', () => picture().lineChart(0, 0, 9, 9, [curve], { tilte: '' }), ValueError, /mean title\?/],
  // ---- train
  ['encodeCheckpoint', () => train.encodeCheckpoint(parts(), { a: () => 1 }), ValueError, /got state.values.a: func/],
  ['encodeCheckpoint', () => train.encodeCheckpoint({ ...parts(), optimizer: model() }), ValueError, /=a Linear/],
  ['encodeCheckpoint', () => train.encodeCheckpoint({ ...parts(), ema: model() }), ValueError, /must have tensors and/],
  ['saveCheckpoint', () => train.saveCheckpoint('new/', parts()), ValueError, /path must name a file; got path='new/],
  ['saveCheckpoint', () => train.saveCheckpoint('new/a', parts(), Symbol('a')), ValueError, /state.values: symbol/],
  ['saveWeights', () => io.saveWeights(model(), 'new/a\0b'), ValueError, /path must name a file; got path='new/],
  ['loadWeights', () => io.loadWeights(model(), 'none'), FormatError, /there must be a file to read; got ENOENT/],
  ['loadWeights', () => io.loadWeights(model(), weights, { strikt: true }), ValueError, /did you mean strict\?/],
  ['loadCheckpoint', () => train.loadCheckpoint(weights, parts()), FormatError, /is read by loadWeights/],
  ['loadCheckpoint', () => train.loadCheckpoint(saved, { model: model() }), ValueError, /must have the parts of the/],
  ['fit', () => train.fit(trained, { ...fitting(), resume: 5 }), ValueError, /source must be a path, .*; got 5/],
  ['fit', () => train.fit(trained, { ...fitting(), resume: weights }), FormatError, /file must be a checkpoint/],
  ['fit', () => train.fit(trained, { ...fitting(), epoch: 1 }), ValueError, /did you mean epochs\?/],
  [
    'evaluate',
    () => train.evaluate(trained, { ...measuring, predict: () => 1 }),
    ValueError,
    /predict must return a tensor; got 1/,
  ],
  ['ReluWatch.see', () => new train.ReluWatch().see('a', [1]), ValueError, /y must be a tensor; got y=\[1\]; wrap it/],
  [
    'ReluWatch.see',
    () => new train.ReluWatch().see(ones([1]), 'a'),
    ValueError,
    /name must be text; got name=a Tensor/,
  ],
  ['ReluWatch', () => (watch().enabled = 'false'), ValueError, /enabled must be true or false; got enabled='false'/],
  ['constantPredictorLoss', () => train.constantPredictorLoss([0, 2]), ValueError, /in \[0, 1\]; got targets\[1\]=2/],
  ['constantPredictorLoss', () => train.constantPredictorLoss([Number.NaN]), ValueError, /got targets\[0\]=NaN/],
  ['constantPredictorLoss', () => train.constantPredictorLoss('01'), ValueError, /got targets='01'/],
  [
    'constantPredictorLoss',
    () => train.constantPredictorLoss(tensor([0, 1])),
    ValueError,
    /pass await tensor.data\(\)/,
  ],
  ['beatsConstantPredictor', () => train.beatsConstantPredictor(tensor(1), [0]), ValueError, /await tensor.item\(\)/],
  ['Progress', () => new train.Progress(5, stream), ValueError, /options are stream, label; got write=/],
  ['Progress', () => new train.Progress(5, { stream: null }), ValueError, /stream must have a method write; .*=null/],
  ['Progress', () => new train.Progress(5, { label: 5 }), ValueError, /label must be text; got label=5/],
  ['Progress.update', () => progress().update(1, { los: 1 }), ValueError, /did you mean loss\?/],
  ['Progress.update', () => progress().update(1, 0.5), ValueError, /options must be an object; got 0.5/],
  ['Progress.update', () => progress().update(-1), ValueError, /step must be finite and not negative; got step=-1/],
  [
    'Progress.update',
    () => progress().update(1, { loss: tensor(1) }),
    ValueError,
    /of a tensor pass await tensor.item/,
  ],
];

for (const row of rows) test(written(row[1]), () => refuses(row, undefined));

test('a file that is refused leaves nothing behind', () => {
  assert.is(existsSync(join(folder, 'new')), false);
  assert.equal(
    readdirSync(folder).filter((name) => name.endsWith('.tmp')),
    [],
  );
});

test('what types allow beside the usual is taken', async () => {
  // NaN is a loss that has diverged, and a gap in a curve.
  progress().update(1, { loss: Number.NaN, stepsPerSecond: Infinity });
  assert.is(train.beatsConstantPredictor(Number.NaN, [0, 1]), false);
  picture().lineChart(0, 0, 15, 15, [{ values: [1, Number.NaN, 2] }]);
  // Their ticks are closer than any two numbers.
  picture().lineChart(0, 0, 1, 65536, [{ values: [0, 1e-320] }]);
  picture()
    .image(0, 0, { ...shade, data: new Float64Array(3), offset: 2 })
    .rect(-5, -5, 2.5, 90, bytes(1, 2, 3));
  await io.writeFileAtomic('buffer', bytes(1, 2).buffer);
  assert.equal(train.constantPredictorLoss(new Float32Array(0)), 0);
});

test.run();
