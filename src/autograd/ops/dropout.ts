/**
 * Dropout. The mask comes from the host's generator, so that one seed gives the same bits on every
 * device. When several processes share a batch, each draws the masks of its own samples.
 */
import { checkNumber, knownOptions, type OptionNames } from '../../arguments.js';
import type { Tensor } from '../../tensor/tensor.js';
import { batchPart } from '../../values/batch-part.js';
import { checkFloat } from '../../values/dtype.js';
import { checkGenerator, type RandomGenerator, skipUniform } from '../../values/generator.js';
import { globalRandom, Mask } from '../../values/random.js';
import { rank4, type Shape, sizeOf } from '../../values/shape.js';
import { checkTensor } from '../graph.js';
import { endWith } from '../lifetimes.js';

export interface DropoutOptions {
  /** Probability to drop, in [0, 1). Default 0.5. */
  rate?: number;
  /** If false, dropout is the identity. Default true. */
  training?: boolean;
  /** Source of the mask; manualSeed's generator by default. */
  random?: RandomGenerator;
}

const dropoutOptions: OptionNames<DropoutOptions> = { rate: 'value', training: 'flag', random: 'value' };

/**
 * Sets elements to 0 with probability `rate` and scales the others by 1/(1 − rate). An element is
 * kept where u ≥ rate, for u uniform in [0, 1).
 * @shape x [any] → y, as x
 * @gradient g where kept, with the same scale; else 0
 * @throws ValueError for a rate outside [0, 1), a dtype that is not float, or a `random` that is
 * not a generator
 * @source Srivastava et al. 2014; torch.nn.functional.dropout
 */
export function dropout(x: Tensor, options: DropoutOptions = {}): Tensor {
  return drop('dropout', x, options, ({ shape }) => shape);
}

/**
 * Sets whole channels of images to 0 with probability `rate`, for each image by itself, and scales
 * the others by 1/(1 − rate).
 * @shape x [N,H,W,C] → y, as x
 * @gradient g where kept, with the same scale; else 0
 * @throws ShapeError for another rank; ValueError for a rate outside [0, 1), a dtype that is not
 * float, or a `random` that is not a generator
 * @source Tompson et al. 2015; torch.nn.functional.dropout2d
 */
export function dropout2d(x: Tensor, options: DropoutOptions = {}): Tensor {
  return drop('dropout2d', x, options, ({ shape }) => {
    const [batch, , , channels] = rank4('dropout2d', 'input', shape);
    return [batch, 1, 1, channels];
  });
}

/** Multiplies by a mask of the shape that `maskOf` gives. */
function drop(op: string, x: Tensor, options: DropoutOptions, maskOf: (x: Tensor) => Shape): Tensor {
  knownOptions(op, options, dropoutOptions);
  checkTensor(op, 'input', x);
  checkFloat(op, x.dtype);
  const { rate = 0.5, training = true, random = globalRandom() } = options;
  checkRate(op, rate);
  checkGenerator(op, random);
  const shape = maskOf(x);
  if (!training || rate === 0) return x;
  const scale = 1 / (1 - rate);
  const size = sizeOf(shape);
  const part = batchPart();
  // The numbers of the other ranks' samples are passed over, so that a sample has the same mask
  // however many processes there are.
  skipUniform(random, part.rank * size);
  const kept = x.upload(new Mask(random, size, rate, scale), x.dtype, shape);
  skipUniform(random, (part.size - 1 - part.rank) * size);
  return endWith(x.mul(kept), kept);
}

/** Checks a dropout rate. A rate of 1 is invalid, because it would keep nothing. */
export function checkRate(op: string, rate: number): void {
  checkNumber(op, 'rate', rate, (v) => v >= 0 && v < 1, 'in [0, 1)', 'it is the probability to drop, not to keep');
}
