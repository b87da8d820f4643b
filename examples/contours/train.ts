/** What the network of the contour example begins with, and what it learns from. */
import { readFileSync } from 'node:fs';
import * as c from 'cedargrad';
import { type Dataset, type HostArray, type ImagePair, mapDataset } from 'cedargrad/data';
import { importOnnx, loadTorch } from 'cedargrad/io';
import type { Cedn } from 'cedargrad/models';
import { markedShare } from './data/bsds.js';
import { crops } from './data/crops.js';

/** The share of pixels that are contour, about, before anything is learned. */
const prior = 0.02;

/**
 * Initial weights for a training from scratch. He initialisation keeps the scale of an image
 * through twenty layers. Three quarters of an unpooled image are zero, so the layers after an
 * unpooling get twice the weights. The last layer begins near the constant that has the least loss
 * with contours of this weight. Otherwise the first steps would look for that constant with all
 * weights, and switch off the relus.
 */
export function initialise(model: Cedn, posWeight: number): void {
  const unpooled: readonly c.Module[] = [model.deconv5, model.deconv4, model.deconv3, model.deconv2, model.deconv1];
  for (const [, module] of model.namedModules())
    if (module instanceof c.Conv2d) {
      c.init.kaimingNormal(module.weight);
      if (unpooled.includes(module)) c.noGrad(() => module.weight.assign(module.weight.mul(2)));
      if (module.bias !== null) c.init.constant(module.bias, 0);
    }
  c.init.normal(model.pred.weight, 0, 0.01);
  if (model.pred.bias !== null) c.init.constant(model.pred.bias, Math.log((posWeight * prior) / (1 - prior)));
}

/**
 * Loads the encoder of torchvision's vgg16, or of a network with the same names and the model's
 * width.
 * @param file a .safetensors or .onnx file
 * @throws FormatError for a damaged file; ValueError for weights that are missing or of other sizes
 */
export async function loadEncoder(model: Cedn, file: string): Promise<void> {
  if (file.endsWith('.onnx')) {
    model.features.loadStateDict((await importOnnx(file)).stateDict(), { prefix: 'features.' });
    return;
  }
  const isOther = (name: string): boolean => !name.startsWith('features.');
  const { missing } = await loadTorch(model, readFileSync(file), { strict: false, skip: isOther });
  const lost = missing.filter((name) => name.startsWith('features.'));
  if (lost.length > 0)
    throw new c.ValueError('loadEncoder', 'the file must have the weights of the encoder', `no ${lost.join(', ')}`);
}

/** The factor of the learning rate of biases. */
const biasRate = 0.1;

/**
 * The parameters that train, with their learning rates. Adam moves a bias as far as a weight, but a
 * weight counts as much as its input. In the deep layers inputs become small at first, so there a
 * bias can switch off its relu for good. In a training with equal rates of 1e-3, 61 of the 64 relus
 * at the top of the encoder ended so.
 * @param encoderRate the factor of the encoder's learning rate; at 0 its parameters are left out
 */
export function parameterGroups(model: Cedn, lr: number, encoderRate: number): { params: c.Tensor[]; lr: number }[] {
  const encoder = new Set<c.Tensor>(model.features.parameters());
  const decoder = model.parameters().filter((p) => !encoder.has(p));
  const parts = [
    { params: decoder, lr },
    { params: encoderRate > 0 ? [...encoder] : [], lr: lr * encoderRate },
  ];
  return parts
    .flatMap(({ params, lr }) => [
      { params: params.filter((p) => p.rank > 1), lr },
      { params: params.filter((p) => p.rank === 1), lr: lr * biasRate },
    ])
    .filter(({ params }) => params.length > 0);
}

/** The contours that any annotator has drawn, as one channel. */
function union([image, contours]: ImagePair): ImagePair {
  const { data, shape } = markedShare(contours);
  return [image, { data: data.map((share) => Number(share > 0)), shape }];
}

/** What a network gets instead of an image. @shape [H,W,3] → [H,W,3] */
export type Prepare = (image: HostArray) => HostArray;

/**
 * Random crops for training, prepared, and mirrored in half of the cases. A pixel is contour if any
 * annotator says so.
 * @shape → images [size,size,3], contours [size,size,1]
 */
export const trainingCrops = (dataset: Dataset<ImagePair>, size: number, prepare: Prepare): Dataset<ImagePair> =>
  mapDataset(dataset, (item, random) => {
    const [image, contours] = crops(random, union(item), size);
    return [prepare(image), contours];
  });
