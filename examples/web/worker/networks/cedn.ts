/**
 * The miniature CEDN in the page, trained as `npm run cedn` does. It memorises a random mask for
 * each of twelve random pictures. The learning rate is the page's, so it is not lowered at the end.
 */
import { bceWithLogits, sigmoid, tensor } from 'cedargrad';
import { cednData } from 'cedargrad/data';
import { Cedn } from '../../../cedn-model.js';
import type { OpenNetwork } from './network.js';

export const openCedn: OpenNetwork = async (_read, seed) => {
  const model = new Cedn(0).initHe(seed);
  const { x, y, xShape, yShape } = cednData();
  const [examples, targets] = [tensor(x, { shape: xShape }), tensor(y, { shape: yShape })];
  return {
    model,
    inputShape: [1, ...xShape.slice(1)],
    trained: {
      adam: { form: 'tf' },
      batch: () => [examples, targets],
      loss: (inputs, masks) => bceWithLogits(model.forward(inputs), masks, { reduction: 'sum' }),
      examples,
      forward: () => sigmoid(model.forward(examples)),
      rows: (output) => [
        { title: 'Inputs', images: examples, range: [-1, 1] },
        { title: 'Targets', images: targets, range: [0, 1] },
        { title: 'Outputs', images: output, range: [0, 1] },
      ],
      range: [-1, 1],
      release: () => [examples, targets].forEach((t) => void t.release()),
    },
    draw: null,
    image: null,
  };
};
