/** numpy's files, against files that numpy wrote (test/fixtures/gen_files.py). */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { zipSync } from 'fflate';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type CedarError, FormatError, ShapeError, ValueError } from '../../src/index.js';
import {
  decodeNpy,
  decodeNpz,
  encodeNpy,
  encodeNpz,
  loadNpy,
  loadNpz,
  type StoredTensor,
  saveNpy,
  saveNpz,
} from '../../src/io/index.js';
import { sameBits } from '../helpers/close.js';
import { filesExpected, filesFixture, filesPath, type Numbers } from '../helpers/files.js';

const npy = suite('npy');
const folder = mkdtempSync(join(tmpdir(), 'npy-'));
npy.after(() => rmSync(folder, { recursive: true }));

const refused = (call: () => unknown, says: RegExp, type: new (...args: never[]) => CedarError = FormatError) =>
  assert.throws(call, (e: unknown) => {
    assert.instance(e, type);
    assert.match((e as Error).message, says);
    return true;
  });
async function rejected(
  call: () => Promise<unknown>,
  says: RegExp,
  type: new (...args: never[]) => CedarError = FormatError,
): Promise<void> {
  const error = await call().then(
    () => undefined,
    (e: unknown) => e,
  );
  refused(
    () => {
      if (error !== undefined) throw error;
    },
    says,
    type,
  );
}

function equals({ shape, data }: StoredTensor, expected: Numbers, what: string): void {
  assert.equal(shape, expected.shape, what);
  sameBits(Float64Array.from(data), Float64Array.from(expected.values, Number), what);
}
const dtypeOf = (name: string): string =>
  name.startsWith('f8') ? 'float64' : name.startsWith('f') ? 'float32' : name.startsWith('b') ? 'bool' : 'int32';

for (const [name, expected] of Object.entries(filesExpected.npy))
  npy(`${name}.npy is read as numpy reads it`, async () => {
    const array = decodeNpy(filesFixture(`${name}.npy`));
    assert.is(array.dtype, dtypeOf(name));
    equals(array, expected, name);
    equals(await loadNpy(filesPath(`${name}.npy`)), expected, name);
  });

npy('what is written is what numpy writes, byte for byte', async () => {
  for (const name of ['f4', 'f8', 'i4', 'b1', 'f4-scalar', 'f4-empty']) {
    const bytes = filesFixture(`${name}.npy`);
    assert.equal(Buffer.from(encodeNpy(decodeNpy(bytes))), bytes, name);
    const path = join(folder, `${name}.npy`);
    await saveNpy(path, decodeNpy(bytes));
    assert.equal(readFileSync(path), bytes, name);
  }
  const half = filesFixture('f2.npy');
  assert.equal(Buffer.from(encodeNpy(decodeNpy(half), { dtype: 'float16' })), half);
});

const kinds: Readonly<Record<string, RegExp>> = {
  complex: /got '<c8'; complex numbers cannot be read/,
  object: /got '\|O'; Python objects cannot be read/,
  text: /got '<U2'; text cannot be read/,
  bytes: /got '\|S2'; bytes cannot be read/,
  date: /got '<M8\[D\]'; dates cannot be read/,
  structured: /got a structured type; save each field there as an array of its own/,
  long: /got '<f16'; floats of another size cannot be read/,
  'i8-large': /int64 is read as int32, so its values must fit; got data\[1\]=-2147483649/,
  'u4-large': /uint32 is read as int32, so its values must fit; got data\[0\]=2147483648/,
  'u8-large': /uint64 is read as int32, so its values must fit; got data\[0\]=18446744073709551615/,
};
npy('what has no counterpart here is refused by its kind', () => {
  assert.equal(Object.keys(filesExpected.refused).sort(), Object.keys(kinds).sort());
  for (const [name, says] of Object.entries(kinds)) refused(() => decodeNpy(filesFixture(`${name}.npy`)), says);
});

/** A file of any header. */
function file(header: string, body = new Uint8Array(0), version = 1): Uint8Array<ArrayBuffer> {
  const start = version === 1 ? 10 : 12;
  const text = new TextEncoder().encode(header);
  const out = new Uint8Array(start + text.length + body.length);
  out.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, version, 0]);
  const view = new DataView(out.buffer);
  if (version === 1) view.setUint16(8, text.length, true);
  else view.setUint32(8, text.length, true);
  out.set(text, start);
  out.set(body, start + text.length);
  return out;
}
const dictionary = (descr = "'<f4'", shape = '()', order = 'False') =>
  `{'descr': ${descr}, 'fortran_order': ${order}, 'shape': ${shape}, }\n`;

npy('headers in other spellings are read, and malformed ones are refused with the reason', () => {
  const four = Uint8Array.from([0, 0, 128, 63]);
  const one: StoredTensor = { dtype: 'float32', shape: [1, 1], data: new Float32Array([1]) };
  assert.equal(decodeNpy(file(`{"shape":(1L,1),"descr":"<f4","fortran_order":True}`, four)), one);
  assert.equal(decodeNpy(file(dictionary("'<f4'", '[1, 1]'), four, 3)), one);
  refused(
    () => decodeNpy(new Uint8Array(20)),
    /decodeNpy: a file must begin with numpy's signature; got 6 other bytes/,
  );
  refused(() => decodeNpy(filesFixture('two.npz')), /this is a zip: an \.npz, which loadNpz and decodeNpz read/);
  refused(() => decodeNpy(file('', four, 4)), /the version must be 1\.0, 2\.0 or 3\.0; got 4\.0/);
  refused(
    () => decodeNpy(filesFixture('f4.npy').subarray(0, 90)),
    /the header must lie within the file; got 118 bytes of 80/,
  );
  const long = file(dictionary().padEnd(70_000), four, 2);
  refused(() => decodeNpy(long), /the header must have at most 65535 bytes; got 70000/);
  refused(() => decodeNpy(file(dictionary('__import__("os")'))), /must be a dictionary of Python; got "__import__/);
  refused(() => decodeNpy(file('('.repeat(60_000))), /nesting of at most 16 was due/);
  refused(() => decodeNpy(file("{'descr': '<f4', 'descr': '<f4'}")), /another key than 'descr' once more was due/);
  refused(() => decodeNpy(file(`${dictionary()}1`)), /where one value was due/);
  refused(() => decodeNpy(file("{'descr': '<f4'}")), /must have descr, fortran_order and shape; got descr/);
  refused(() => decodeNpy(file('(1, 2)')), /must have descr, fortran_order and shape; got \[1,2\]/);
  refused(() => decodeNpy(file(dictionary("'|f4'"), four)), /must have a byte order; got '\|f4'/);
  refused(() => decodeNpy(file(dictionary("'=f4'"), four)), /descr must be one of b1, i1, .*; got '=f4'/);
  refused(() => decodeNpy(file(dictionary('7'), four)), /descr must be one of .*; got 7/);
  refused(() => decodeNpy(file(dictionary("'<f4'", '()', '1'), four)), /fortran_order must be True or False; got 1/);
  refused(() => decodeNpy(file(dictionary("'<f4'", '(-1,)'), four)), /shape must be a tuple .*; got \[-1\]/);
  refused(() => decodeNpy(file(dictionary("'<f4'", '(1)'), four)), /shape must be a tuple .*; got 1/);
  refused(
    () => decodeNpy(file(dictionary("'<f4'", '(2,)'), four)),
    /as long as .*; got 4 bytes for float32 \[2\]; .* cut/,
  );
  refused(() => decodeNpy(file(dictionary("'<f4'", `(${'99999999999999, '.repeat(3)})`), four)), /as long as/);
  refused(() => decodeNpy(file(dictionary("'<f4'", `(${'1, '.repeat(65)})`), four)), /at most 64 axes; got 65 axes/);
  refused(
    () => decodeNpy(file(dictionary("'|b1'"), Uint8Array.from([2]))),
    /bool bytes must be 0 or 1; got data\[0\]=2/,
  );
  refused(() => decodeNpy('a.npy' as never), /read the file first/, ValueError);
  const data = new Float32Array(2);
  refused(() => encodeNpy({ dtype: 'float32', shape: [3], data }), /encodeNpy: data must have as many/, ShapeError);
  const wide: StoredTensor = { dtype: 'float64', shape: [1], data: new Float64Array([1e9]) };
  refused(() => encodeNpy(wide, { dtype: 'float16' }), /float16 must be able to hold every number/, ValueError);
  refused(
    () => encodeNpy(wide, { dtype: 'bfloat16' as never }),
    /dtype must be float16; got dtype='bfloat16'/,
    ValueError,
  );
});

npy('random round trips', () => {
  const shapes = fc.array(fc.nat(4), { maxLength: 5 });
  fc.assert(
    fc.property(shapes, fc.nat(200), (shape, seed) => {
      const size = shape.reduce((n, s) => n * s, 1);
      const data = Int32Array.from({ length: size }, (_, i) => (i + 1) * (seed - 100));
      const stored: StoredTensor = { dtype: 'int32', shape, data };
      assert.equal(decodeNpy(encodeNpy(stored)), stored);
    }),
  );
});

// ---- several arrays

npy('npz: what numpy wrote is read, stored and compressed', async () => {
  const { npy: arrays } = filesExpected;
  const two = await decodeNpz(filesFixture('two.npz'));
  assert.equal(Object.keys(two).sort(), ['__proto__', 'arr_0', 'names']);
  for (const [name, source] of [
    ['arr_0', 'f4'],
    ['names', 'i8'],
    ['__proto__', 'b1'],
  ])
    equals(Object.getOwnPropertyDescriptor(two, name)?.value, arrays[source], name);
  assert.is(({} as { dtype?: string }).dtype, undefined);
  const compressed = await loadNpz(filesPath('compressed.npz'));
  assert.equal(compressed.zeros, { dtype: 'float32', shape: [100, 50], data: new Float32Array(5000) });
  assert.equal(
    compressed.steps.data,
    Int32Array.from({ length: 1000 }, (_, i) => i),
  );
});

const stored: StoredTensor = { dtype: 'float32', shape: [2], data: new Float32Array([1, 2]) };
npy('npz: round trips, stored and compressed, with any names', async () => {
  const arrays: Record<string, StoredTensor> = Object.fromEntries(
    ['a', '__proto__', 'toString', 'a/b', '../up', '/root', 'ключ', ''].map((name) => [name, stored]),
  );
  arrays.long = { dtype: 'int32', shape: [300_000], data: Int32Array.from({ length: 300_000 }, (_, i) => i >> 4) };
  const path = join(folder, 'all.npz');
  for (const compressed of [false, true]) {
    await saveNpz(path, arrays, { compressed });
    assert.equal(Object.entries(await loadNpz(path)), Object.entries(arrays));
    assert.equal(Buffer.from(await encodeNpz(arrays, { compressed })), readFileSync(path));
  }
  assert.ok(readFileSync(path).length < 1e6);
  const half = await decodeNpz(await encodeNpz({ a: stored }, { dtype: 'float16' }));
  assert.equal(half.a, stored);
  assert.equal(Object.keys(await decodeNpz(readFileSync(path), { skip: (name) => name !== 'a' })), ['a']);
});

/** A zip file with changes to its bytes: at offsets after the first place of a mark. */
function changed(bytes: Uint8Array, mark: number, at: number, ...values: number[]): Uint8Array {
  const out = Buffer.from(bytes);
  const place = out.indexOf(Buffer.from([0x50, 0x4b, mark & 255, mark >> 8]));
  assert.ok(place >= 0);
  out.set(values, place + at);
  return out;
}
const [local, entry, end] = [0x0403, 0x0201, 0x0605];

npy('npz: damaged, hostile and foreign zip files are refused with the reason', async () => {
  const bytes = await encodeNpz({ a: stored }, { compressed: true });
  const wrong: [() => Promise<unknown>, RegExp][] = [
    [() => decodeNpz(new Uint8Array(3)), /decodeNpz: a zip file must end with its directory; got 3 bytes/],
    [() => decodeNpz(bytes.subarray(0, -1)), /a zip file must end with its directory/],
    [() => decodeNpz(filesFixture('f4.npy')), /a zip file must end with its directory/],
    [() => decodeNpz(filesFixture('bzip2.npz')), /entries must be stored or deflated; got "a.npy": bzip2/],
    [
      () => decodeNpz(filesFixture('other.npz')),
      /must be an .npy; got "notes.txt"; skip: \["notes.txt"\] leaves it out/,
    ],
    [() => decodeNpz(changed(bytes, entry, 8, 1)), /entries must not be encrypted; got "a.npy"/],
    [() => decodeNpz(changed(bytes, entry, 10, 9)), /stored or deflated; got "a.npy": Deflate64/],
    [() => decodeNpz(changed(bytes, entry, 16, 1)), /an entry's checksum must be right; got "a.npy"/],
    [
      () => decodeNpz(changed(bytes, entry, 24, 255, 255, 255, 127)),
      /sizes must be possible; got "a.npy": \d+ bytes for 2/,
    ],
    [
      () => decodeNpz(changed(bytes, entry, 24, 137, 0)),
      /as long as the directory says; got "a.npy": 136 bytes for 137/,
    ],
    [() => decodeNpz(changed(bytes, entry, 42, 1)), /an entry must lie within the file/],
    [() => decodeNpz(changed(bytes, entry, 46, 98)), /an entry must have one name; got "b.npy" in the directory/],
    [() => decodeNpz(changed(bytes, entry, 46, 255)), /names must be UTF-8/],
    [() => decodeNpz(changed(bytes, local, 26, 255, 255)), /an entry must lie within the file/],
    [() => decodeNpz(changed(bytes, end, 10, 2)), /the directory must (lie within the file|list every entry)/],
    [() => decodeNpz(changed(bytes, end, 10, 0)), /the directory must list every entry; got 51 bytes after the last/],
    [() => decodeNpz(changed(bytes, end, 16, 255, 255)), /the directory must lie within the file/],
    [() => decodeNpz(changed(bytes, end, 4, 1)), /a zip file must have one part/],
  ];
  for (const [call, says] of wrong) await rejected(call, says);
  // The damage is within the deflated data.
  await rejected(() => decodeNpz(changed(bytes, local, 40, 255, 255, 255)), /an entry|as numpy|signature|dictionary/);
  const pair = await encodeNpz({ a: stored, b: stored });
  const at = Buffer.from(pair).lastIndexOf(Buffer.from([0x50, 0x4b, 1, 2]));
  const same = Buffer.from(pair);
  same.set([0, 0], at + 42);
  same[at + 46] = 97;
  await rejected(() => decodeNpz(same), /entries must not overlap; got "a.npy"/);
  const named = Buffer.from(pair);
  for (let i = named.indexOf('b.npy'); i >= 0; i = named.indexOf('b.npy')) named[i] = 97;
  await rejected(() => decodeNpz(named), /a name must not stand twice; got "a.npy"/);
  await rejected(() => loadNpz(join(folder, 'none')), /loadNpz: there must be a file to read/);
  await rejected(() => decodeNpz(pair, { skip: ['c'] }), /the names of skip must be in the file; got 'c'/, ValueError);
  await rejected(() => encodeNpz({ '\ud800': stored }), /names must be well-formed Unicode/, ValueError);
  await rejected(() => encodeNpz({ ['a'.repeat(70_000)]: stored }), /at most 65535 bytes; got 70004/, ValueError);
});

npy('npz: a small file that would unpack to very much is refused', async () => {
  const bomb = new Uint8Array(2 ** 28 + 2 ** 20);
  bomb.set(file(dictionary("'|u1'", `(${bomb.length - 64},)`).padEnd(54)));
  const zip = zipSync({ 'a.npy': bomb }, { level: 9 });
  assert.ok(zip.length < 2 ** 20);
  await rejected(
    () => decodeNpz(zip),
    /arrays must unpack to at most 268435456 bytes; got 269484032 bytes; raise maxBytes/,
  );
  const small = await encodeNpz(
    { a: { dtype: 'float32', shape: [1000], data: new Float32Array(1000) } },
    { compressed: true },
  );
  await rejected(() => decodeNpz(small, { maxBytes: 4000 }), /at most 4000 bytes; got 4128 bytes/);
  assert.is((await decodeNpz(small, { maxBytes: 4128 })).a.data.length, 1000);
  // A header that promises less than the directory is found before the rest is unpacked.
  const liar = new Uint8Array(2 ** 20);
  liar.set(file(dictionary("'|u1'", '(5,)')));
  await rejected(
    () => decodeNpz(zipSync({ 'a.npy': liar })),
    /as long as descr and shape need; got "a": 10485\d\d bytes/,
  );
});

npy('a file that is written may be read again from disk', async () => {
  const path = join(folder, 'b.npy');
  writeFileSync(path, encodeNpy(stored));
  assert.equal(await loadNpy(path), stored);
});

npy.run();
