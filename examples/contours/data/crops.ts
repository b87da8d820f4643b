/**
 * Random crops of an image and its contours, for training. Not here: the transforms, which the
 * library has.
 */
import type { RandomGenerator } from 'cedargrad';
import { type ImagePair, transforms } from 'cedargrad/data';

/**
 * A random square of an image and the same one of its contours, mirrored from left to right in half
 * of the cases. An image that is smaller is first enlarged by reflection. For `mapDataset`:
 * `mapDataset(dataset, (item, random) => crops(random, item, 224))`.
 * @shape image [H,W,3], contours [H,W,A] → [size,size,3], [size,size,A]
 * @throws ValueError for a size that is not whole and positive; ShapeError if the image and its
 * contours differ in size, or a mirrored border would not be narrower than the image
 */
export function crops(random: RandomGenerator, item: ImagePair, size = 224): ImagePair {
  const [height, width] = item[0].shape;
  const missing = [Math.max(size - height, 0), Math.max(size - width, 0)];
  const border = missing.flatMap((n) => [Math.floor(n / 2), Math.ceil(n / 2)]);
  const steps = [transforms.randomCrop(size), transforms.flip()];
  if (missing.some((n) => n > 0)) steps.unshift(transforms.pad(border, { mode: 'reflect' }));
  return transforms.paired(transforms.compose(steps))(item, random);
}
