/**
 * The images that the contour example learns on, and those that it is judged on. Not here: how
 * scenes are drawn (scenes.ts), and how folders are read (bsds.ts).
 */
import { FastRandom } from 'cedargrad';
import type { Dataset, ImagePair } from 'cedargrad/data';
import { bsdsFolder } from './bsds.js';
import { scenePhotographs } from './photographs.js';
import { scenes } from './scenes.js';

/** Which data to take. */
export interface DataSettings {
  /** A folder in BSDS500's layout. Without it, scenes are drawn. */
  readonly bsds: string | undefined;
  /** Numbers of drawn scenes. */
  readonly scenes: number;
  readonly held: number;
}

/** The side of held-out scenes. Those for training are larger, so that crops differ. */
const heldSide = 224;
const trainingSide = 256;

/** All items of a data set, made once. */
export async function made<T>(dataset: Dataset<T>): Promise<Dataset<T>> {
  const items: T[] = [];
  for (let i = 0; i < dataset.length; i++) items.push(await dataset.item(i, new FastRandom(i)));
  return { length: items.length, item: (i) => items[i] };
}

/**
 * Images with their contours, for training and for judging. Scenes for training have the left parts
 * of photographs as backgrounds, and held-out scenes the right parts.
 * @throws as `bsdsFolder`, `scenes` and `scenePhotographs`
 */
export async function contourData(settings: DataSettings): Promise<{
  training: Dataset<ImagePair>;
  testing: Dataset<ImagePair>;
}> {
  const { bsds, scenes: count, held } = settings;
  if (bsds !== undefined) return { training: await bsdsFolder(bsds, 'train'), testing: await bsdsFolder(bsds, 'test') };
  const [left, right] = [await scenePhotographs({ part: 'train' }), await scenePhotographs({ part: 'test' })];
  return {
    training: await made(scenes({ photographs: left, count, size: trainingSide, seed: 1 })),
    testing: scenes({ photographs: right, count: held, size: heldSide, seed: 2 }),
  };
}
