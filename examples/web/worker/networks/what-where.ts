/** The stacked what-where autoencoder in the page. */
import type { Tensor } from 'cedargrad';
import { middles, WhatWhere } from '../../../what-where-model.js';
import { readRows } from '../pictures.js';
import { drawn, loadDigitData, rebuilding } from './digit-data.js';
import type { OpenNetwork } from './network.js';

/** How many digits the mean what is taken over. More would not change it much, and take time. */
const averaged = 300;

export const openWhatWhere: OpenNetwork = async (read, seed) => {
  const data = await loadDigitData(read, seed);
  const model = new WhatWhere();
  // decode knows the latest where. It is given all the same, because a watched unpool tells by it
  // which pool it belongs to.
  const rebuild = (x: Tensor): Tensor => {
    const { what, where } = model.encode(x);
    return model.decode(what, where).image;
  };
  return {
    model,
    inputShape: [1, 28, 28, 1],
    trained: rebuilding(data, (x) => model.loss(x), rebuild),
    draw: (pixels) =>
      readRows(() => {
        const x = drawn(pixels);
        const mean = model.encode(data.training.slice([0, averaged])).what.mean([0, 1, 2]);
        const { what, where } = model.encode(x);
        const row = (title: string, images: Tensor) => ({ title, images, range: [0, 1] as const });
        return [
          row('Drawing', x),
          row('Rebuilt from what and where', model.decode(what, where).image),
          row('What alone: each value in the middle of its window', model.decode(what, middles(model, 1)).image),
          row('Where alone: the mean values of training digits', model.decode(mean.expand(what.shape), where).image),
        ];
      }),
    image: null,
  };
};
