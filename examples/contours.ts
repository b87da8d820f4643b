/**
 * Trains CEDN to find the contours of objects, and compares it with Canny's and Sobel's detectors
 * by the measures of BSDS500. The data are drawn scenes, whose contours are known exactly, or the
 * photographs of BSDS500 in a folder. Scenes for training have the left parts of photographs as
 * backgrounds, and held-out scenes the right parts.
 */
import * as c from 'cedargrad';
import { DataLoader, type Dataset, type HostArray, type ImagePair } from 'cedargrad/data';
import { saveWeights } from 'cedargrad/io';
import { Cedn } from 'cedargrad/models';
import { fit, progress, type StopRequest } from 'cedargrad/train';
import { aboutSignals, countOf, deviceOf, numberOf, prepareFolder, runCommand } from './command.js';
import { canny, sobel } from './contours/baselines.js';
import { bsdsFolder } from './contours/data/bsds.js';
import { scenePhotographs } from './contours/data/photographs.js';
import { scenes } from './contours/data/scenes.js';
import { judge, tableOf } from './contours/judge.js';
import { suppress } from './contours/measures/suppress.js';
import { saveComparison, savePhotograph } from './contours/pictures.js';
import { predictContours } from './contours/predict.js';
import { initialise, loadEncoder, made, trainingCrops } from './contours/train.js';

const defaults = { epochs: 28, width: 0.125, scenes: 240, held: 20, dropout: 0, rate: 1 };
const usage = `Trains CEDN to find the contours of objects.
usage: npm run contours -- [options]
  --epochs N         passes over the training images (default ${defaults.epochs})
  --width X          factor of all channels (default ${defaults.width}; 1 as published)
  --dropout X        rate of dropout in the decoder (default ${defaults.dropout}; 0.5 as published)
  --scenes N         training scenes (default ${defaults.scenes})
  --held N           held-out scenes (default ${defaults.held})
  --bsds DIR         train on the photographs of DIR/images/train, and judge on DIR/images/test (BSDS500)
  --encoder FILE     begin with an encoder with the names of torchvision's vgg16: .safetensors or .onnx
  --encoder-rate X   factor of the encoder's learning rate (default ${defaults.rate}; 0 freezes it)
  --device NAME      default auto; or wasm, webgpu, reference
  --out DIR          where weights and pictures go (default out/contours)
  --help             this text
${aboutSignals}`;
const text = { type: 'string' } as const;
const flags = {
  ...{ epochs: text, width: text, dropout: text, scenes: text, held: text, bsds: text },
  ...{ encoder: text, 'encoder-rate': text, device: text, out: text },
};
/** The weight of a contour pixel in the loss, as published. */
const posWeight = 10;
/** Side of the crops that it learns on. @units pixels */
const side = 224;
const batchSize = 2;

/** What the command line says of the data. */
interface DataSettings {
  readonly bsds: string | undefined;
  readonly scenes: number;
  readonly held: number;
}

/** The images to learn on, and those to be judged on. */
async function dataOf(settings: DataSettings): Promise<{ training: Dataset<ImagePair>; testing: Dataset<ImagePair> }> {
  const { bsds, scenes: count, held } = settings;
  if (bsds !== undefined) return { training: await bsdsFolder(bsds, 'train'), testing: await bsdsFolder(bsds, 'test') };
  const [left, right] = [await scenePhotographs({ part: 'train' }), await scenePhotographs({ part: 'test' })];
  return {
    training: await made(scenes({ photographs: left, count, size: 256, seed: 1 })),
    testing: scenes({ photographs: right, count: held, size: side, seed: 2 }),
  };
}

/** What the command line says of the training. */
interface TrainSettings {
  readonly epochs: number;
  readonly width: number;
  readonly dropout: number;
  readonly encoder: string | undefined;
  readonly rate: number;
}

async function train(data: Dataset<ImagePair>, settings: TrainSettings, stop: StopRequest): Promise<Cedn> {
  const { epochs, width, dropout, encoder, rate } = settings;
  c.manualSeed(1);
  const model = new Cedn({ width, dropout });
  initialise(model, posWeight);
  if (encoder !== undefined) await loadEncoder(model, encoder);
  model.features.requireGrad(rate > 0);
  const lr = 5e-4;
  const encoderParameters = new Set<c.Tensor>(model.features.parameters());
  const groups = [{ params: model.parameters().filter((p) => !encoderParameters.has(p)), lr }];
  if (rate > 0) groups.push({ params: model.features.parameters(), lr: lr * rate });
  const optimizer = new c.Adam(groups, { lr });
  const batches = new DataLoader(trainingCrops(data, side), { batchSize, seed: 1 });
  const schedule = new c.OneCycleLR(optimizer, { total: epochs * Math.ceil(data.length / batchSize) });
  const loss = (image: c.Tensor, contour: c.Tensor) => c.bceWithLogits(model.forward(image), contour, { posWeight });
  const options = { callbacks: [progress({ stream: process.stdout })], signal: stop.signal, clipNorm: 1 };
  await fit(model, { data: batches, loss, optimizer, schedule, scheduleEvery: 'step', epochs, ...options });
  return model;
}

/** Compares the network with the detectors that learn nothing, in a table and two pictures. */
async function compare(model: Cedn, data: Dataset<ImagePair>, out: string): Promise<void> {
  const network = async (image: HostArray) => suppress(await predictContours(model, image));
  const detectors = { CEDN: network, Canny: canny, Sobel: sobel };
  const summaries = await judge(data, detectors);
  process.stdout.write(`${data.length} held-out images\n${tableOf(summaries)}\n`);
  await saveComparison(`${out}/contours.png`, data, detectors, summaries);
  const [photograph] = await scenePhotographs();
  await savePhotograph(`${out}/photograph.png`, photograph, detectors);
}

await runCommand('contours', usage, flags, async (values, stop) => {
  const given = (name: string, fallback: number | string): string => String(values[name] ?? fallback);
  const optional = (name: string): string | undefined => (values[name] === undefined ? undefined : given(name, ''));
  const settings = {
    epochs: countOf('epochs', given('epochs', defaults.epochs)),
    width: numberOf(values, 'width', defaults.width, (v) => v > 0 && v <= 4, 'in (0, 4]'),
    dropout: numberOf(values, 'dropout', defaults.dropout, (v) => v >= 0 && v < 1, 'in [0, 1)'),
    rate: numberOf(values, 'encoder-rate', defaults.rate, (v) => v >= 0 && v <= 1, 'in [0, 1]'),
    scenes: countOf('scenes', given('scenes', defaults.scenes)),
    held: countOf('held', given('held', defaults.held)),
    bsds: optional('bsds'),
    encoder: optional('encoder'),
  };
  const out = given('out', 'out/contours');
  const name = deviceOf(given('device', 'auto'), ['auto', 'webgpu', 'wasm', 'reference']);
  prepareFolder(out);
  const opened = await c.device(name as c.DeviceName);
  c.setDefaultDevice(opened);
  process.stdout.write(`device ${opened}\n`);
  const { training, testing } = await dataOf(settings);
  const model = await train(training, settings, stop);
  await saveWeights(model, `${out}/contours.safetensors`);
  if (!stop.signal.aborted) await compare(model, testing, out);
  await opened.close();
});
