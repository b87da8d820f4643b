/**
 * Trains a small CEDN, in the same way in Node and in a page. `api` is the package as either of
 * them loaded it.
 */

/**
 * Trains 12 steps from fixed seeds on the device `on`. Returns the loss of each step, the weights
 * at the end, and how the last step ran, which is 'plain' without `compiled`.
 */
export async function train(api, on, compiled) {
  const {
    Adam,
    bceWithLogits,
    Conv2d,
    ConvTranspose2d,
    Dropout,
    MaxPool2d,
    MaxUnpool2d,
    Module,
    compile,
    manualSeed,
    randn,
    relu,
    tensor,
  } = api;
  class Cedn extends Module {
    conv1 = new Conv2d(3, 16, 3, { padding: 'same' });
    conv2 = new Conv2d(16, 32, 3, { padding: 'same' });
    deconv2 = new ConvTranspose2d(32, 16, 3, { padding: 'same' });
    deconv1 = new ConvTranspose2d(16, 1, 3, { padding: 'same' });
    pool = new MaxPool2d(2);
    unpool = new MaxUnpool2d();
    dropout = new Dropout(0.5);
    forward(x) {
      const [h1, where1] = this.pool.forward(relu(this.conv1.forward(x)));
      const [h2, where2] = this.pool.forward(relu(this.conv2.forward(h1)));
      const d2 = this.dropout.forward(relu(this.deconv2.forward(this.unpool.forward(h2, where2))));
      return this.deconv1.forward(this.unpool.forward(d2, where1));
    }
  }
  const before = api.defaultDevice();
  api.setDefaultDevice(on);
  try {
    manualSeed(1);
    const x = randn([4, 20, 20, 3]);
    const y = tensor(
      Array.from({ length: 4 * 20 * 20 }, (_, i) => ((i % 20) + (Math.floor(i / 20) % 20) < 20 ? 1 : 0)),
      { shape: [4, 20, 20, 1] },
    );
    const model = new Cedn();
    const optimizer = new Adam(model.parameters(), { lr: 3e-3 });
    const plain = () => {
      optimizer.zeroGrad();
      const loss = bceWithLogits(model.forward(x), y);
      loss.backward();
      optimizer.step();
      return loss;
    };
    const step = compiled ? compile(plain) : plain;
    const losses = [];
    for (let i = 0; i < 12; i++) losses.push(await step().item());
    const weights = [];
    for (const parameter of model.parameters()) weights.push(...(await parameter.data()));
    return { losses, weights, mode: compiled ? `${step.mode}${step.reason}` : 'plain' };
  } finally {
    api.setDefaultDevice(before);
  }
}
