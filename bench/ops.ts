/**
 * GFLOP/s of the convolution kernels on one thread, next to the thread's peak. The peak is measured
 * right before and right after, and the better one counts. Only products inside the image count,
 * not those with padding. Prints one JSON line per kernel and shape.
 * usage: ops.ts DEVICE
 */
import { type Device, device } from 'cedargrad';
import { budget, print } from './measure.js';
import { peakMeter } from './peak.js';
import { median } from './timing.js';

interface Shape {
  readonly name: string;
  readonly batch: number;
  readonly size: readonly [number, number];
  readonly channels: readonly [number, number];
  readonly kernel: number;
  readonly stride?: number;
  readonly dilation?: number;
  readonly groups?: number;
}

const shape = (
  name: string,
  batch: number,
  size: number | readonly [number, number],
  channels: readonly [number, number],
  kernel: number,
  more = {},
): Shape => ({
  name,
  batch,
  size: typeof size === 'number' ? [size, size] : size,
  channels,
  kernel,
  ...more,
});

const shapes: readonly Shape[] = [
  ...[1, 3, 5, 17, 40, 64].map((c) => shape(`3×3, ${c}→${c}`, 16, 32, [c, c], 3)),
  shape('3×3, 3→32 (w2 conv1)', 32, 64, [3, 32], 3),
  shape('3×3, 32→64 (w2 conv2)', 32, 32, [32, 64], 3),
  shape('3×3, 64→64 (w2 conv3)', 32, 16, [64, 64], 3),
  shape('3×3, 1→32 (w2 deconv1)', 32, 64, [1, 32], 3),
  shape('1×1, 64→64', 16, 32, [64, 64], 1),
  shape('5×5, 32→32', 16, 32, [32, 32], 5),
  shape('3×3, 16→32, stride 2', 64, 28, [16, 32], 3, { stride: 2 }),
  shape('3×3, 32→32, dilation 2', 16, 32, [32, 32], 3, { dilation: 2 }),
  shape('3×3, 64→64, 4 groups', 16, 32, [64, 64], 3, { groups: 4 }),
  shape('3×3, 64 depthwise', 16, 32, [64, 64], 3, { groups: 64 }),
  shape('3×3, 32→32, batch 1', 1, 64, [32, 32], 3),
  shape('3×3, 32→32, batch 97', 97, 16, [32, 32], 3),
  shape('3×3, 32→32, 17×61', 16, [17, 61], [32, 32], 3),
];

/** 'same' padding, as the library computes it. */
function axis(input: number, { kernel, stride = 1, dilation = 1 }: Shape) {
  const output = Math.ceil(input / stride);
  const pads = Math.max(0, (output - 1) * stride + (kernel - 1) * dilation + 1 - input);
  return { input, output, kernel, stride, dilation, before: pads >> 1, after: pads - (pads >> 1) };
}

/** How many pairs of an output and a tap meet inside the input. */
function meetings({ input, output, kernel, stride, dilation, before }: ReturnType<typeof axis>): number {
  let n = 0;
  for (let o = 0; o < output; o++)
    for (let k = 0; k < kernel; k++) {
      const at = o * stride + k * dilation - before;
      if (at >= 0 && at < input) n++;
    }
  return n;
}

async function open(name: string): Promise<Device> {
  const [base, build] = name.split(':');
  return base === 'wasm' ? device('wasm', { threads: 1, build: build as 'simd' | undefined }) : device('reference');
}

const on = await open(process.argv[2] ?? 'wasm');
const peak = await peakMeter(on.mode === 'relaxed');
if (peak === null) throw new Error('the engine has no SIMD');

for (const s of shapes) {
  const { batch, groups = 1 } = s;
  const [inChannels, outChannels] = s.channels;
  const geometry = { batch, inChannels, outChannels, groups, height: axis(s.size[0], s), width: axis(s.size[1], s) };
  const array = (...dims: number[]) => {
    const size = dims.reduce((a, b) => a * b, 1);
    const data = Float32Array.from({ length: size }, (_, i) => ((i * 7919) % 1009) / 1009 - 0.5);
    return { shape: dims, dtype: 'float32' as const, buffer: on.upload(data, 'float32') };
  };
  const x = array(batch, ...s.size, inChannels);
  const weight = array(s.kernel, s.kernel, inChannels / groups, outChannels);
  const y = array(batch, geometry.height.output, geometry.width.output, outChannels);
  const flops = 2 * batch * meetings(geometry.height) * meetings(geometry.width) * (inChannels / groups) * outChannels;
  const kernels = [
    { kernel: 'conv2d', inputs: [x, weight], output: y },
    { kernel: 'conv2dInputGrad', inputs: [y, weight], output: x },
    { kernel: 'conv2dWeightGrad', inputs: [x, y], output: weight },
  ] as const;
  for (const { kernel, inputs, output } of kernels) {
    const own = array(...output.shape);
    const spec = { shape: own.shape, dtype: own.dtype };
    const time = async (repeats: number): Promise<number> => {
      const before = performance.now();
      for (let i = 0; i < repeats; i++) on.run(kernel, inputs, { geometry }, [spec], [own.buffer]);
      await on.sync();
      return (performance.now() - before) / repeats;
    };
    await time(1);
    // Long enough to be timed: some two milliseconds.
    const repeats = Math.max(1, Math.round(2 / (await time(1))));
    const early = peak(20);
    const times: number[] = [];
    for (const start = performance.now(); times.length < 5 || performance.now() - start < budget() / 10; )
      times.push(await time(repeats));
    const reached = Math.max(early, peak(20));
    const gflops = flops / median(times) / 1e6;
    print({
      shape: s.name,
      kernel,
      mflop: flops / 1e6,
      ms: median(times),
      gflops,
      peak_gflops: reached,
      share: gflops / reached,
    });
    on.free(own.buffer);
  }
  for (const { buffer } of [x, weight, y]) on.free(buffer);
}
await on.close();
