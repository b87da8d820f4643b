/**
 * The miniature CEDN, a convolutional encoder-decoder. Its decoder unpools with the encoder's
 * max-pool indices (Yang et al. 2016).
 */
import {
  Conv2d,
  ConvTranspose2d,
  Dropout,
  init,
  MaxPool2d,
  MaxUnpool2d,
  Module,
  noGrad,
  relu,
  type Tensor,
  tensor,
} from 'cedargrad';
import { cednWeights } from 'cedargrad/data';
import { ReluWatch } from 'cedargrad/train';

export class Cedn extends Module {
  conv1 = new Conv2d(3, 16, 3, { padding: 'same' });
  conv2 = new Conv2d(16, 32, 3, { padding: 'same' });
  conv3 = new Conv2d(32, 32, 3, { padding: 'same' });
  deconv2 = new ConvTranspose2d(32, 16, 3, { padding: 'same' });
  deconv1 = new ConvTranspose2d(16, 1, 3, { padding: 'same' });
  pool = new MaxPool2d(2);
  unpool = new MaxUnpool2d();
  dropout: Dropout;
  #watch: ReluWatch;

  constructor(rate = 0.5, watch = new ReluWatch()) {
    super();
    this.dropout = new Dropout(rate);
    this.#watch = watch;
  }

  forward(x: Tensor): Tensor {
    const active = (name: string, h: Tensor): Tensor => this.#watch.see(name, relu(h));
    const [h1, where1] = this.pool.forward(active('conv1', this.conv1.forward(x)));
    const [h2, where2] = this.pool.forward(active('conv2', this.conv2.forward(h1)));
    const h3 = active('conv3', this.conv3.forward(h2));
    const d2 = this.dropout.forward(active('deconv2', this.deconv2.forward(this.unpool.forward(h3, where2))));
    return this.deconv1.forward(this.unpool.forward(d2, where1));
  }

  /** The published script's weights: N(0, 1), times `scale`. */
  initPublished(seed: number, scale = 1): this {
    const { dtype, device } = this.conv1.weight;
    this.loadStateDict(
      Object.fromEntries(
        cednWeights(seed).map(({ name, shape, data }) => [
          name,
          tensor(
            data.map((v) => v * scale),
            { shape, dtype, device },
          ),
        ]),
      ),
    );
    return this;
  }

  /** He initialisation: the same normal numbers, times √(2/fan-in); zero biases. */
  initHe(seed: number): this {
    this.initPublished(seed);
    noGrad(() => {
      for (const [name, p] of this.namedParameters()) {
        const [kernelHeight, kernelWidth, third, fourth] = p.shape;
        const channelsIn = name.startsWith('deconv') ? fourth : third;
        if (p.rank === 4) p.assign(p.mul(Math.sqrt(2 / (kernelHeight * kernelWidth * channelsIn))));
        else init.constant(p, 0);
      }
    });
    return this;
  }
}
