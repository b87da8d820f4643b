/** Pictures of images and of the contours that detectors found in them. */
import * as c from 'cedargrad';
import type { Dataset, HostArray, ImagePair } from 'cedargrad/data';
import { type Row, saveRows } from '../pictures.js';
import { markedShare } from './data/bsds.js';
import type { Detector } from './judge.js';
import type { Summary } from './measures/summarise.js';

/** Detectors by name. */
export type Detectors = Readonly<Record<string, Detector>>;

/** A tensor of images of one size. Maps, which have one channel, become grey. @shape → [N,H,W,3] */
function stacked(list: readonly HostArray[]): c.Tensor {
  const images = list.map(({ data, shape: [height, width, channels] }) => {
    const image = c.tensor(data, { shape: [1, height, width, channels] });
    return channels === 3 ? image : image.expand([1, height, width, 3]);
  });
  return c.concat(images, 0);
}

/** What a detector finds in each image, as images of one channel. */
const found = async (detector: Detector, images: readonly HostArray[]): Promise<HostArray[]> => {
  const maps: HostArray[] = [];
  for (const image of images) {
    const { height, width, data } = await detector(image);
    maps.push({ data, shape: [height, width, 1] });
  }
  return maps;
};

/**
 * Saves a picture with a row of images, a row of their contours as annotated, and a row for each
 * detector. It shows the first images of the data set that have the size of the first one.
 */
export async function saveComparison(
  path: string,
  dataset: Dataset<ImagePair>,
  detectors: Detectors,
  summaries: Readonly<Record<string, Summary>>,
): Promise<void> {
  const pairs: ImagePair[] = [];
  for (let i = 0; i < Math.min(dataset.length, 4); i++) {
    const pair = await dataset.item(i, new c.FastRandom(i));
    if (pairs.every(([{ shape }]) => shape[0] === pair[0].shape[0] && shape[1] === pair[0].shape[1])) pairs.push(pair);
  }
  const images = pairs.map(([image]) => image);
  const marked = pairs.map(([, contours]) => markedShare(contours));
  const rows: Row[] = [
    { caption: 'held-out\nimages', images: stacked(images) },
    { caption: 'contours', images: stacked(marked) },
  ];
  for (const [name, detector] of Object.entries(detectors)) {
    const caption = `${name}\nODS ${summaries[name].ods.f.toFixed(3)}`;
    rows.push({ caption, images: stacked(await found(detector, images)) });
  }
  await saveRows(path, 'contours of objects', rows);
}

/** Saves a picture of an image and of what each detector finds in it, two in a row. */
export async function savePhotograph(path: string, image: HostArray, detectors: Detectors): Promise<void> {
  const parts = [{ name: 'image', part: image }];
  for (const [name, detector] of Object.entries(detectors))
    parts.push({ name, part: (await found(detector, [image]))[0] });
  const rows: Row[] = [];
  for (let i = 0; i < parts.length; i += 2) {
    const pair = parts.slice(i, i + 2);
    rows.push({
      caption: pair.map(({ name }) => name).join(',\n'),
      images: c.concat(
        pair.map(({ part }) => stacked([part])),
        0,
      ),
    });
  }
  await saveRows(path, 'contours of a photograph', rows);
}
