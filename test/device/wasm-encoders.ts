/** Which kernels the wasm device's encoders choose for a call. Not here: what the kernels give (wasm-kernels.ts). */
import { readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Conv2dOptions, conv2d } from '../../src/autograd/ops/conv.js';
import { grainOf } from '../../src/device/wasm/commands.js';
import type { WasmDevice } from '../../src/device/wasm/index.js';
import { Opcode } from '../../src/device/wasm/opcodes.js';
import { control } from '../../src/device/wasm/threads.js';
import { device, ones } from '../../src/index.js';

const test = suite('wasm encoders');

test('both sides name the same places of the control block', () => {
  const text = readFileSync(new URL('../../src/device/wasm/assembly/core.ts', import.meta.url), 'utf8');
  const places = new Map(
    [...text.matchAll(/^const (\w+): usize = (\d+);$/gm)].map(([, name, at]) => [name, Number(at)]),
  );
  assert.ok(places.size >= Object.keys(control).length);
  for (const [name, word] of Object.entries(control)) assert.is(places.get(name), 4 * word, name);
  // No two share a word.
  assert.is(new Set(places.values()).size, places.size);
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

/** The kernels that a convolution of this image and weight runs, without those that only prepare it. */
function kernelsOf(on: WasmDevice, image: number[], weight: number[], options: Conv2dOptions): string[] {
  const [x, w] = [ones(image, { device: on }), ones(weight, { device: on })];
  const seen: Opcode[] = [];
  const emit = on.emit.bind(on);
  on.emit = (opcode, ...rest) => {
    seen.push(opcode);
    emit(opcode, ...rest);
  };
  conv2d(x, w, options);
  on.emit = emit;
  const preparing = new Set([Opcode.pack, Opcode.fill, Opcode.winogradWeights, Opcode.special, Opcode.compress]);
  return [...new Set(seen.filter((opcode) => !preparing.has(opcode)))].map((opcode) => Opcode[opcode]);
}

test('a convolution takes the kernel that is quickest for its kind', async () => {
  const on = (await device('wasm', { threads: 1 })) as WasmDevice;
  for (const [kernel, image, weight, options] of [
    // 3×3 over many channels; not where they are few or odd, not with strides, not in small images.
    ['winograd', [2, 40, 40, 32], [3, 3, 32, 32], {}],
    ['convolve', [2, 40, 40, 12], [3, 3, 12, 128], {}],
    ['convolve', [2, 40, 40, 34], [3, 3, 34, 32], {}],
    ['convolve', [2, 40, 40, 32], [3, 3, 32, 40], {}],
    ['convolve', [8, 40, 40, 32], [3, 3, 32, 32], { stride: 2 }],
    ['convolve', [2, 40, 40, 32], [3, 3, 32, 32], { dilation: 2 }],
    ['convolve', [2, 40, 40, 32], [5, 5, 32, 32], {}],
    ['convolve', [1, 12, 12, 32], [3, 3, 32, 32], {}],
    ['winograd', [200, 6, 6, 32], [3, 3, 32, 32], {}],
    ['convolve', [400, 5, 5, 32], [3, 3, 32, 32], {}],
    // One channel to one: by rows, or by four groups and more.
    ['depthwise', [1, 20, 20, 4], [3, 3, 1, 4], { groups: 4 }],
    ['depthwise', [1, 20, 20, 4], [3, 3, 1, 4], { groups: 4, stride: 2 }],
    ['convolve', [1, 20, 20, 3], [3, 3, 1, 3], { groups: 3 }],
    ['single', [1, 20, 20, 1], [3, 3, 1, 1], {}],
    ['convolve', [1, 20, 20, 1], [3, 3, 1, 1], { stride: [2, 1] }],
    ['convolve', [1, 20, 20, 1], [3, 3, 1, 1], { stride: [1, 2] }],
    ['convolve', [1, 20, 20, 8], [3, 3, 2, 8], { groups: 4 }],
  ] as [string, number[], number[], Conv2dOptions][])
    assert.equal(kernelsOf(on, image, weight, options), [kernel], `${image} by ${weight} ${JSON.stringify(options)}`);
  await on.close();
});

test.run();
