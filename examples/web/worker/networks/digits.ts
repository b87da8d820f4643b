/** The autoencoder of the digits example in the page. */
import { mse } from 'cedargrad';
import { DigitAutoencoder } from '../../../digits-model.js';
import { readRows } from '../pictures.js';
import { drawn, loadDigitData, rebuiltRows } from './digit-data.js';
import type { OpenNetwork } from './network.js';

export const openDigits: OpenNetwork = async (read, seed) => {
  const data = await loadDigitData(read, seed);
  const model = new DigitAutoencoder();
  return {
    model,
    inputShape: [1, 28, 28, 1],
    trained: {
      adam: {},
      batch: (step) => data.batch(step),
      loss: (x) => mse(model.forward(x), x),
      examples: data.examples,
      forward: () => model.forward(data.examples),
      rows: rebuiltRows(data.examples),
      range: data.range,
      release: () => data.release(),
    },
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
