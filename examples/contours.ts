/**
 * Trains CEDN to find the contours of objects, and compares it with Canny's and Sobel's detectors
 * by the measures of BSDS500. The data are drawn scenes, whose contours are known exactly, or the
 * photographs of BSDS500 in a folder.
 */
import * as c from 'cedargrad';
import { DataLoader, type Dataset, type HostArray, type ImagePair } from 'cedargrad/data';
import { saveWeights } from 'cedargrad/io';
import { Cedn } from 'cedargrad/models';
import { fit, progress, type StopRequest } from 'cedargrad/train';
import { prepareFolder, runCommand } from './command.js';
import { canny, sobel } from './contours/baselines.js';
import { scenePhotographs } from './contours/data/photographs.js';
import { contourData } from './contours/data/sets.js';
import { judge, tableOf } from './contours/judge.js';
import { saveComparison, savePhotograph } from './contours/pictures.js';
import { normalised, predictContours, thinContours } from './contours/predict.js';
import { flags, type Settings, settingsOf, usage } from './contours/settings.js';
import { initialise, loadEncoder, type Prepare, parameterGroups, trainingCrops } from './contours/train.js';

/** The weight of a contour pixel in the loss, as published. */
const posWeight = 10;
/** Side of the crops that it learns on, as published. @units pixels */
const side = 224;
const batchSize = 2;
const lr = 5e-4;

/** A given encoder has learned on normalised images. Without one, colors in 0 … 1 train better. */
const prepareFor = ({ encoder }: Settings): Prepare => (encoder === undefined ? (image) => image : normalised);

async function train(data: Dataset<ImagePair>, settings: Settings, stop: StopRequest): Promise<Cedn> {
  const { epochs, width, dropout, encoder, encoderRate } = settings;
  c.manualSeed(1);
  const model = new Cedn({ width, dropout });
  initialise(model, posWeight);
  if (encoder !== undefined) await loadEncoder(model, encoder);
  model.features.requireGrad(encoderRate > 0);
  const optimizer = new c.Adam(parameterGroups(model, lr, encoderRate), { lr });
  const batches = new DataLoader(trainingCrops(data, side, prepareFor(settings)), {
    batchSize,
    shuffle: true,
    seed: 1,
  });
  const schedule = new c.OneCycleLR(optimizer, { total: epochs * Math.ceil(data.length / batchSize) });
  const loss = (image: c.Tensor, contour: c.Tensor) => c.bceWithLogits(model.forward(image), contour, { posWeight });
  const options = { callbacks: [progress({ stream: process.stdout })], signal: stop.signal, clipNorm: 1 };
  await fit(model, { data: batches, loss, optimizer, schedule, scheduleEvery: 'step', epochs, ...options });
  return model;
}

/** Compares the network with the detectors that learn nothing, in a table and two pictures. */
async function compare(model: Cedn, data: Dataset<ImagePair>, settings: Settings): Promise<void> {
  const { out } = settings;
  const prepare = prepareFor(settings);
  const network = async (image: HostArray) => thinContours(await predictContours(model, prepare(image)));
  const detectors = { CEDN: network, Canny: canny, Sobel: sobel };
  const summaries = await judge(data, detectors);
  process.stdout.write(`${data.length} held-out images\n${tableOf(summaries)}\n`);
  await saveComparison(`${out}/contours.png`, data, detectors, summaries);
  const [photograph] = await scenePhotographs();
  await savePhotograph(`${out}/photograph.png`, photograph, detectors);
}

await runCommand('contours', usage, flags, async (values, stop) => {
  const settings = settingsOf(values);
  prepareFolder(settings.out);
  const device = await c.device(settings.device);
  c.setDefaultDevice(device);
  process.stdout.write(`device ${device}\n`);
  const { training, testing } = await contourData(settings);
  const model = await train(training, settings, stop);
  await saveWeights(model, `${settings.out}/contours.safetensors`);
  if (!stop.signal.aborted) await compare(model, testing, settings);
  await device.close();
});
