/**
 * Ten thousand steps of a small model on each device, with no release call: heap and device memory must be flat after the first thousand.
 * usage: npm run soak -- [steps]. Not part of npm test: it takes minutes.
 */
import {
  Adam,
  bceWithLogits,
  Conv2d,
  ConvTranspose2d,
  compile,
  Dropout,
  device,
  MaxPool2d,
  MaxUnpool2d,
  Module,
  randn,
  relu,
  setDefaultDevice,
  type Tensor,
  zeros,
} from 'cedargrad';

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

const plain = (step: () => Tensor): (() => Tensor) => step;

const steps = Number(process.argv[2] ?? 10_000);
let failed = 0;
for (const [name, options, wrap] of [
  ['reference', {}, plain],
  ['wasm', {}, plain],
  ['wasm', {}, compile],
  ['gpu', { mode: 'cpu' }, plain],
  ['gpu', { mode: 'webasm' }, plain],
] as const) {
  const on = await device(name, options);
  setDefaultDevice(on);
  const x = randn([2, 8, 8, 1]);
  const y = zeros([2, 8, 8, 1]);
  const model = new Small();
  const optimizer = new Adam(model.parameters());
  // What was collected is accounted for only after a turn of the event loop.
  const heap = async (): Promise<number> => {
    for (let i = 0; i < 3; i++) {
      globalThis.gc?.();
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    return process.memoryUsage().heapUsed + process.memoryUsage().arrayBuffers;
  };
  let early = { heap: 0, tensors: 0, bytes: 0 };
  const train = wrap(() => {
    optimizer.zeroGrad();
    const loss = bceWithLogits(model.forward(x), y);
    loss.backward();
    optimizer.step();
    return loss;
  });
  for (let step = 1; step <= steps; step++) {
    const loss = train();
    if (step % 100 === 0) await loss.item();
    if (step === 2000) early = { heap: await heap(), ...on.memory() };
  }
  const late = { heap: await heap(), ...on.memory() };
  const flat = late.tensors <= early.tensors && late.bytes <= early.bytes && late.heap < early.heap * 1.1 + 1e6;
  if (!flat) failed++;
  await on.close();
  process.stdout.write(
    `${flat ? 'flat' : 'GROWS'} ${on}${wrap === compile ? ', compiled' : ''}: after 2000 steps ${JSON.stringify(early)}, after ${steps} ${JSON.stringify(late)}\n`,
  );
}
process.exitCode = failed > 0 ? 1 : 0;
