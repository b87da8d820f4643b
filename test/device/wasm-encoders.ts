/**
 * Tests which kernels the wasm device's encoders choose for a call. Not here: the results of the
 * kernels (wasm-kernels.ts).
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Conv2dOptions, conv2d } from '../../src/autograd/ops/conv.js';
import { grainOf } from '../../src/device/wasm/commands.js';
import type { WasmDevice } from '../../src/device/wasm/index.js';
import { Opcode } from '../../src/device/wasm/protocol/command.js';
import { Control } from '../../src/device/wasm/protocol/control.js';
import { concat, device, dropout, leakyRelu, maxPool2d, maxUnpool2d, ones, Tensor, tensor } from '../../src/index.js';

const test = suite('wasm encoders');

test('words of the control block have positions of their own, and contended ones their own cache lines', () => {
  const positions = Object.values(Control).filter((word) => typeof word === 'number');
  assert.is(new Set(positions).size, positions.length);
  // The data of the kernels begins at byte 4096 (scripts/kernels.mjs). The stub runtime of
  // AssemblyScript uses the first KiB.
  assert.ok(positions.every((word) => 4 * word >= 1024 && 4 * word < 4096));
  const lineOf = (word: number): number => (4 * word) >> 6;
  for (const word of [Control.epoch, Control.inside, Control.counter])
    assert.is(positions.filter((other) => lineOf(other) === lineOf(word)).length, 1, Control[word]);
});

test('chunks are taken so many at a time that a turn is worth it, but in eight turns at least', () => {
  for (const [work, chunks, grain] of [
    [0, 100, 13],
    [100, 100, 13],
    [100, 8, 1],
    [100, 9, 2],
    [1_638_400, 100, 1],
    [819_200, 100, 2],
    [16_384_000, 100, 1],
    [163_840, 100, 10],
  ])
    assert.is(grainOf(work, chunks), grain, `${work} in ${chunks} chunks`);
});

/** Returns the commands that the device gets while `fn` runs. */
function commandsOf(on: WasmDevice, fn: () => void): { opcode: Opcode; words: readonly number[] }[] {
  const seen: { opcode: Opcode; words: readonly number[] }[] = [];
  const emit = on.emit.bind(on);
  on.emit = (opcode, parallel, words, grain, condition = 0) => {
    // A command with a condition is not meant to run.
    if (condition === 0) seen.push({ opcode, words: [...words] });
    emit(opcode, parallel, words, grain, condition);
  };
  fn();
  on.emit = emit;
  return seen;
}

/**
 * Returns the names of the kernels that a convolution of this image and weight runs, without those
 * that only prepare it.
 */
function kernelsOf(
  on: WasmDevice,
  image: readonly number[] | Tensor,
  weight: number[],
  options: Conv2dOptions,
): string[] {
  const x = image instanceof Tensor ? image : ones(image, { device: on });
  const w = ones(weight, { device: on });
  const seen = commandsOf(on, () => conv2d(x, w, options)).map(({ opcode }) => opcode);
  const preparing = new Set([
    Opcode.pack,
    Opcode.fill,
    Opcode.winogradWeights,
    Opcode.winogradTiles,
    Opcode.special,
    Opcode.compress,
  ]);
  return [...new Set(seen.filter((opcode) => !preparing.has(opcode)))].map((opcode) => Opcode[opcode]);
}

test('a convolution takes the kernel that is quickest for its kind', async () => {
  const on = (await device('wasm', { threads: 1 })) as WasmDevice;
  for (const [kernel, image, weight, options] of [
    // Winograd is for 3×3 kernels over many channels. It is not taken for few or odd channels, with
    // strides or dilation, or for small images.
    ['winograd', [2, 40, 40, 32], [3, 3, 32, 32], {}],
    ['convolve', [2, 40, 40, 12], [3, 3, 12, 128], {}],
    ['convolve', [2, 40, 40, 34], [3, 3, 34, 32], {}],
    ['convolve', [2, 80, 80, 32], [3, 3, 32, 15], {}],
    ['winograd', [2, 40, 40, 36], [3, 3, 36, 41], {}],
    ['convolve', [8, 40, 40, 32], [3, 3, 32, 32], { stride: 2 }],
    ['convolve', [2, 40, 40, 32], [3, 3, 32, 32], { dilation: 2 }],
    ['convolve', [2, 40, 40, 32], [5, 5, 32, 32], {}],
    ['convolve', [1, 12, 12, 32], [3, 3, 32, 32], {}],
    // Where its tiles are mostly outside the image, the direct algorithm needs fewer products. The
    // padding makes an output of 5×5 from an image of 7×7.
    ['winograd', [200, 8, 8, 32], [3, 3, 32, 32], {}],
    ['convolve', [400, 7, 7, 32], [3, 3, 32, 32], {}],
    // A weight that is much larger than the image is not packed.
    ['fewPixels', [1, 7, 7, 128], [7, 7, 128, 64], {}],
    ['fewPixels', [2, 1, 1, 512], [1, 1, 512, 300], {}],
    ['convolve', [2, 1, 1, 512], [1, 1, 512, 200], {}],
    ['convolve', [200, 1, 1, 512], [1, 1, 512, 300], {}],
    // A convolution of one channel to one is computed by rows, if its stride is 1. With four groups
    // or more it is depthwise.
    ['depthwise', [1, 20, 20, 4], [3, 3, 1, 4], { groups: 4 }],
    ['depthwise', [1, 20, 20, 4], [3, 3, 1, 4], { groups: 4, stride: 2 }],
    ['convolve', [1, 20, 20, 3], [3, 3, 1, 3], { groups: 3 }],
    ['singleChannel', [1, 20, 20, 1], [3, 3, 1, 1], {}],
    ['convolve', [1, 20, 20, 1], [3, 3, 1, 1], { stride: [2, 1] }],
    ['convolve', [1, 20, 20, 1], [3, 3, 1, 1], { stride: [1, 2] }],
    ['convolve', [1, 20, 20, 8], [3, 3, 2, 8], { groups: 4 }],
  ] as [string, number[], number[], Conv2dOptions][])
    assert.equal(kernelsOf(on, image, weight, options), [kernel], `${image} by ${weight} ${JSON.stringify(options)}`);
  await on.close();
});

test('a convolution goes over lists of what is not zero where at most a third is expected not to be', async () => {
  const on = (await device('wasm', { threads: 1 })) as WasmDevice;
  const unpooled = (shape: readonly number[], kernelSize: number, stride: number): Tensor => {
    const [values, indices] = maxPool2d(ones(shape, { device: on }), { kernelSize, stride });
    return maxUnpool2d(values, indices);
  };
  const image = [2, 40, 40, 32];
  const passed = dropout(ones(image, { device: on }).relu(), { rate: 0.5 });
  for (const [kernel, x, weight] of [
    ['convolveSparse', unpooled(image, 2, 2), [5, 5, 32, 32]],
    ['convolve', unpooled(image, 3, 1), [5, 5, 32, 32]],
    // relu and dropout pass a half each.
    ['convolve', ones(image, { device: on }).relu(), [5, 5, 32, 32]],
    ['convolve', dropout(ones(image, { device: on }), { rate: 0.5 }), [5, 5, 32, 32]],
    ['convolveSparse', passed, [5, 5, 32, 32]],
    // Winograd's algorithm is faster until less than a fifth is not zero.
    ['winograd', unpooled(image, 2, 2), [3, 3, 32, 32]],
    ['convolveSparse', unpooled(image, 3, 3), [3, 3, 32, 32]],
    // Any other operation may fill the zeros.
    ['convolve', passed.add(1), [5, 5, 32, 32]],
    // This array is also much larger than the one it was made from, but it does not come from an
    // unpooling.
    ['winograd', ones([2, 40, 40, 1], { device: on }).expand([2, 40, 40, 32]), [3, 3, 32, 32]],
    // Lists would need the weight in panels.
    ['fewPixels', unpooled([1, 2, 2, 65536], 2, 2), [1, 1, 65536, 32]],
  ] as [string, Tensor, number[]][])
    assert.equal(kernelsOf(on, x, weight, {}), [kernel], `${x.madeBy}'s ${x.shape} by ${weight}`);
  await on.close();
});

test('elementwise chunks are smaller where operands are laid out, and hold whole periods of what repeats', async () => {
  const on = (await device('wasm', { threads: 1 })) as WasmDevice;
  const x = ones([100, 300], { device: on });
  const chunkOf = (other: number[]): number =>
    commandsOf(on, () => void x.add(ones(other, { device: on })))[0].words[2];
  assert.is(chunkOf([100, 300]), 8192);
  assert.is(chunkOf([1]), 8192);
  // A chunk of 4096 elements holds at most 13 whole periods of 300.
  assert.is(chunkOf([300]), 3900);
  assert.is(chunkOf([100, 1]), 4096);
  await on.close();
});

test('few arrays with short rows are joined and split by one command, others by one each', async () => {
  const on = (await device('wasm', { threads: 1 })) as WasmDevice;
  for (const [shapes, axis, kernels] of [
    [
      [
        [9, 16],
        [9, 3],
      ],
      1,
      ['moveColumns'],
    ],
    [
      [
        [9, 2, 512],
        [9, 1, 512],
        [9, 2, 512],
        [9, 3, 512],
      ],
      1,
      ['moveColumns'],
    ],
    [
      [
        [9, 1024],
        [9, 1025],
      ],
      1,
      ['move', 'move'],
    ],
    [
      [
        [9, 1],
        [9, 1],
        [9, 1],
        [9, 1],
        [9, 1],
      ],
      1,
      ['move', 'move', 'move', 'move', 'move'],
    ],
    [
      [
        [9, 16],
        [8, 16],
      ],
      0,
      ['move', 'move'],
    ],
    [[[9, 16]], 1, ['move']],
  ] as [number[][], number, string[]][]) {
    const parts = shapes.map((shape) => ones(shape, { device: on, requiresGrad: true }));
    const joined = commandsOf(on, () => concat(parts, axis));
    const names = joined.map(({ opcode }) => Opcode[opcode]);
    assert.equal(names, kernels, `${shapes.join(' and ')} along axis ${axis}`);
    const y = concat(parts, axis);
    const g = y.detach();
    const split = commandsOf(on, () => y.backward(g)).map(({ opcode }) => Opcode[opcode]);
    assert.equal(split, kernels, `gradient of ${shapes.join(' and ')} along axis ${axis}`);
  }
  await on.close();
});

test("an unpooling is fused with relu's gradient, and not with leakyRelu's", async () => {
  const on = (await device('wasm', { threads: 1 })) as WasmDevice;
  // The maximum is negative, so the gradient that reaches it is the slope. relu's would be 0.
  const x = tensor([-3, -1, -2, -4], { shape: [1, 2, 2, 1], device: on, requiresGrad: true });
  const [pooled] = maxPool2d(leakyRelu(x, 0.25), { kernelSize: 2 });
  pooled.sum().backward();
  assert.equal([...((await x.grad?.data()) ?? [])], [0, 0.25, 0, 0]);
  await on.close();
});

test.run();
