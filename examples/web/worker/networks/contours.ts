/**
 * CEDN with trained weights, which finds contours in a picture of the user's. It is only run. The
 * weights are those of `npm run contours -- --width 0.0625`, with 16 bits each.
 */
import { ValueError } from 'cedargrad';
import { loadWeights } from 'cedargrad/io';
import { Cedn } from 'cedargrad/models';
import type { ContourMap } from '../../../contours/measures/maps.js';
import { predictContours, thinContours } from '../../../contours/predict.js';
import type { Row } from '../../protocol.js';
import { pictureOf } from '../pictures.js';
import type { OpenNetwork } from './network.js';

const weights = 'contours.safetensors';
/** The image is enlarged by its mirror image to 32 pixels, which takes about half of them. */
const least = 16;

export const openContours: OpenNetwork = async (read) => {
  const model = new Cedn({ width: 1 / 16, dropout: 0 });
  await loadWeights(model, await read(weights));
  model.eval();
  return {
    model,
    inputShape: [1, 320, 320, 3],
    trained: null,
    draw: null,
    image: async (picture) => {
      const { width, height, pixels } = picture;
      if (Math.min(width, height) < least)
        throw new ValueError(
          'image',
          `a picture, scaled down, must have at least ${least} pixels on each side`,
          `${width} × ${height}`,
        );
      const data = new Float32Array(width * height * 3);
      for (let i = 0; i < width * height; i++) for (let c = 0; c < 3; c++) data[3 * i + c] = pixels[4 * i + c] / 255;
      const map = await predictContours(model, { data, shape: [height, width, 3] });
      const row = (title: string, { data }: ContourMap): Row => ({
        title,
        pictures: [pictureOf(data, { height, width, channels: 1, range: [0, 1] })],
      });
      return [
        { title: 'Picture', pictures: [picture] },
        row('Probability of a contour', map),
        row('Thinned contours', thinContours(map)),
      ];
    },
  };
};
