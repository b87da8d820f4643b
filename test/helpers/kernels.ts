/**
 * Kernel calls that no operation makes, or not with such numbers: cells that several values compete
 * for, indices out of range, and parts of an array. Each result is compared with the reference
 * device's, number for number. 0 and −0 count as equal.
 */
import { type Device, maxPool2d, type Pool2dOptions, type Shape, type TypedArray, zeros } from 'cedargrad';
import type { KernelAttrs, KernelName, Spec } from '../../src/device/device.js';
import type { Pool2dGeometry } from '../../src/values/window.js';

interface Values extends Spec {
  readonly data: TypedArray;
}
export interface KernelCall {
  readonly name: string;
  /** Runs it on a device and reads all it made. */
  run(on: Device): Promise<TypedArray[]>;
}

const calls: KernelCall[] = [];
function call<K extends KernelName>(
  name: string,
  kernel: K,
  inputs: readonly Values[],
  attrs: KernelAttrs[K],
  ...outputs: Spec[]
): void {
  const run = async (on: Device): Promise<TypedArray[]> => {
    const operands = inputs.map(({ shape, dtype, data }) => ({ shape, dtype, buffer: on.upload(data, dtype) }));
    const made = on.run(kernel, operands, attrs, outputs);
    const values = await Promise.all(made.map((buffer) => on.read(buffer)));
    for (const buffer of [...operands.map((t) => t.buffer), ...made]) on.free(buffer);
    return values;
  };
  calls.push({ name: `${kernel} ${name}`, run });
}

const { NaN: nan, POSITIVE_INFINITY: infinity } = Number;
const sizeOf = (shape: Shape): number => shape.reduce((a, b) => a * b, 1);
/**
 * Numbers of a list in a fixed but irregular order. A step that has no common divisor with the
 * list's length visits all of the list.
 */
const cycle = (list: readonly number[], size: number, step: number): number[] =>
  Array.from({ length: size }, (_, i) => list[(i * step + (i >> 3)) % list.length]);
const floats = (shape: Shape, data: readonly number[]): Values => ({
  shape,
  dtype: 'float32',
  data: Float32Array.from(data),
});
const ints = (shape: Shape, data: readonly number[]): Values => ({
  shape,
  dtype: 'int32',
  data: Int32Array.from(data),
});
const spec = (shape: Shape, dtype: Spec['dtype'] = 'float32'): Spec => ({ shape, dtype });

const pool = (shape: Shape, options: Pool2dOptions): Pool2dGeometry =>
  maxPool2d(zeros(shape), options)[1].geometry as Pool2dGeometry;
/** Every index of a pool's windows, in an order of its own. */
function indicesOf({ batch, height: h, width: w, channels }: Pool2dGeometry): number[] {
  const indices: number[] = [];
  for (let o = 0; o < batch * h.output * w.output * channels; o++) {
    const at = Math.floor(o / channels);
    const [oy, ox] = [Math.floor(at / w.output) % h.output, at % w.output];
    const cells: number[] = [];
    for (let y = Math.max(0, oy * h.stride - h.before); y < Math.min(oy * h.stride - h.before + h.kernel, h.input); y++)
      for (
        let x = Math.max(0, ox * w.stride - w.before);
        x < Math.min(ox * w.stride - w.before + w.kernel, w.input);
        x++
      )
        cells.push(y * w.input + x);
    // Often the last or first cell, which neighbouring windows share.
    indices.push(cells[o % 5 < 2 ? cells.length - 1 : o % 5 < 4 ? 0 : o % cells.length]);
  }
  return indices;
}

// Few values, so that equal ones meet in a cell.
const odd = [1, nan, 2, 0, -0, 2, -infinity, 1, -1, infinity, -infinity];
const pools: readonly (readonly [string, Pool2dGeometry])[] = [
  ['overlapping', pool([2, 5, 6, 5], { kernelSize: 2, stride: 1 })],
  ['overlapping, padded', pool([2, 5, 7, 4], { kernelSize: 3, stride: 2, padding: 1 })],
  ['apart', pool([2, 6, 7, 3], { kernelSize: 2 })],
  ['with gaps', pool([1, 8, 8, 1], { kernelSize: 2, stride: 3 })],
];
for (const pick of ['first', 'last', 'max'] as const) {
  for (const [variant, geometry] of pools) {
    const shape = [geometry.batch, geometry.height.output, geometry.width.output, geometry.channels];
    const pixels = geometry.height.input * geometry.width.input;
    const indices = ints(shape, indicesOf(geometry));
    const some = ints(
      shape,
      [...indices.data].map((index, i) => (i % 7 === 3 ? pixels : i % 7 === 5 ? -1 : index)),
    );
    const whole = floats(shape, cycle([1, 2, 3, 4, 5], sizeOf(shape), 4));
    call(
      `${pick}, ${variant}, some outside`,
      'unpoolPick',
      [whole, some],
      { pick, geometry, pixels },
      spec(shape, 'bool'),
    );
    if (pick === 'first') {
      const { batch, channels, height, width } = geometry;
      call(
        `${variant}, some outside`,
        'maxUnpool2d',
        [whole, some],
        { geometry },
        spec([batch, height.input, width.input, channels]),
      );
    }
    for (const [kind, list] of [
      ['of odd values', odd],
      ['of nothing but NaN', [nan]],
      ['of zeros of both signs', [-0, 0, 0]],
    ] as const) {
      const values = floats(shape, cycle(list, sizeOf(shape), 4));
      call(
        `${pick}, ${variant}, ${kind}`,
        'unpoolPick',
        [values, indices],
        { pick, geometry, pixels },
        spec(shape, 'bool'),
      );
      call(
        `${pick}, ${variant}, pool unknown, ${kind}`,
        'unpoolPick',
        [values, indices],
        { pick, geometry: null, pixels },
        spec(shape, 'bool'),
      );
    }
  }
  const shape = [2, 3, 4, 5];
  const any = ints(shape, cycle([0, 3, 1, -1, 2, 3, 0, 6, -7, 4096, 2 ** 24, -(2 ** 24)], 120, 5));
  call(
    `${pick}, any indices and some outside`,
    'unpoolPick',
    [floats(shape, cycle(odd, 120, 3)), any],
    { pick, geometry: null, pixels: 6 },
    spec(shape, 'bool'),
  );
}

// Neighbours of what may be read or written hold numbers that would show.
for (const channels of [1, 3, 4, 6]) {
  const [small, large] = [
    [3, 2, 3, channels],
    [3, 2, 2, channels],
  ];
  const [few, many] = [sizeOf(large), sizeOf(small)];
  const indices = ints(
    small,
    cycle([0, -1, 3, 4, 1, -4, 2, 5, 2, 3, 0, 1, 2, 3, 1, 1, 2 ** 24, -(2 ** 24), 1, 2], many, 7),
  );
  const image = floats(
    large,
    Array.from({ length: few }, (_, i) => i + 1),
  );
  const values = floats(
    small,
    Array.from({ length: many }, (_, i) => i + 1),
  );
  call(`of ${channels} channels, indices outside`, 'planeGather', [image, indices], {}, spec(small));
  call(`of ${channels} channels, indices outside`, 'maxUnpool2d', [values, indices], { geometry: null }, spec(large));
}
for (const [place, outer, inner] of [
  ['first', 1, 5],
  ['middle', 3, 5],
  ['last', 3, 1],
] as const) {
  const shape = (n: number): Shape => [outer, n, inner];
  const numbers = (n: number): Values =>
    floats(
      shape(n),
      Array.from({ length: outer * n * inner }, (_, i) => i + 1),
    );
  const indices = ints([8], [1, -1, 3, 4, 0, 3, 2 ** 24, -(2 ** 24)]);
  call(`along the ${place} axis, indices outside`, 'indexSelect', [numbers(4), indices], { axis: 1 }, spec(shape(8)));
  call(`along the ${place} axis, indices outside`, 'indexAdd', [numbers(8), indices], { axis: 1 }, spec(shape(4)));
}

// Lengths alternate, so that neighbours are seldom equal, or they are all equal. With gaps, every
// third part is left out.
for (const [variant, lengths, gaps] of [
  ['of two lengths', [2, 5], false],
  ['of one length', [3, 3, 3, 3], false],
  ['of many lengths, some empty', Array.from({ length: 75 }, (_, i) => [1, 4, 2, 0][i % 4]), false],
  ['with gaps', Array.from({ length: 9 }, (_, i) => 1 + (i >> 2)), true],
] as const)
  for (const inner of [1, 3]) {
    const along = lengths.reduce((a, b) => a + b, 0);
    const x = floats(
      [2, along, inner],
      Array.from({ length: 2 * along * inner }, (_, i) => i + 1),
    );
    const parts = lengths
      .map((length, k) => ({ length, start: lengths.slice(0, k).reduce((a, b) => a + b, 0) }))
      .filter((_, k) => !gaps || k % 3 !== 1);
    const attrs = { axis: 1, starts: parts.map(({ start }) => start) };
    call(
      `into parts ${variant}, ${inner} within`,
      'split',
      [x],
      attrs,
      ...parts.map((p) => spec([2, p.length, inner])),
    );
  }

export const kernelCalls: readonly KernelCall[] = calls;
