/**
 * A network that fills in missing pixels. It corrects the means of the known pixels around them, by
 * two levels of max-unpooling and skip connections.
 */
import * as c from 'cedargrad';

/** A mask of the known pixels and an image → the image with all pixels. */
export class Inpainter extends c.Module {
  convs = [2, 16, 32, 64, 32, 16].map(
    (channels, i) => new c.Conv2d(channels, [16, 32, 32, 16, 16, 1][i], 3, { padding: 'same' }),
  );

  /** The image where `known` is 1. Elsewhere the mean of the known pixels around. */
  fill(known: c.Tensor, image: c.Tensor): c.Tensor {
    const around = { kernelSize: 7, stride: 1, padding: 'same' } as const;
    const mean = c.avgPool2d(image.mul(known), around).div(c.avgPool2d(known, around).maximum(1e-6));
    return image.where(known.equal(1), mean);
  }
  forward(known: c.Tensor, image: c.Tensor): c.Tensor {
    const step = (i: number, ...inputs: c.Tensor[]) => c.leakyRelu(this.convs[i].forward(c.concat(inputs, 3)));
    const filled = this.fill(known, image);
    const h1 = step(0, filled, known);
    const [p1, where1] = c.maxPool2d(h1, { kernelSize: 2 });
    const h2 = step(1, p1);
    const [p2, where2] = c.maxPool2d(h2, { kernelSize: 2 });
    const d2 = step(3, c.maxUnpool2d(step(2, p2), where2), h2);
    const d1 = step(4, c.maxUnpool2d(d2, where1), h1);
    return image.where(known.equal(1), filled.add(this.convs[5].forward(d1)));
  }
}
