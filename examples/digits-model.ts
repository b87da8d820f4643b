/**
 * The autoencoder of the digits example. Its decoder unpools with the encoder's indices. Not here:
 * its training (digits.ts, and web/ for a page).
 */
import { Conv2d, ConvTranspose2d, MaxPool2d, MaxUnpool2d, Module, relu, sigmoid, type Tensor } from 'cedargrad';

/** 28×28 → 7×7×4 numbers and where the maxima stood → 28×28. */
export class DigitAutoencoder extends Module {
  conv1 = new Conv2d(1, 8, 3, { padding: 'same' });
  conv2 = new Conv2d(8, 16, 3, { padding: 'same' });
  squeeze = new Conv2d(16, 4, 1);
  widen = new Conv2d(4, 16, 1);
  deconv2 = new ConvTranspose2d(16, 8, 3, { padding: 'same' });
  deconv1 = new ConvTranspose2d(8, 1, 3, { padding: 'same' });
  pool = new MaxPool2d(2);
  unpool = new MaxUnpool2d();

  forward(x: Tensor): Tensor {
    const [h1, where1] = this.pool.forward(relu(this.conv1.forward(x)));
    const [h2, where2] = this.pool.forward(relu(this.conv2.forward(h1)));
    const code = this.squeeze.forward(h2);
    const d2 = relu(this.deconv2.forward(this.unpool.forward(relu(this.widen.forward(code)), where2)));
    return sigmoid(this.deconv1.forward(this.unpool.forward(d2, where1)));
  }
}
