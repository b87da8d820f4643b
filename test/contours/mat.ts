/** MATLAB files: both byte orders, compression, every error. Not here: BSDS folders (bsds.ts). */
import { readFileSync } from 'node:fs';
import { deflateSync } from 'node:zlib';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type MatCell, type MatNumbers, type MatStruct, readMat } from '../../examples/contours/data/mat.js';
import { FormatError } from '../../src/errors.js';

const test = suite('contours/mat');
const fixture = (name: string): Uint8Array =>
  readFileSync(new URL(`../fixtures/bsds/groundTruth/test/${name}.mat`, import.meta.url));

/** Words of 32 bits as bytes. */
function words(isLittle: boolean, list: readonly number[]): number[] {
  const view = new DataView(new ArrayBuffer(4 * list.length));
  list.forEach((word, i) => {
    view.setUint32(4 * i, word, isLittle);
  });
  return [...new Uint8Array(view.buffer)];
}
const header = (isLittle: boolean, version = 0x0100, mark = isLittle ? 'IM' : 'MI'): number[] => {
  const text = 'MATLAB 5.0 MAT-file'.padEnd(124);
  const order = isLittle ? [version & 0xff, version >> 8] : [version >> 8, version & 0xff];
  return [...Buffer.from(text), ...order, ...Buffer.from(mark)];
};
/**
 * The array 'a' = [5 7] of uint8: flags (6, 8 bytes), dimensions (5, 8 bytes), then the name and
 * the data as small elements, whose first word is the size times 65536 plus the type.
 */
const matrix = (isLittle: boolean, flags = 9, columns = 2): number[] => {
  const w = (...list: number[]) => words(isLittle, list);
  const inner = [
    ...w(6, 8, flags, 0),
    ...w(5, 8, 1, columns),
    ...[...w(0x10001), 0x61, 0, 0, 0],
    ...[...w(0x20002), 5, 7, 0, 0],
  ];
  return [...w(14, inner.length), ...inner];
};
const file = (...parts: number[][]): Uint8Array => Uint8Array.from(parts.flat());
const refused = (bytes: Uint8Array, message: RegExp): void =>
  assert.throws(
    () => readMat(bytes),
    (error: Error) => error instanceof FormatError && message.test(error.message),
  );

for (const isLittle of [true, false])
  test(`an array written by hand, ${isLittle ? 'little' : 'big'} endian`, () => {
    const expected = { kind: 'numbers', shape: [1, 2], data: Float64Array.of(5, 7), isLogical: false };
    assert.equal([...readMat(file(header(isLittle), matrix(isLittle)))], [['a', expected]]);
    const packed = [...deflateSync(Uint8Array.from(matrix(isLittle)))];
    const compressed = [...words(isLittle, [15, packed.length]), ...packed];
    // A second variable follows without padding.
    const logical = matrix(isLittle, 0x209);
    logical[8 + 16 + 16 + 4] = 0x62;
    const both = readMat(file(header(isLittle), compressed, logical));
    assert.equal(
      [...both],
      [
        ['a', expected],
        ['b', { ...expected, isLogical: true }],
      ],
    );
  });

test('numbers of every type', () => {
  const cases: [type: number, size: number, write: (view: DataView) => void, number: number][] = [
    [1, 1, (view) => view.setInt8(0, -3), -3],
    [2, 1, (view) => view.setUint8(0, 200), 200],
    [3, 2, (view) => view.setInt16(0, -300, true), -300],
    [4, 2, (view) => view.setUint16(0, 60000, true), 60000],
    [5, 4, (view) => view.setInt32(0, -70000, true), -70000],
    [6, 4, (view) => view.setUint32(0, 4e9, true), 4e9],
    [7, 4, (view) => view.setFloat32(0, 0.5, true), 0.5],
    [9, 8, (view) => view.setFloat64(0, 0.1, true), 0.1],
    [12, 8, (view) => view.setBigInt64(0, -(2n ** 40n), true), -(2 ** 40)],
    [13, 8, (view) => view.setBigUint64(0, 2n ** 63n, true), 2 ** 63],
  ];
  for (const [type, size, write, number] of cases) {
    const view = new DataView(new ArrayBuffer(8));
    write(view);
    const data = [...words(true, [type, size]), ...new Uint8Array(view.buffer)];
    const inner = [...words(true, [6, 8, 6, 0, 5, 8, 1, 1, 1, 0]), ...data];
    const value = readMat(file(header(true), words(true, [14, inner.length]), inner)).get('') as MatNumbers;
    assert.equal([...value.data], [number], `type ${type}`);
  }
});

test('cells of structs, in MATLAB’s order', () => {
  // The rule of gen_bsds.py, at row y and column x.
  const label = (a: number, y: number, x: number): number => 1 + Number(3 * x + y > 26 + 4 * a) + Number(y - x > 6 - a);
  for (const [name, height, width, count] of [
    ['1001', 16, 20, 3],
    ['2002', 20, 16, 1],
  ] as const) {
    const cell = readMat(fixture(name)).get('groundTruth') as MatCell;
    assert.equal([cell.kind, cell.shape], ['cell', [1, count]]);
    cell.values.forEach((value, a) => {
      const { kind, shape, elements } = value as MatStruct;
      assert.equal([kind, shape, [...elements[0].keys()]], ['struct', [1, 1], ['Segmentation', 'Boundaries']]);
      const labels = elements[0].get('Segmentation') as MatNumbers;
      assert.equal([labels.shape, labels.isLogical], [[height, width], false]);
      const expected = Array.from(labels.data, (_, i) => label(a, i % height, Math.floor(i / height)));
      assert.equal([...labels.data], expected);
      assert.is((elements[0].get('Boundaries') as MatNumbers).isLogical, true);
    });
  }
});

test('a file that is cut short is refused at every length', () => {
  for (const name of ['1001', '2002']) {
    const bytes = fixture(name);
    // 128 bytes are a file without variables.
    for (let length = 0; length < bytes.length; length++)
      if (length !== 128) refused(bytes.subarray(0, length), /readMat: .*(cut short|compressed)/);
    assert.is(readMat(bytes.subarray(0, 128)).size, 0);
  }
});

test('other files are refused by name', () => {
  const little = header(true);
  refused(file([...Buffer.from('MATLAB 7.3 MAT-file'.padEnd(512))]), /level 5; got a file of version 7\.3; save it/);
  refused(file([0x89, ...Buffer.from('HDF\r\n'), ...Array(200).fill(0)]), /version 7\.3/);
  refused(file(header(true, 0x0100, 'XX')), /must be 'IM' or 'MI'.* got "XX"/);
  refused(file(header(false, 0x0200)), /version must be 0x0100; got 0x0200/);
  refused(file(little, matrix(true, 4)), /got 'a' of class char/);
  refused(file(little, matrix(true, 5)), /got 'a' of class sparse/);
  refused(file(little, matrix(true, 17)), /got 'a' of class 17/);
  refused(file(little, matrix(true, 0x809)), /must be real; got 'a'/);
  refused(file(little, matrix(true, 9, 3)), /got 2 for \[1,3\] of 'a'/);
  refused(file(little, matrix(true, 1, 2 ** 30)), /cut short/);
  refused(file(little, words(true, [9, 0])), /must be a matrix element; got an element of type 9/);
  refused(file(little, words(true, [15, 8, 1, 2])), /compressed element must be sound/);
  refused(file(little, words(true, [0x50001, 0])), /at most 4 bytes; got 5/);
});

test('deep nesting is refused', () => {
  let inner = matrix(true);
  for (let depth = 0; depth < 40; depth++) {
    // A cell of 1 × 1 without a name.
    const cell = [...words(true, [6, 8, 1, 0, 5, 8, 1, 1, 1, 0]), ...inner];
    inner = [...words(true, [14, cell.length]), ...cell];
  }
  refused(file(header(true), inner), /at most 32 deep/);
});

test.run();
