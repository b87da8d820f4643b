/**
 * The image files of a run: their sizes, bad ones, and the size and channels that suit them. Not
 * here: decoding (data/decode.ts), the data set of a run (dataset.ts).
 */
import { endings, type ImageFile, imageFiles, readBytes, withoutEnding } from '../data/image-files.js';
import { inspectJpeg, isJpeg } from '../data/jpeg.js';
import { CedarError } from '../errors.js';
import { readChunks } from '../io/png-chunks.js';
import type { Channels, Size } from './config.js';
import { RunError } from './errors.js';

/** An image file that is whole. */
export interface FoundImage {
  /** Its path from the folder. */
  readonly name: string;
  readonly size: Size;
  readonly isGrey: boolean;
}
/** A file that is damaged or cut short. */
export interface BadFile {
  readonly file: string;
  readonly reason: string;
}
export interface FoundImages {
  readonly images: readonly FoundImage[];
  readonly skipped: readonly BadFile[];
}

/** What a file says about itself. @throws FormatError if it is not whole */
function inspect(bytes: Uint8Array): Pick<FoundImage, 'size' | 'isGrey'> {
  if (!isJpeg(bytes)) {
    const { width, height, color } = readChunks(bytes).header;
    return { size: [height, width], isGrey: color === 0 || color === 4 };
  }
  const { height, width, orientation, components } = inspectJpeg(bytes);
  const isTurned = orientation >= 5;
  return { size: isTurned ? [width, height] : [height, width], isGrey: components === 1 };
}

async function look(file: ImageFile): Promise<FoundImage | BadFile> {
  try {
    return { name: file.name, ...inspect(await readBytes(file)) };
  } catch (error) {
    const reason = error instanceof CedarError ? `${error.rule}; got ${error.got}` : (error as Error).message;
    return { file: file.name, reason };
  }
}

/** How many files are read at a time. */
const atOnce = 16;

/**
 * All images below a folder. `badFiles` says what to do with those that are damaged or cut short.
 * @throws ValueError for a folder without images; RunError that names a bad file
 */
export async function findImages(folder: string, option: string, badFiles: 'throw' | 'skip'): Promise<FoundImages> {
  const files = await imageFiles('train', option, folder, endings());
  const images: FoundImage[] = [];
  const skipped: BadFile[] = [];
  for (let i = 0; i < files.length; i += atOnce)
    for (const one of await Promise.all(files.slice(i, i + atOnce).map(look)))
      if ('name' in one) images.push(one);
      else if (badFiles === 'skip') skipped.push(one);
      else throw new RunError(`'${one.file}' cannot be read: ${one.reason}; --skip-bad leaves such files out`);
  if (images.length === 0)
    throw new RunError(`none of the ${files.length} images in '${folder}' can be read: ${skipped[0]?.reason}`);
  return { images, skipped };
}

/** Leaves out images whose target is bad. */
export function withTargets(found: FoundImages, targets: FoundImages): FoundImages {
  const bad = new Map(targets.skipped.map(({ file, reason }) => [withoutEnding(file), reason]));
  const reasonOf = ({ name }: FoundImage): string | undefined => bad.get(withoutEnding(name));
  return {
    images: found.images.filter((image) => reasonOf(image) === undefined),
    skipped: [
      ...found.skipped,
      ...found.images.flatMap((image) => {
        const reason = reasonOf(image);
        return reason === undefined ? [] : [{ file: image.name, reason: `its target: ${reason}` }];
      }),
    ],
  };
}

/** Images of one size that are not larger than this are taken as they are. */
const mostOwnSide = 128;
/** The side of the squares that larger images are cropped to. */
const squareSide = 64;
const leastSide = 16;

const shownSize = ([height, width]: Size): string => `${height} × ${width}`;

/** Another image of another size than the first, if there is one. */
const otherSize = (images: readonly FoundImage[]): FoundImage | undefined =>
  images.find(({ size }) => size.join() !== images[0]?.size.join());

/**
 * The size of a run whose images should stay as they are.
 * @throws RunError for images of several sizes
 */
export function commonSize(images: readonly FoundImage[]): Size {
  const [first] = images as [FoundImage];
  const other = otherSize(images);
  if (other === undefined) return first.size;
  throw new RunError(
    `images must have one size; got ${shownSize(first.size)} in '${first.name}', ${shownSize(other.size)} in ` +
      `'${other.name}'; --size 64 resizes and crops them`,
  );
}

/** A size that suits the images. */
export function chooseSize(images: readonly FoundImage[]): Size {
  const [first] = images as [FoundImage];
  const isSmall = Math.max(...first.size) <= mostOwnSide && Math.min(...first.size) >= 2;
  if (otherSize(images) === undefined && isSmall) return first.size;
  const shorter = images.map(({ size }) => Math.min(...size)).sort((a, b) => a - b);
  const median = shorter[Math.floor(shorter.length / 2)] as number;
  const side = Math.max(Math.min(squareSide, Math.floor(median / 8) * 8), leastSide);
  return [side, side];
}

export const chooseChannels = (images: readonly FoundImage[]): Channels =>
  images.every(({ isGrey }) => isGrey) ? 1 : 3;
