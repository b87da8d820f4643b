/** Ordinary loops: one step of each style. One process runs one style (process.ts). */
import {
  Adam,
  bceWithLogits,
  Conv2d,
  ConvTranspose2d,
  compile,
  Dropout,
  Linear,
  MaxPool2d,
  MaxUnpool2d,
  Module,
  ones,
  randn,
  relu,
  type Tensor,
  tensor,
  zeros,
} from 'cedargrad';
import { arrayDataset, DataLoader } from 'cedargrad/data';
import { fit } from 'cedargrad/train';

class Small extends Module {
  conv = new Conv2d(1, 4, 3, { padding: 'same' });
  deconv = new ConvTranspose2d(4, 1, 3, { padding: 'same' });
  pool = new MaxPool2d(2);
  unpool = new MaxUnpool2d();
  dropout = new Dropout(0.5);
  forward(x: Tensor): Tensor {
    const [h, where] = this.pool.forward(relu(this.conv.forward(x)));
    return this.deconv.forward(this.unpool.forward(this.dropout.forward(h), where));
  }
}

type Step = (step: number) => Promise<unknown> | Tensor;

/** A loss of the small autoencoder over images of `x`, and the step that lowers it. */
function autoencoder(): (x: Tensor, y: Tensor) => Tensor {
  const model = new Small();
  const optimizer = new Adam(model.parameters());
  return (x, y) => {
    optimizer.zeroGrad();
    const loss = bceWithLogits(model.forward(x), y);
    loss.backward();
    optimizer.step();
    return loss;
  };
}

/** A step on new values of `size` numbers, which are never released. */
function newBatch(size: number, width: number): Step {
  const host = new Float32Array(size);
  const layer = new Linear(width, 4);
  const optimizer = new Adam(layer.parameters());
  return async () => {
    // Makes large batches and uses at most 64 of their rows. Only their memory matters here.
    const x = tensor(host, { shape: [size / width, width] }).slice([0, Math.min(size / width, 64)]);
    optimizer.zeroGrad();
    const loss = layer.forward(x).pow(2).mean();
    loss.backward();
    optimizer.step();
    return loss.item();
  };
}

/** Every third step throws, after its forward pass. */
function throwing(train: (x: Tensor, y: Tensor, fail: boolean) => Tensor): Step {
  const x = randn([2, 8, 8, 1]);
  const y = zeros([2, 8, 8, 1]);
  return async (step) => {
    try {
      await train(x, y, step % 3 === 0).item();
    } catch (error) {
      if ((error as Error).message !== 'in the middle') throw error;
    }
  };
}
function failingStep(): (x: Tensor, y: Tensor, fail: boolean) => Tensor {
  const model = new Small();
  const optimizer = new Adam(model.parameters());
  return (x, y, fail) => {
    optimizer.zeroGrad();
    const loss = bceWithLogits(model.forward(x), y);
    if (fail) throw new Error('in the middle');
    loss.backward();
    optimizer.step();
    return loss;
  };
}

/** Batch sizes from 1 to 40. */
function varying(train: (x: Tensor, y: Tensor) => Tensor): Step {
  return async (step) => {
    const images = 1 + (step % 40);
    await train(randn([images, 8, 8, 1]), zeros([images, 8, 8, 1])).item();
  };
}

/** The steps of a run of fit on a loader's batches. Each call lets the run take one. */
function fitted(): Step {
  const model = new Linear(784, 4);
  const images = { data: new Float32Array(640 * 784), shape: [640, 784] };
  let proceed = (): void => {};
  let taken = (): void => {};
  void fit(model, {
    data: new DataLoader(arrayDataset(images), { batchSize: 64, shuffle: true, seed: 1 }),
    loss: (x) => model.forward(x).pow(2).mean(),
    optimizer: new Adam(model.parameters()),
    epochs: 1_000_000,
    callbacks: [
      {
        onStepEnd: () => {
          const next = new Promise<void>((go) => {
            proceed = go;
          });
          taken();
          return next;
        },
      },
    ],
  });
  return () =>
    new Promise<void>((done) => {
      taken = done;
      proceed();
    });
}

/**
 * Each style creates what it needs and returns its step. A tensor that a step returns is read every
 * hundredth time.
 */
export const styles: Readonly<Record<string, () => Step>> = {
  'one batch, read now and then': () => {
    const train = autoencoder();
    const [x, y] = [randn([2, 8, 8, 1]), zeros([2, 8, 8, 1])];
    return () => train(x, y);
  },
  'one batch, compiled, read now and then': () => {
    const train = compile(autoencoder());
    const [x, y] = [randn([2, 8, 8, 1]), zeros([2, 8, 8, 1])];
    return () => train(x, y);
  },
  'a new batch of 200 kB each step': () => newBatch(64 * 784, 784),
  'a new batch of 25 MB each step': () => newBatch(8000 * 784, 784),
  'forward passes without noGrad, read and dropped': () => {
    const model = new Small();
    const x = ones([8, 32, 32, 1]);
    return async () => model.forward(x).sigmoid().mean().item();
  },
  'losses kept in an array': () => {
    const train = autoencoder();
    const [x, y] = [randn([2, 8, 8, 1]), zeros([2, 8, 8, 1])];
    const losses: Tensor[] = [];
    return async () => {
      losses.push(train(x, y));
      await losses[losses.length - 1].item();
    };
  },
  'exceptions in every third step': () => throwing(failingStep()),
  'exceptions in every third step, compiled': () => {
    const train = failingStep();
    const step = compile((x: Tensor, y: Tensor) => train(x, y, fails));
    let fails = false;
    return throwing((x, y, fail) => {
      fails = fail;
      return step(x, y);
    });
  },
  'batch sizes that vary': () => varying(autoencoder()),
  'batch sizes that vary, compiled': () => varying(compile(autoencoder())),
  'fit with a new batch of 200 kB each step': () => fitted(),
  'a new model every 100 steps': () => {
    let train = autoencoder();
    const [x, y] = [randn([2, 8, 8, 1]), zeros([2, 8, 8, 1])];
    return async (step) => {
      if (step % 100 === 0) train = autoencoder();
      await train(x, y).item();
    };
  },
};
