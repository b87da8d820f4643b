/** A convolutional variational autoencoder (Kingma and Welling 2014) of images of 28×28. */
import * as c from 'cedargrad';

/** How many numbers a code has. */
export const codeSize = 8;
const half = { stride: 2, padding: 1 };

/** 28×28 → a normal distribution of codes; a code → 28×28. */
export class VariationalAutoencoder extends c.Module {
  encoder = new c.Sequential(
    ...[new c.Conv2d(1, 16, 4, half), new c.ReLU(), new c.Conv2d(16, 32, 4, half), new c.ReLU()],
    ...[new c.Flatten(), new c.Linear(7 * 7 * 32, 2 * codeSize)],
  );
  widen = new c.Linear(codeSize, 7 * 7 * 32);
  decoder = new c.Sequential(
    ...[new c.ReLU(), new c.ConvTranspose2d(32, 16, 4, half), new c.ReLU(), new c.ConvTranspose2d(16, 1, 4, half)],
  );
  /** The mean and the logarithm of the variance of each digit's code. */
  encode(x: c.Tensor): [mean: c.Tensor, logVar: c.Tensor] {
    const both = this.encoder.forward(x);
    return [both.slice(null, [0, codeSize]), both.slice(null, [codeSize])];
  }
  /** The logits of the pixels. */
  decode(code: c.Tensor): c.Tensor {
    return this.decoder.forward(this.widen.forward(code).reshape([code.shape[0], 7, 7, 32]));
  }
  forward(x: c.Tensor): c.Tensor {
    return c.sigmoid(this.decode(this.encode(x)[0]));
  }
  /** The bound, as a mean over the digits. @units nats */
  bound(x: c.Tensor): c.Tensor {
    const [mean, logVar] = this.encode(x);
    const code = mean.add(logVar.mul(0.5).exp().mul(c.randn(mean.shape)));
    const perPixel = c.bceWithLogits(this.decode(code), x);
    return perPixel.mul(28 * 28).add(c.klNormal(mean, logVar));
  }
}
