/**
 * Photographs with the contours that people have drawn, from a folder in the layout of BSDS500:
 * images/SPLIT/ID.jpg, and groundTruth/SPLIT/ID.mat or a folder groundTruth/SPLIT/ID of PNG images.
 * Not here: the format of .mat files (mat.ts), scenes that need no files (scenes.ts), the
 * benchmark's measures.
 * @source Arbelaez, Maire, Fowlkes and Malik 2011, "Contour Detection and Hierarchical Image
 * Segmentation"
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { FormatError, ShapeError, ValueError } from 'cedargrad';
import { type Dataset, type HostArray, type ImagePair, imageFolder, readImage } from 'cedargrad/data';
import { type MatNumbers, type MatValue, readMat } from './mat.js';

/** A part of BSDS500: 200, 100 and 200 images. */
export type BsdsSplit = 'train' | 'val' | 'test';
const splits: readonly BsdsSplit[] = ['train', 'val', 'test'];

/** A data set of photographs and the contours of several people. */
export interface BsdsFolder extends Dataset<ImagePair> {
  /** The IDs of the images, in the order of the items. */
  readonly names: readonly string[];
}

const op = 'bsdsFolder';

const describe = (value: MatValue | undefined): string =>
  value === undefined ? 'no such variable or field' : `${value.kind} of [${value.shape.join(',')}]`;

/** The boundaries of each annotator in the bytes of a .mat file, in MATLAB's order. */
function matBoundaries(file: string): MatNumbers[] {
  let variables: Map<string, MatValue>;
  try {
    variables = readMat(readFileSync(file));
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    throw new FormatError(op, 'every .mat file must be readable', `'${file}': ${error.rule}; ${error.got}`, error.hint);
  }
  const cell = variables.get('groundTruth');
  if (cell?.kind !== 'cell' || cell.values.length === 0)
    throw new FormatError(op, 'groundTruth must be a cell array of annotators', `'${file}': ${describe(cell)}`);
  return cell.values.map((annotator) => {
    const map = annotator.kind === 'struct' ? annotator.elements[0]?.get('Boundaries') : undefined;
    if (map?.kind !== 'numbers' || map.shape.length !== 2)
      throw new FormatError(op, 'Boundaries must be a matrix of numbers', `'${file}': ${describe(map)}`);
    return map;
  });
}

/** Row-major maps of one annotator each as the channels of one array. */
function stacked(maps: readonly HostArray[], height: number, width: number): HostArray {
  const data = new Float32Array(height * width * maps.length);
  for (const [a, map] of maps.entries())
    for (let i = 0; i < height * width; i++) data[i * maps.length + a] = map.data[i] >= 0.5 ? 1 : 0;
  return { data, shape: [height, width, maps.length] };
}

/** A matrix in MATLAB's order, by columns, in rows. */
function inRows({ shape: [height, width], data }: MatNumbers): HostArray {
  const out = new Float32Array(height * width);
  for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) out[y * width + x] = data[x * height + y];
  return { data: out, shape: [height, width] };
}

/** The maps of all annotators of an image: of ID.mat, or else of each PNG in the folder ID. */
async function annotatorsAt(folder: string, name: string): Promise<HostArray[]> {
  const file = join(folder, `${name}.mat`);
  if (existsSync(file)) return matBoundaries(file).map(inRows);
  const images = join(folder, name);
  if (!existsSync(images))
    throw new FormatError(op, 'every image must have its contours', `neither '${file}' nor a folder '${images}'`);
  const { files } = await imageFolder(images, { extensions: ['png'] });
  return Promise.all(files.map((png) => readImage(join(images, png), { channels: 1 })));
}

/**
 * The images of a split, sorted by ID, each with the contours of all its annotators, one in each
 * channel. With PNG images as contours, a folder groundTruth/SPLIT/ID has one for each annotator,
 * in the order of their names, and a pixel of at least half of white is contour. If there is ID.mat
 * as well, it is taken. Images and contours are read when an item is asked for.
 * @shape → images [H,W,3], contours [H,W,A] of A annotators; sizes and A differ between images
 * @units images in 0 … 1; contours 0 or 1
 * @throws ValueError for another split or a folder without images; at its item FormatError for
 * contours that are missing or damaged, ShapeError if their size is not the image's
 */
export async function bsdsFolder(path: string, split: BsdsSplit): Promise<BsdsFolder> {
  if (!splits.includes(split))
    throw new ValueError(op, `split must be one of ${splits.join(', ')}`, `split=${String(split)}`);
  const images = await imageFolder(join(path, 'images', split), { channels: 3 });
  const names = images.files.map((file) => file.replace(/\.[^.]*$/, ''));
  return {
    length: images.length,
    names,
    async item(index, random) {
      const image = await images.item(index, random);
      const maps = await annotatorsAt(join(path, 'groundTruth', split), names[index]);
      const [height, width] = image.shape;
      for (const { shape } of maps)
        if (shape[0] !== height || shape[1] !== width)
          throw new ShapeError(
            op,
            'contours must have the size of the image',
            `${shape[0]} × ${shape[1]} for '${names[index]}' of ${height} × ${width}`,
          );
      return [image, stacked(maps, height, width)];
    },
  };
}

/**
 * The share of annotators who marked each pixel.
 * @shape [H,W,A] → [H,W,1]
 * @units 0 … 1
 */
export function markedShare(contours: HostArray): HostArray {
  const maps = annotators(contours);
  const mean = (_: number, i: number): number => maps.reduce((sum, map) => sum + map.data[i], 0) / maps.length;
  return { data: Float32Array.from(maps[0].data, mean), shape: maps[0].shape };
}

/**
 * The channels of an array as a list, as measures take the contours of several annotators.
 * @shape [H,W,A] → A of [H,W,1]
 */
export function annotators({ data, shape: [height, width, count] }: HostArray): HostArray[] {
  return Array.from({ length: count }, (_, a) => ({
    data: Float32Array.from({ length: height * width }, (_, i) => data[i * count + a]),
    shape: [height, width, 1],
  }));
}
