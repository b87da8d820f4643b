/**
 * What Node computes with the weights of the page. Images and order are those of the page: each
 * eleventh held-out digit.
 */
import { noGrad, tensor } from 'cedargrad';
import { loadDigits } from 'cedargrad/data';
import { importOnnx, loadWeights } from 'cedargrad/io';
import { DigitAutoencoder } from '../../examples/digits-model.ts';

/** The digits autoencoder's outputs for the page's twelve examples. @units 0 … 1 */
export async function outputsInNode(name, bytes) {
  const { test } = await loadDigits({ train: 1500, test: 300 });
  const size = 28 * 28;
  // The page reads its digits from a picture of 255 levels.
  const images = Array.from({ length: 12 }, (_, i) =>
    tensor(
      test.images.subarray(11 * i * size, (11 * i + 1) * size).map((ink) => Math.round(255 * ink) / 255),
      { shape: [1, 28, 28, 1] },
    ),
  );
  let model = new DigitAutoencoder();
  if (name.endsWith('.onnx')) model = await importOnnx(bytes, { layout: 'NHWC' });
  else await loadWeights(model, bytes);
  // The ONNX model was exported for one image.
  const outputs = await Promise.all(images.map((x) => noGrad(() => model.forward(x)).data()));
  return outputs.flatMap((values) => [...values]);
}
