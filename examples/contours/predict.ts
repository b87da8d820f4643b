/**
 * A network's contours of an image of any size. Not here: how good they are (judge.ts).
 */
import * as c from 'cedargrad';
import { type HostArray, transforms } from 'cedargrad/data';
import type { ContourMap } from './measures/maps.js';
import { suppress } from './measures/suppress.js';

/**
 * Brings colors to mean 0 and deviation 1, by the figures of ImageNet. torchvision's encoder has
 * learned on such images.
 * @shape [H,W,3] → [H,W,3]
 * @source torchvision.models.VGG16_Weights.IMAGENET1K_V1.transforms
 */
export const normalised = transforms.normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]);

/** The five pools of the network halve sizes that are multiples of this without a rest. */
const multiple = 32;

/** How many rows or columns a size lacks, before and after the image. */
const lacking = (size: number): readonly [number, number] => {
  const missing = Math.ceil(size / multiple) * multiple - size;
  return [Math.floor(missing / 2), Math.ceil(missing / 2)];
};

/**
 * The probability of a contour at each pixel: the mean of what the network says of the image and of
 * its mirror image. The positions of maxima make a single prediction ragged, and they differ
 * between the two. The image is enlarged by reflection to sizes that the network's pools halve
 * without a rest, and the result is cut back.
 *
 * @param model gives logits [N,H,W,1] for images [N,H,W,3]; it is in eval mode meanwhile
 * @shape image [H,W,3] → a map of H × W
 * @throws ShapeError for an image that is too small for the network, or for the reflection
 */
export async function predictContours(
  model: c.Module & { forward(x: c.Tensor): c.Tensor },
  { data, shape }: HostArray,
): Promise<ContourMap> {
  const [height, width] = shape;
  const [down, across] = [lacking(height), lacking(width)];
  const isTraining = model.training;
  model.eval();
  let probabilities: c.Tensor;
  try {
    probabilities = c.noGrad(() => {
      const image = c.tensor(data, { shape: [1, ...shape] });
      const larger = c.pad(image, [[0, 0], down, across, [0, 0]], { mode: 'reflect' });
      const both = c.sigmoid(model.forward(c.concat([larger, larger.flip(2)], 0)));
      const mean = both
        .slice([0, 1])
        .add(both.slice([1, 2]).flip(2))
        .div(2);
      return mean.slice(null, [down[0], down[0] + height], [across[0], across[0] + width]);
    });
  } finally {
    model.train(isTraining);
  }
  const map = { height, width, data: (await probabilities.data()) as Float32Array };
  probabilities.release();
  return map;
}

/** The middle lines of what `predictContours` gives, which is wide and ragged. */
export const thinContours = (map: ContourMap): ContourMap => suppress(map, { blur: 1 });
