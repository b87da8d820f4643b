/**
 * Tests that every word of a command is at the position that its enum says. The encoders run
 * without a device. Buffers and temporaries have made-up addresses. Not here: which command an
 * encoder chooses (wasm-encoders.ts).
 */
import { readdirSync, readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { adam } from '../../src/device/wasm/adam.js';
import { bits, type Encoder, type WasmOperand } from '../../src/device/wasm/commands.js';
import { conv } from '../../src/device/wasm/conv.js';
import { elementwise } from '../../src/device/wasm/elementwise.js';
import { loss as lossFamily } from '../../src/device/wasm/loss.js';
import { Arena, WasmBuffer, wordBytes } from '../../src/device/wasm/memory.js';
import { movement } from '../../src/device/wasm/movement.js';
import { norm } from '../../src/device/wasm/norm.js';
import { pool } from '../../src/device/wasm/pool.js';
import * as adamWords from '../../src/device/wasm/protocol/adam.js';
import { Opcode } from '../../src/device/wasm/protocol/command.js';
import { Control } from '../../src/device/wasm/protocol/control.js';
import * as convWords from '../../src/device/wasm/protocol/conv.js';
import * as elementwiseWords from '../../src/device/wasm/protocol/elementwise.js';
import * as fewPixelsWords from '../../src/device/wasm/protocol/few-pixels.js';
import * as functions from '../../src/device/wasm/protocol/functions.js';
import * as lossWords from '../../src/device/wasm/protocol/loss.js';
import * as movementWords from '../../src/device/wasm/protocol/movement.js';
import * as normWords from '../../src/device/wasm/protocol/norm.js';
import * as poolWords from '../../src/device/wasm/protocol/pool.js';
import * as reduceWords from '../../src/device/wasm/protocol/reduce.js';
import * as simpleWords from '../../src/device/wasm/protocol/simple.js';
import * as winogradWords from '../../src/device/wasm/protocol/winograd.js';
import { reduce } from '../../src/device/wasm/reduce.js';
import type { DType } from '../../src/values/dtype.js';
import { type Shape, sizeOf } from '../../src/values/shape.js';
import type { Conv2dGeometry, WindowAxis } from '../../src/values/window.js';

const test = suite('wasm words');

type Numbers = Record<string, number | string>;
const protocol: Record<string, Numbers> = {
  ...adamWords,
  ...convWords,
  ...elementwiseWords,
  ...fewPixelsWords,
  ...functions,
  ...lossWords,
  ...movementWords,
  ...normWords,
  ...poolWords,
  ...reduceWords,
  ...simpleWords,
  ...winogradWords,
};
/** The names of an enum, without its reverse mapping. */
const namesOf = (words: Numbers): string[] => Object.keys(words).filter((name) => typeof words[name] === 'number');

/** The address of a kernel's temporary number `n`. The addresses are at equal distances. */
const temporary = (n: number): number => 1_000_000 + 1000 * n;

class Commands implements Encoder {
  readonly list: { readonly opcode: Opcode; readonly words: readonly number[]; readonly condition: number }[] = [];
  #temporaries = 0;
  emit(opcode: Opcode, _parallel: boolean, words: readonly number[], _grain = 1, condition = 0): void {
    this.list.push({ opcode, words, condition });
  }
  temporary(): number {
    return temporary(this.#temporaries++);
  }
  derived(): null {
    return null;
  }
}

function operand(address: number, shape: Shape, dtype: DType = 'float32', density = 1): WasmOperand {
  const buffer = new WasmBuffer(dtype, sizeOf(shape), address * wordBytes, new Arena());
  buffer.density = density;
  return { shape, dtype, buffer };
}
const encode = (write: (to: Encoder) => void): Commands => {
  const to = new Commands();
  write(to);
  return to;
};

const checked = new Set<string>();
const opcodes = new Set<Opcode>();
/**
 * Compares the words of the first command that has this opcode with `want`, which has the expected
 * words by name. If the last name begins a list, `tail` has the expected words from there on. For
 * pooling commands, `geometry` has the expected words of GeometryWord.
 */
function expect(
  commands: Commands,
  opcode: Opcode,
  enumName: string,
  want: Record<string, number>,
  { tail, geometry = {} }: { tail?: readonly number[]; geometry?: Record<string, number> } = {},
): void {
  const command = commands.list.find((one) => one.opcode === opcode);
  assert.ok(command !== undefined, `${Opcode[opcode]} is emitted`);
  checked.add(enumName);
  opcodes.add(opcode);
  const words = protocol[enumName];
  const names = namesOf(words);
  const last = names[names.length - 1];
  assert.equal(Object.keys(want).sort(), names.filter((name) => tail === undefined || name !== last).sort(), enumName);
  for (const [name, value] of Object.entries(want))
    assert.is(command.words[words[name] as number], value, `${enumName}.${name}`);
  for (const [name, value] of Object.entries(geometry))
    assert.is(
      command.words[poolWords.GeometryWord[name as keyof typeof poolWords.GeometryWord]],
      value,
      `${enumName}: ${name}`,
    );
  if (tail !== undefined) assert.equal(command.words.slice(words[last] as number), tail, `${enumName}: the rest`);
  else assert.is(command.words.length, names.length + Object.keys(geometry).length, `${enumName}: the number of words`);
}

const axis = (own: Partial<WindowAxis> & { input: number; output: number; kernel: number }): WindowAxis => ({
  stride: 1,
  dilation: 1,
  before: 0,
  after: 0,
  ...own,
});
const height = axis({ input: 40, output: 41, kernel: 3, stride: 5, dilation: 7, before: 9 });
const width = axis({ input: 50, output: 51, kernel: 4, stride: 6, dilation: 8, before: 10 });
const plain: Conv2dGeometry = { batch: 2, height, width, inChannels: 21, outChannels: 22, groups: 1 };
/** The words that most convolution commands share, for the forward convolution of `plain`. */
const sizes = { batch: 2, height: 40, width: 50, outHeight: 41, outWidth: 51 };
const steps = { yImage: 41 * 51 * 22, yRow: 51 * 22, yColumn: 22 };
const windows = { strideH: 5, strideW: 6, beforeH: 9, beforeW: 10, kernelH: 3, kernelW: 4, dilationH: 7, dilationW: 8 };
const [x, w, b, y, g] = [operand(100, []), operand(200, []), operand(300, []), operand(400, [9]), operand(500, [])];

test('convolution', () => {
  const forward = encode((to) => conv.conv2d(to, [x, w, b], { geometry: plain }, [y]));
  const own = { x: 100, y: 400, panels: temporary(0), bias: 300 };
  expect(forward, Opcode.convolve, 'ConvolveWord', {
    ...own,
    ...sizes,
    ...steps,
    ...windows,
    pixel: 21,
    groups: 1,
    inner: 21,
    columns: 16,
    panelWidth: 16,
  });
  const straight = { ...plain, height: { ...height, stride: 1 }, width: { ...width, stride: 1 } };
  const backward = encode((to) => conv.conv2dInputGrad(to, [g, w], { geometry: straight }, [x]));
  expect(backward, Opcode.pack, 'PackWord', {
    to: temporary(0),
    from: 200,
    groups: 1,
    columns: 16,
    width: 16,
    kernelH: 3,
    kernelW: 4,
    firstTapH: 2,
    tapStepH: -1,
    firstTapW: 3,
    tapStepW: -1,
    sourceWidth: 4,
    inner: 22,
    tapStep: 21 * 22,
    innerStep: 1,
    columnStep: 22,
    groupStep: 22,
  });
});

test('convolution of single channels', () => {
  const grouped: Conv2dGeometry = { ...plain, inChannels: 4, outChannels: 4, groups: 4 };
  const small = { yImage: 41 * 51 * 4, yRow: 51 * 4, yColumn: 4 };
  const taps = { firstTapH: 0, tapStepH: 1, firstTapW: 0, tapStepW: 1, sourceWidth: 4 };
  const own = { x: 100, y: 400, weight: 200, bias: 300, channels: 4 };
  expect(
    encode((to) => conv.conv2d(to, [x, w, b], { geometry: grouped }, [y])),
    Opcode.depthwise,
    'DepthwiseWord',
    { ...own, ...sizes, ...small, ...windows, ...taps },
  );
  const single: Conv2dGeometry = {
    ...grouped,
    height: axis({ ...height, stride: 1, dilation: 1 }),
    width: axis({ ...width, stride: 1, dilation: 1 }),
    inChannels: 1,
    outChannels: 1,
    groups: 1,
  };
  expect(
    encode((to) => conv.conv2dInputGrad(to, [g, w], { geometry: single }, [x])),
    Opcode.singleChannel,
    'DepthwiseWord',
    {
      ...{ x: 500, y: 100, weight: 200, bias: 0, channels: 1 },
      ...{ batch: 2, height: 41, width: 51, outHeight: 40, outWidth: 50 },
      ...{ yImage: 2000, yRow: 50, yColumn: 1 },
      // `before` is kernel − 1 minus the forward convolution's own. That is −7 on both axes.
      ...{ ...windows, strideH: 1, strideW: 1, beforeH: -7, beforeW: -7, dilationH: 1, dilationW: 1 },
      ...{ firstTapH: 2, tapStepH: -1, firstTapW: 3, tapStepW: -1, sourceWidth: 4 },
    },
  );
  const gradient = encode((to) => conv.conv2dWeightGrad(to, [x, g], { geometry: grouped }, [w]));
  expect(gradient, Opcode.depthwiseWeightGrad, 'DepthwiseWeightGradWord', {
    ...{ x: 100, g: 500, partials: temporary(0), parts: 2, channels: 4 },
    ...sizes,
    ...windows,
  });
});

test('convolution by Winograd', () => {
  const geometry: Conv2dGeometry = {
    batch: 20,
    height: axis({ ...height, stride: 1, dilation: 1 }),
    width: axis({ ...width, kernel: 3, stride: 1, dilation: 1 }),
    inChannels: 16,
    outChannels: 32,
    groups: 1,
  };
  const commands = encode((to) => conv.conv2d(to, [x, w, b], { geometry }, [y]));
  // An image has 11×13 tiles. The tiles of all images make 96 blocks of 30.
  const tiling = { down: 11, across: 13, block: 30 };
  // A block has 36·(30·16·4 + 64) bytes. 7 blocks fit 512 KiB.
  const first = { first: 0, end: 7 * 30 };
  const flag = temporary(0);
  expect(commands, Opcode.fill, 'FillWord', { to: flag, size: 1, value: 0 });
  expect(commands, Opcode.winogradWeights, 'WinogradWeightsWord', {
    ...{ weight: 200, to: temporary(1), columns: 32, inner: 16, flag },
    ...{ rowStep: 3 * 16 * 32, tapStep: 16 * 32, innerStep: 32, columnStep: 1 },
  });
  expect(commands, Opcode.winogradTiles, 'WinogradTilesWord', {
    ...{ x: 100, to: temporary(2), height: 40, width: 50, channels: 16, pitch: 16 },
    ...{ beforeH: 9, beforeW: 10, ...tiling, ...first, gradient: 0, flag },
  });
  expect(commands, Opcode.winograd, 'WinogradWord', {
    ...{ tiles: temporary(2), weights: temporary(1), y: 400, bias: 300, inner: 16, columns: 32 },
    ...{ outHeight: 41, outWidth: 51, yImage: 41 * 51 * 32, yRow: 51 * 32, yColumn: 32 },
    ...{ pitch: 16, ...tiling, ...first },
  });
  const direct = commands.list.filter(({ condition }) => condition !== 0);
  assert.equal(
    direct.map(({ opcode, condition }) => [Opcode[opcode], condition]),
    [
      ['pack', flag],
      ['convolve', flag],
    ],
  );
  // The flipped taps of the input gradient: the last one is first.
  const backward = encode((to) => conv.conv2dInputGrad(to, [g, w], { geometry }, [x]));
  expect(backward, Opcode.winogradWeights, 'WinogradWeightsWord', {
    ...{ weight: 200 + 8 * 16 * 32, to: temporary(1), columns: 16, inner: 32, flag },
    ...{ rowStep: -3 * 16 * 32, tapStep: -16 * 32, innerStep: 1, columnStep: 32 },
  });
});

test('the weight gradient by Winograd', () => {
  const geometry: Conv2dGeometry = {
    batch: 3,
    height: axis({ ...height, stride: 1, dilation: 1 }),
    width: axis({ ...width, kernel: 3, stride: 1, dilation: 1 }),
    inChannels: 36,
    outChannels: 40,
    groups: 1,
  };
  const commands = encode((to) => conv.conv2dWeightGrad(to, [x, g], { geometry }, [w]));
  // 3·11·13 tiles make 15 blocks of 30. A block of both operands has 36·(30·76·4 + 64) bytes. 3 fit
  // 1 MiB, so there are five parts.
  const parts = commands.list.filter(({ opcode }) => opcode === Opcode.winogradWeightGrad);
  assert.is(parts.length, 5);
  const flag = temporary(0);
  const wordsOf = (part: number): Record<string, number> => ({
    ...{ tiles: temporary(1), gradients: temporary(2), to: 200, sums: temporary(3), inner: 36, columns: 40 },
    ...{ pitch: 36, gradientPitch: 40, block: 30, count: part === 4 ? 69 : 90 },
    ...{ isFirst: Number(part === 0), isLast: Number(part === 4) },
  });
  const only = (one: (typeof commands.list)[number]): Commands => Object.assign(new Commands(), { list: [one] });
  parts.forEach((part, i) => {
    expect(only(part), Opcode.winogradWeightGrad, 'WinogradWeightGradWord', wordsOf(i));
  });
  const gradients = commands.list.filter(({ opcode }) => opcode === Opcode.winogradTiles)[1];
  expect(only(gradients), Opcode.winogradTiles, 'WinogradTilesWord', {
    ...{ x: 500, to: temporary(2), height: 41, width: 51, channels: 40, pitch: 40 },
    ...{ beforeH: 0, beforeW: 0, down: 11, across: 13, first: 0, end: 90, block: 30, gradient: 1, flag },
  });
  const direct = commands.list.find(({ opcode }) => opcode === Opcode.weightGrad);
  assert.is(direct?.condition, flag);
  assert.is(direct?.words[protocol.WeightGradWord.partials as number], 200, 'it writes the result itself');
});

test('convolution of few pixels by a large weight', () => {
  const few: Conv2dGeometry = {
    batch: 2,
    height: axis({ input: 9, output: 7, kernel: 3, stride: 5, dilation: 7, before: 9 }),
    width: axis({ input: 8, output: 6, kernel: 4, stride: 6, dilation: 8, before: 10 }),
    inChannels: 100,
    outChannels: 160,
    groups: 1,
  };
  // 12·100·160 weights are more than 1024 times the 84 pixels.
  const commands = encode((to) => conv.conv2d(to, [x, w, b], { geometry: few }, [y]));
  const [own] = commands.list.filter(({ opcode }) => opcode === Opcode.fewPixels);
  opcodes.add(Opcode.fewPixels);
  const { WindowWord, FewPixelsWord, FewPixelsWeightGradWord } = fewPixelsWords;
  const wordsOf = (command: (typeof commands.list)[number], words: Numbers): Record<string, number> =>
    Object.fromEntries(namesOf(words).map((name) => [name, command.words[words[name] as number]]));
  const { chunk, ...window } = wordsOf(own, WindowWord as unknown as Numbers);
  const sizesOf = { batch: 2, height: 9, width: 8, inner: 100, outHeight: 7, outWidth: 6, columns: 160 };
  assert.equal(window, { ...sizesOf, ...windows });
  assert.ok(chunk >= 16 && chunk % 16 === 0);
  const { block, ...rest } = wordsOf(own, FewPixelsWord as unknown as Numbers);
  assert.ok(block >= 1);
  assert.equal(rest, {
    ...{ x: 100, y: 400, weight: 200, bias: 300, yImage: 7 * 6 * 160, yRow: 6 * 160, yColumn: 160 },
    ...{ firstTapH: 0, tapStepH: 1, firstTapW: 0, tapStepW: 1, sourceWidth: 4 },
    ...{ tapStep: 100 * 160, innerStep: 160, columnStep: 1 },
  });
  const gradient = encode((to) => conv.conv2dWeightGrad(to, [x, g], { geometry: few }, [w])).list[0];
  opcodes.add(Opcode.fewPixelsWeightGrad);
  assert.is(gradient.opcode, Opcode.fewPixelsWeightGrad);
  assert.equal(wordsOf(gradient, FewPixelsWeightGradWord as unknown as Numbers), { x: 100, g: 500, to: 200 });
  const { chunk: _chunk, ...same } = wordsOf(gradient, WindowWord as unknown as Numbers);
  assert.equal(same, window);
  for (const name of ['WindowWord', 'FewPixelsWord', 'FewPixelsWeightGradWord']) checked.add(name);
});

test('convolution with an operand that is mostly zeros', () => {
  const thin = operand(100, [], 'float32', 0.1);
  const geometry = { ...plain, outChannels: 32 };
  const forward = encode((to) => conv.conv2d(to, [thin, w, b], { geometry }, [y]));
  expect(forward, Opcode.special, 'SpecialWord', { from: temporary(0), size: 32 * 12 * 21, to: temporary(1) });
  const made = { lists: temporary(2), counts: temporary(3) };
  expect(forward, Opcode.compress, 'CompressWord', {
    ...{ x: 100, pixels: 2 * 40 * 50, channels: 21, ...made, flag: temporary(1) },
  });
  expect(forward, Opcode.convolveSparse, 'ConvolveSparseWord', {
    ...{ x: 100, y: 400, panels: temporary(0), bias: 300, ...made },
    ...{ inner: 21, columns: 32, panelWidth: 32 },
    ...{ ...sizes, ...windows, yImage: 41 * 51 * 32, yRow: 51 * 32, yColumn: 32 },
  });
  // The lists hold channel numbers of 16 bits.
  const side = axis({ input: 60, output: 60, kernel: 1 });
  const kernelFor = (inChannels: number): boolean =>
    encode((to) =>
      conv.conv2d(to, [thin, w, b], { geometry: { ...geometry, height: side, width: side, inChannels } }, [y]),
    ).list.some(({ opcode }) => opcode === Opcode.convolveSparse);
  assert.equal([65536, 65540].map(kernelFor), [true, false]);
  const straight = { ...plain, height: { ...height, stride: 1 }, width: { ...width, stride: 1 } };
  const thinG = operand(500, [], 'float32', 0.1);
  const gradient = encode((to) => conv.conv2dWeightGrad(to, [x, thinG], { geometry: straight }, [w]));
  const { strideH: _h, strideW: _w, ...unstrided } = windows;
  expect(gradient, Opcode.weightGradSparse, 'WeightGradSparseWord', {
    ...{ x: 100, g: 500, partials: temporary(0), parts: 8, inner: 21, columns: 22, slab: 1, cuts: 1 },
    // A row has the 21 channels of x, rounded up to 32. There are 12 taps.
    ...{ columnStep: 12 * 32, tapStep: 32 },
    ...sizes,
    ...unstrided,
  });
  const sum = { to: 200, partials: temporary(0), parts: 8, taps: 12, inner: 21, columns: 22, reversed: 0 };
  expect(gradient, Opcode.sumSparse, 'SumSparseWord', sum);
  // If x is mostly zeros instead, the operands change places. The padding before the image is then
  // kernel − 1, times the dilation, minus the forward convolution's own: 2·7 − 9 and 3·8 − 10.
  const other = encode((to) => conv.conv2dWeightGrad(to, [thin, g], { geometry: straight }, [w]));
  expect(other, Opcode.weightGradSparse, 'WeightGradSparseWord', {
    ...{ x: 500, g: 100, partials: temporary(0), parts: 8, inner: 22, columns: 21, slab: 1, cuts: 1 },
    ...{ columnStep: 12 * 32, tapStep: 32, batch: 2, height: 41, width: 51, outHeight: 40, outWidth: 50 },
    ...{ ...unstrided, beforeH: 5, beforeW: 14 },
  });
  expect(other, Opcode.sumSparse, 'SumSparseWord', { ...sum, inner: 22, columns: 21, reversed: 1 });
  // A part of 12·64·512 floats has more than a megabyte. Its columns are cut into eight pieces, and
  // the rows are those of the weight, from the last tap to the first.
  const wide = { ...straight, inChannels: 512, outChannels: 64 };
  const cut = encode((to) => conv.conv2dWeightGrad(to, [thin, g], { geometry: wide }, [w]));
  expect(cut, Opcode.weightGradSparse, 'WeightGradSparseWord', {
    ...{ x: 500, g: 100, partials: 200 + 11 * 512 * 64, parts: 1, inner: 64, columns: 512, slab: 1, cuts: 8 },
    ...{ columnStep: 64, tapStep: -512 * 64, batch: 2, height: 41, width: 51, outHeight: 40, outWidth: 50 },
    ...{ ...unstrided, beforeH: 5, beforeW: 14 },
  });
  assert.is(cut.list.length, 1);
});

test('the weight gradient', () => {
  const commands = encode((to) => conv.conv2dWeightGrad(to, [x, g], { geometry: plain }, [w]));
  expect(commands, Opcode.weightGrad, 'WeightGradWord', {
    ...{ x: 100, g: 500, partials: temporary(0), parts: 2, xPixel: 21, groups: 1, inner: 21, columns: 22, gPixel: 22 },
    ...{ ...sizes, ...windows, swapped: 0, slab: 1 },
  });
  const sum = { to: 200, partials: temporary(0), parts: 2, taps: 12, inner: 21, columns: 22, swapped: 0 };
  expect(commands, Opcode.sumPartials, 'SumPartialsWord', sum);
});

test('elementwise', () => {
  const { BinaryCode, OperandMode, UnaryCode } = functions;
  const [a, c, row] = [operand(100, [30, 20]), operand(200, [30, 20]), operand(300, [20])];
  const clamp = { fn: 'clamp', alpha: 2.5, beta: 3.5 } as const;
  const unary = { to: 200, from: 100, size: 600, fn: UnaryCode.clamp, alpha: bits(2.5), beta: bits(3.5) };
  expect(
    encode((to) => elementwise.unary(to, [a], clamp, [c])),
    Opcode.unary,
    'UnaryWord',
    unary,
  );
  // The row is repeated, so the command contains its layout. It is 30 by 20 elements with strides 0
  // and 1.
  const operands = [...[100, 0, 0], ...[300, 4, 2, 30, 20, 0, 1]];
  const sub = encode((to) => elementwise.binary(to, [a, row], { fn: 'sub' }, [c]));
  expect(sub, Opcode.binary, 'BinaryWord', { to: 200, size: 600, chunk: 4080, fn: BinaryCode.sub }, { tail: operands });
  const { OperandWord } = elementwiseWords;
  assert.equal([OperandWord.at, OperandWord.mode, OperandWord.rank, OperandWord.sizes], [0, 1, 2, 3]);
  checked.add('OperandWord');
  const condition = operand(400, [30, 20], 'bool');
  expect(
    encode((to) => elementwise.where(to, [condition, a, row], {}, [c])),
    Opcode.where,
    'WhereWord',
    { to: 200, size: 600, chunk: 4080 },
    { tail: [400, OperandMode.plain, 0, ...operands] },
  );
  const gate = encode((to) => elementwise.gate(to, [a, c], { slope: 0.5 }, [row]));
  expect(gate, Opcode.gate, 'GateWord', { to: 300, g: 100, x: 200, size: 20, slope: bits(0.5) });
  const copy = encode((to) => elementwise.cast(to, [a], {}, [c]));
  expect(copy, Opcode.copy, 'CopyWord', { to: 200, from: 100, size: 600 });
});

test('reductions', () => {
  const { ReduceCode } = functions;
  const [from, to4] = [operand(100, [7, 5000, 3]), operand(200, [7, 3])];
  const middle = encode((to) => reduce.reduce(to, [from], { fn: 'max', axes: [1] }, [to4]));
  expect(middle, Opcode.reduce, 'ReduceWord', {
    ...{ to: 200, from: 100, outer: 7, length: 5000, columns: 3, block: 5461, share: 1, fn: ReduceCode.max, ints: 0 },
  });
  const long = operand(100, [7, 50000, 3], 'int32');
  const parts = encode((to) => reduce.reduce(to, [long], { fn: 'min', axes: [1] }, [operand(200, [7, 3], 'int32')]));
  expect(parts, Opcode.reduceParts, 'ReducePartsWord', {
    ...{ to: 200, from: temporary(0), outer: 7, blocks: 10, columns: 3, fn: ReduceCode.min, ints: 1 },
  });
  const walk = encode((to) =>
    reduce.reduce(to, [operand(100, [3, 5, 7, 9])], { fn: 'min', axes: [1, 3] }, [operand(200, [3, 7])]),
  );
  expect(
    walk,
    Opcode.reduceWalk,
    'ReduceWalkWord',
    { to: 200, from: 100, count: 21, share: 364, fn: ReduceCode.min, ints: 0, keptRank: 2, reducedRank: 2, outer: 5 },
    { tail: [...[3, 7], ...[315, 9], ...[5, 9], ...[63, 1]] },
  );
  const least = encode((to) => reduce.argReduce(to, [from], { fn: 'argmin', axis: 1 }, [operand(200, [7, 3])]));
  expect(least, Opcode.argReduce, 'ArgReduceWord', {
    ...{ to: 200, from: 100, outer: 7, length: 5000, inner: 3, share: 3, least: 1, ints: 0 },
  });
});

test('movement', () => {
  const permute = encode((to) =>
    movement.permute(to, [operand(100, [3, 4, 5])], { axes: [2, 1, 0] }, [operand(200, [5, 4, 3])]),
  );
  expect(
    permute,
    Opcode.move,
    'MoveWord',
    { to: 200, from: 100, rows: 20, share: 5472, rank: 3 },
    { tail: [...[5, 4, 3], ...[12, 3, 1], ...[1, 5, 20]] },
  );
  const narrow = [operand(100, [9, 16]), operand(200, [9, 3])];
  const concat = encode((to) => movement.concat(to, narrow, { axis: 1 }, [operand(300, [9, 19])]));
  expect(
    concat,
    Opcode.moveColumns,
    'MoveColumnsWord',
    { wide: 300, columns: 19, rows: 9, share: 53, isRead: 0, count: 2 },
    { tail: [...[100, 0, 16], ...[200, 16, 3]] },
  );
  const { NarrowWord } = movementWords;
  assert.equal([NarrowWord.at, NarrowWord.start, NarrowWord.columns, NarrowWord.length], [0, 1, 2, 3]);
  checked.add('NarrowWord');
  const [wide, indices, rows] = [
    operand(100, [3, 40, 5]),
    operand(200, [6], 'int32'),
    operand(300, [3, 6, 5], 'int32'),
  ];
  const select = encode((to) => movement.indexSelect(to, [wide, indices], { axis: 1 }, [rows]));
  expect(select, Opcode.indexSelect, 'IndexSelectWord', {
    ...{ to: 300, from: 100, indices: 200, outer: 3, length: 40, count: 6, inner: 5, share: 3276 },
  });
  const add = encode((to) => movement.indexAdd(to, [rows, indices], { axis: 1 }, [wide]));
  expect(add, Opcode.indexAdd, 'IndexAddWord', {
    ...{ to: 100, from: 300, indices: 200, outer: 3, length: 40, count: 6, inner: 5, share: 64, ints: 1 },
  });
});

test('pooling', () => {
  const { NanCode, PickCode } = functions;
  const pooling = { batch: 2, height, width, channels: 24 };
  const geometry = { ...sizes, ...windows, channels: 24 };
  const [image, pooled] = [operand(100, [2, 40, 50, 24]), operand(200, [2, 41, 51, 24])];
  const indices = operand(300, [2, 41, 51, 24], 'int32');
  const max = encode((to) => pool.maxPool2d(to, [image], { geometry: pooling, nan: 'tf' }, [pooled, indices]));
  expect(max, Opcode.maxPool2d, 'MaxPool2dWord', { x: 100, values: 200, indices: 300, nan: NanCode.tf }, { geometry });
  checked.add('GeometryWord');
  assert.equal(Object.keys(geometry).sort(), namesOf(poolWords.GeometryWord).sort());
  const apart = {
    ...pooling,
    height: axis({ input: 40, output: 20, kernel: 2, stride: 2 }),
    width: axis({ input: 50, output: 16, kernel: 3, stride: 3 }),
  };
  const unpool = encode((to) => pool.maxUnpool2d(to, [pooled, indices], { geometry: apart }, [image]));
  expect(
    unpool,
    Opcode.maxUnpool2d,
    'MaxUnpool2dWord',
    { values: 200, indices: 300, to: 100, gate: 0 },
    {
      geometry: {
        ...{ batch: 2, height: 40, width: 50, channels: 24, outHeight: 20, outWidth: 16, kernelH: 2, kernelW: 3 },
        ...{ strideH: 2, strideW: 3, dilationH: 1, dilationW: 1, beforeH: 0, beforeW: 0 },
      },
    },
  );
  const scatter = encode((to) => pool.maxUnpool2d(to, [pooled, indices], { geometry: null }, [image]));
  expect(scatter, Opcode.maxUnpool2dScatter, 'MaxUnpool2dScatterWord', {
    ...{ values: 200, indices: 300, to: 100, batch: 2, pixels: 2000, channels: 24, count: 2091 },
  });
  const gather = encode((to) => pool.planeGather(to, [image, indices], {}, [pooled]));
  expect(gather, Opcode.planeGather, 'PlaneGatherWord', {
    ...{ x: 100, indices: 300, to: 200, batch: 2, pixels: 2000, channels: 24, count: 2091, share: 341 },
  });
  const choice = { pick: 'last', geometry: null, pixels: 1234 } as const;
  const pick = encode((to) => pool.unpoolPick(to, [pooled, indices], choice, [operand(400, [2, 41, 51, 24], 'bool')]));
  expect(pick, Opcode.unpoolPick, 'UnpoolPickWord', {
    ...{ values: 200, indices: 300, to: 400, winners: temporary(0) },
    ...{ batch: 2, pixels: 1234, channels: 24, count: 2091, pick: PickCode.last },
  });
  const counted = { geometry: pooling, divisor: 9 };
  const average = encode((to) => pool.avgPool2d(to, [image], counted, [pooled]));
  expect(average, Opcode.avgPool2d, 'AvgPool2dWord', { x: 100, to: 200, divisor: 9 }, { geometry });
  const spread = encode((to) => pool.avgPool2dGrad(to, [pooled], counted, [image]));
  expect(spread, Opcode.avgPool2dGrad, 'AvgPool2dGradWord', { g: 200, to: 100, divisor: 9 }, { geometry });
});

test('normalisation by columns', () => {
  const grouping = { outer: 2, positions: 3000, groups: 5, inner: 7 };
  const data = operand(100, [2, 3000, 5, 7]);
  const [mean, variance] = [operand(200, [2, 2, 5]), operand(300, [2, 5])];
  const [scale, shift] = [operand(400, [35]), operand(500, [35])];
  const [output, incoming] = [operand(600, [2, 3000, 5, 7]), operand(700, [2, 3000, 5, 7])];
  const block = 234;
  const moments = encode((to) => norm.moments(to, [data], { grouping }, [mean, variance]));
  const statistics = { partials: temporary(0), x: 100, ...grouping, block };
  expect(moments, Opcode.columnSums, 'ColumnSumsWord', {
    ...{ to: temporary(0), g: 0, x: 100, mean: 0, ...grouping, block },
  });
  expect(moments, Opcode.joinMoments, 'JoinMomentsWord', { mean: 200, variance: 300, ...statistics });

  const statistic = { variance: 300, scale: 400, epsilon: bits(0.25) };
  const apply = encode((to) =>
    norm.normalize(to, [data, mean, variance, scale, shift], { grouping, eps: 0.25 }, [output]),
  );
  expect(apply, Opcode.coefficients, 'CoefficientsWord', {
    ...{ to: temporary(0), mean: 200, lost: 210, ...statistic, shift: 500, outer: 2, groups: 5, inner: 7 },
  });
  expect(apply, Opcode.applyColumns, 'ApplyColumnsWord', {
    ...{ to: 600, x: 100, coefficients: temporary(0), outer: 2, positions: 3000, columns: 35, block },
  });

  const attrs = { grouping, eps: 0.25, fixed: false };
  const results = [output, operand(800, [35]), operand(900, [35])];
  const grads = encode((to) => norm.normalizeGrad(to, [incoming, data, mean, variance, scale], attrs, results));
  expect(grads, Opcode.columnSums, 'ColumnSumsWord', {
    ...{ to: temporary(0), g: 700, x: 100, mean: 200, ...grouping, block },
  });
  expect(grads, Opcode.joinGrad, 'JoinGradWord', {
    ...{ to: temporary(1), partials: temporary(0), mean: 200, lost: 210, ...statistic, ...grouping, block },
  });
  expect(grads, Opcode.parameterGrads, 'ParameterGradsWord', {
    ...{ scaleGrad: 800, shiftGrad: 900, partials: temporary(0), lost: 210, variance: 300 },
    ...{ outer: 2, blocks: 13, groups: 5, inner: 7, epsilon: bits(0.25) },
  });
  expect(grads, Opcode.applyGrad, 'ApplyGradWord', {
    ...{ to: 600, g: 700, x: 100, coefficients: temporary(1), outer: 2, positions: 3000, columns: 35, block },
  });
});

test('normalisation by rows', () => {
  const grouping = { outer: 70, positions: 1, groups: 5, inner: 7 };
  const data = operand(100, [70, 35]);
  const [mean, variance] = [operand(200, [2, 70, 5]), operand(3000, [70, 5])];
  const [scale, shift] = [operand(400, [35]), operand(500, [35])];
  const [output, incoming] = [operand(600, [70, 35]), operand(700, [70, 35])];
  const moments = encode((to) => norm.moments(to, [data], { grouping }, [mean, variance]));
  expect(moments, Opcode.rowMoments, 'RowMomentsWord', {
    ...{ mean: 200, variance: 3000, x: 100, rows: 350, length: 7, share: 256 },
  });
  const rows = { mean: 200, lost: 200 + 350, variance: 3000, scale: 400, epsilon: bits(0.25) };
  const lines = { rows: 350, groups: 5, length: 7, share: 256 };
  const apply = encode((to) =>
    norm.normalize(to, [data, mean, variance, scale, shift], { grouping, eps: 0.25 }, [output]),
  );
  expect(apply, Opcode.applyRows, 'ApplyRowsWord', { to: 600, x: 100, ...rows, shift: 500, ...lines });
  const attrs = { grouping, eps: 0.25, fixed: true };
  const results = [output, operand(800, [35]), operand(900, [35])];
  const grads = encode((to) => norm.normalizeGrad(to, [incoming, data, mean, variance, scale], attrs, results));
  expect(grads, Opcode.rowGrad, 'RowGradWord', {
    ...{ to: 600, g: 700, x: 100, ...rows, partials: temporary(0), ...lines, fixed: 1 },
  });
  expect(grads, Opcode.rowParameterGrads, 'RowParameterGradsWord', {
    ...{ to: 800, partials: temporary(0), chunks: 2, wide: 36, columns: 35 },
  });
});

test('losses and Adam', () => {
  const [logits, target, into] = [operand(100, [30]), operand(200, [30]), operand(300, [30])];
  const posWeight = bits(1.5);
  const loss = encode((to) => lossFamily.bceWithLogits(to, [logits, target], { posWeight: 1.5 }, [into]));
  expect(loss, Opcode.bceWithLogits, 'BceWithLogitsWord', { to: 300, logits: 100, target: 200, size: 30, posWeight });
  const incoming = operand(400, [30]);
  const slope = encode((to) =>
    lossFamily.bceWithLogitsGrad(to, [incoming, logits, target], { posWeight: 1.5 }, [into]),
  );
  expect(slope, Opcode.bceWithLogitsGrad, 'BceWithLogitsGradWord', {
    ...{ to: 300, g: 400, logits: 100, target: 200, size: 30, posWeight },
  });
  const attrs = { form: 'torch', lr: 0.5, beta1: 0.75, beta2: 0.5, eps: 0.25, weightDecay: 0.125 } as const;
  const [read, written] = [
    [101, 102, 103, 104, 105],
    [106, 107, 108, 109],
  ];
  const at = (address: number): WasmOperand => operand(address, [30]);
  const step = encode((to) =>
    adam.adam(to, read.map(at), { ...attrs, decoupled: false, amsgrad: true, step: 1 }, written.map(at)),
  );
  expect(
    step,
    Opcode.adam,
    'AdamWord',
    {
      rate: bits((0.5 * Math.sqrt(0.5)) / 0.25),
      epsilon: bits(0.25 * Math.sqrt(0.5)),
      ...{ shrink: bits(1), decay: bits(0.125) },
      ...{ beta1: bits(0.75), rest1: bits(0.25), beta2: bits(0.5), rest2: bits(0.5), amsgrad: 1, count: 1 },
    },
    { tail: [30, ...read, ...written] },
  );
  const order = ['size', 'p', 'g', 'm', 'v', 'vmax', 'newP', 'newM', 'newV', 'newVmax', 'length'];
  assert.equal(namesOf(adamWords.ParameterWord), order);
  checked.add('ParameterWord');
});

test('every command and every enum of words was checked', () => {
  const enums = Object.keys(protocol).filter((name) => name.endsWith('Word'));
  assert.equal(
    enums.filter((name) => !checked.has(name)),
    [],
  );
  assert.equal(
    namesOf(Opcode as unknown as Numbers).filter((name) => !opcodes.has(Opcode[name as keyof typeof Opcode])),
    [],
  );
});

test('no two words or functions of an enum share a number', () => {
  for (const [name, words] of Object.entries(protocol)) {
    const numbers = namesOf(words).map((member) => words[member]);
    assert.is(new Set(numbers).size, numbers.length, name);
  }
});

test('the kernels read every word, and know every function, by its name', () => {
  const folder = new URL('../../src/device/wasm/assembly/', import.meta.url);
  const text = readdirSync(folder)
    .map((file) => readFileSync(new URL(file, folder), 'utf8'))
    .join('\n');
  const all: Record<string, Numbers> = { ...protocol, Control, Opcode } as never;
  // The kernels do not name these members. They compare with all others and take what is left.
  const others = ['NanCode.ignore', 'PickCode.last', 'ReduceCode.min'];
  const missing = Object.entries(all).flatMap(([name, words]) =>
    namesOf(words)
      .map((member) => `${name}.${member}`)
      .filter((member) => !others.includes(member) && !new RegExp(`\\b${member}\\b`).test(text)),
  );
  assert.equal(missing, []);
});

test.run();
