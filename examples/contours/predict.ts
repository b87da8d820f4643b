/**
 * A network's contours of an image of any size. Not here: how good they are (judge.ts).
 */
import * as c from 'cedargrad';
import type { HostArray } from 'cedargrad/data';
import type { ContourMap } from './measures/maps.js';

/** The five pools of the network halve sizes that are multiples of this without a rest. */
const multiple = 32;

/** How many rows or columns a size lacks, before and after the image. */
const lacking = (size: number): readonly [number, number] => {
  const missing = Math.ceil(size / multiple) * multiple - size;
  return [Math.floor(missing / 2), Math.ceil(missing / 2)];
};

/**
 * The probability of a contour at each pixel. The image is enlarged by its mirror image to sizes
 * that the network's pools halve without a rest, and the result is cut back.
 *
 * @param model gives logits [1,H,W,1] for an image [1,H,W,3]; it is in eval mode meanwhile
 * @shape image [H,W,3] → a map of H × W
 * @throws ShapeError for an image that is too small for the network, or for its mirror image
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
      const all = c.sigmoid(model.forward(larger));
      return all.slice(null, [down[0], down[0] + height], [across[0], across[0] + width]);
    });
  } finally {
    model.train(isTraining);
  }
  const map = { height, width, data: (await probabilities.data()) as Float32Array };
  probabilities.release();
  return map;
}
