/** The autoencoder of the digits example in the page. */
import { mse } from 'cedargrad';
import { DigitAutoencoder } from '../../../digits-model.js';
import { readRows } from '../pictures.js';
import { drawn, loadDigitData, rebuilding } from './digit-data.js';
import type { OpenNetwork } from './network.js';

export const openDigits: OpenNetwork = async (read, seed) => {
  const data = await loadDigitData(read, seed);
  const model = new DigitAutoencoder();
  return {
    model,
    inputShape: [1, 28, 28, 1],
    trained: rebuilding(
      data,
      (x) => mse(model.forward(x), x),
      (x) => model.forward(x),
    ),
    draw: (pixels) =>
      readRows(() => {
        const x = drawn(pixels);
        return [
          { title: 'Drawing', images: x, range: [0, 1] },
          { title: 'Rebuilt', images: model.forward(x), range: [0, 1] },
        ];
      }),
    image: null,
  };
};
