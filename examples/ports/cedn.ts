/**
 * The published miniature CEDN, step by step like its TensorFlow original. ../cedn.ts shows how one
 * would write it with this library.
 *
 * Posted: the script with the custom operations (custom-op.ts), at
 * stackoverflow.com/questions/36548736. It is a convolutional encoder-decoder (Yang et al. 2016)
 * whose decoder unpools with the encoder's argmax and mask. It trains for ten steps on random
 * pictures, and prints `step N` and `loss L` after each update, without dropout.
 * Wrong there: it needs a fork of TensorFlow, and `dropout_prob` is the probability to keep. With
 * weights of N(0, 1) and a learning rate of 1 every ReLU dies, so that the loss converges to that
 * of a constant prediction, 4800·ln 2 ≈ 3327.
 * Different here: the losses. None were posted, and the script would not repeat its own, because it
 * sets the seed after it has created its variables. The data are the script's own (numpy, seed
 * 123). The weights come from RandomState(42).randn in the order of the script, and dropout's masks
 * from RandomState(7).rand.
 */
import {
  Adam,
  bceWithLogits,
  conv2d,
  conv2dTranspose,
  dropout,
  maxPool2dWithArgmaxAndMask,
  noGrad,
  type PoolIndices,
  RandomState,
  relu,
  type Tensor,
  tensor,
  unpoolByMask,
} from 'cedargrad';
import { cednData, cednWeights } from 'cedargrad/data';
import { type Print, source } from './print.js';

/**
 * TensorFlow 1's dropout. Its second argument, which the script calls dropout_prob, is the
 * probability to KEEP. This library's `rate` is the probability to drop.
 */
const dropoutKeeping = (h: Tensor, keepProb: number, random: RandomState): Tensor =>
  dropout(h, { rate: 1 - keepProb, random });

export async function port(print: Print): Promise<void> {
  const dtype = 'float64';
  const random = new RandomState(7);

  // weights = {…}, biases = {…}: kernels [kh, kw, in, out], and [kh, kw, out, in] where transposed
  const variables = Object.fromEntries(
    cednWeights(42).map(({ name, shape, data }) => [name, tensor(data, { shape, dtype, requiresGrad: true })]),
  );

  // def max_pool(inp, k=2)
  const maxPool = (inp: Tensor, k = 2): [Tensor, PoolIndices, Tensor] =>
    maxPool2dWithArgmaxAndMask(inp, { kernelSize: k, padding: 'same' });

  // def max_unpool(inp, argmax, argmax_mask, k=2): the window need not be named again
  const maxUnpool = (inp: Tensor, argmax: PoolIndices, argmaxMask: Tensor): Tensor =>
    unpoolByMask(inp, argmaxMask, { argmax });

  // def conv2d(inp, name)
  const conv = (inp: Tensor, name: string): Tensor =>
    relu(conv2d(inp, variables[`${name}.weight`], { padding: 'same', bias: variables[`${name}.bias`] }));

  // def conv2d_transpose(inp, name, dropout_prob): the output's shape follows from the input's
  const deconv = (inp: Tensor, name: string, keepProb: number | null): Tensor => {
    const out = conv2dTranspose(inp, variables[`${name}.weight`], { padding: 'same', bias: variables[`${name}.bias`] });
    return keepProb === null ? out : dropoutKeeping(relu(out), keepProb, random);
  };

  // x = tf.placeholder(…), y = tf.placeholder(…), np.random.seed(123), batch_x, batch_y
  const data = cednData();
  const x = tensor(data.x, { shape: data.xShape, dtype });
  const y = tensor(data.y, { shape: data.yShape, dtype });

  // ## Build Miniature CEDN
  const network = (p: number): Tensor => {
    const conv1 = conv(x, 'conv1');
    const [maxp1, maxp1Argmax, maxp1Mask] = maxPool(conv1);
    const conv2 = conv(maxp1, 'conv2');
    const [maxp2, maxp2Argmax, maxp2Mask] = maxPool(conv2);
    const conv3 = conv(maxp2, 'conv3');
    const maxup2 = maxUnpool(conv3, maxp2Argmax, maxp2Mask);
    const deconv2 = deconv(maxup2, 'deconv2', p);
    const maxup1 = maxUnpool(deconv2, maxp1Argmax, maxp1Mask);
    return deconv(maxup1, 'deconv1', null);
  };

  // ## Optimizing Stuff: the sum of sigmoid_cross_entropy_with_logits(deconv1, y), and Adam in
  // TensorFlow's form
  const loss = (p: number): Tensor => bceWithLogits(network(p), y, { reduction: 'sum' });
  const optimizer = new Adam(Object.values(variables), { lr: 1, form: 'tf' });

  print("initial weights and dropout's masks are ours; the post's losses were never posted");
  for (let i = 0; i < 10; i++) {
    // session.run(optimizer, …, p: 0.5)
    optimizer.zeroGrad();
    loss(0.5).backward();
    optimizer.step();
    // print("step", i + 1); print("loss", session.run(loss, …, p: 1.0))
    print(`step ${i + 1}`);
    print(`loss ${Number((await noGrad(() => loss(1)).item()).toPrecision(10))}`);
  }
  print(`\n${source.derived}, with initial weights and masks of our own`);
}
