import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type CedarError, FormatError, ShapeError, ValueError } from '../../src/errors.js';
import { zeros } from '../../src/index.js';
import { decodeSafetensors, encodeSafetensors } from '../../src/io/safetensors.js';
import type { StoredTensor } from '../../src/io/stored.js';
import { sameBits } from '../helpers/close.js';
import { filesExpected, filesFixture } from '../helpers/files.js';

const safetensors = suite('safetensors');

const some: Record<string, StoredTensor> = {
  mask: { dtype: 'bool', shape: [3], data: new Uint8Array([1, 0, 1]) },
  'conv1.weight': { dtype: 'float32', shape: [2, 2], data: new Float32Array([1.5, -0, Infinity, 3]) },
  steps: { dtype: 'int32', shape: [], data: new Int32Array([-7]) },
  exact: { dtype: 'float64', shape: [1, 2], data: new Float64Array([0.1, 1e300]) },
  none: { dtype: 'float32', shape: [0, 4], data: new Float32Array(0) },
};

/** A file of any header and body. */
function file(header: unknown, body = new Uint8Array(0), length?: bigint): Uint8Array {
  const text = new TextEncoder().encode(typeof header === 'string' ? header : JSON.stringify(header));
  const out = new Uint8Array(8 + text.length + body.length);
  new DataView(out.buffer).setBigUint64(0, length ?? BigInt(text.length), true);
  out.set(text, 8);
  out.set(body, 8 + text.length);
  return out;
}

safetensors('round trip of every dtype, rank 0, no elements, metadata', () => {
  const bytes = encodeSafetensors(some, { format: 'cedargrad', ключ: 'значение' });
  const back = decodeSafetensors(bytes);
  assert.equal(back.tensors, some);
  for (const [name, { data }] of Object.entries(some)) sameBits(back.tensors[name].data, data, name);
  assert.equal(Object.keys(back.tensors), Object.keys(some));
  assert.equal(back.metadata, { format: 'cedargrad', ключ: 'значение' });
  assert.equal(decodeSafetensors(encodeSafetensors({})), { tensors: {}, metadata: {} });
});

safetensors('the header is padded to 8 bytes and wide types come first', () => {
  const bytes = encodeSafetensors(some);
  const length = Number(new DataView(bytes.buffer).getBigUint64(0, true));
  assert.is(length % 8, 0);
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length)));
  assert.equal(header.exact.data_offsets, [0, 16]);
  assert.equal(header.mask.data_offsets, [36, 39]);
});

// github.com/huggingface/safetensors, "Format": 8 bytes of little-endian length, JSON padded with
// spaces, and the raw values.
safetensors('the layout is the published one', () => {
  const text = '{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}  ';
  assert.equal(
    encodeSafetensors({ w: { dtype: 'float32', shape: [1], data: new Float32Array([1]) } }),
    file(text, new Uint8Array([0, 0, 128, 63])),
  );
});

safetensors('reads from any offset of a larger buffer', () => {
  const bytes = encodeSafetensors(some);
  for (let shift = 0; shift < 9; shift++) {
    const pool = Buffer.alloc(bytes.length + 20, 255);
    pool.set(bytes, shift);
    assert.equal(decodeSafetensors(pool.subarray(shift, shift + bytes.length)).tensors, some);
  }
});

safetensors('names that clash with object internals survive', () => {
  const one: StoredTensor = { dtype: 'int32', shape: [1], data: new Int32Array([4]) };
  const back = decodeSafetensors(
    encodeSafetensors(
      Object.fromEntries([
        ['__proto__', one],
        ['constructor', one],
      ]),
    ),
  );
  assert.equal(Object.entries(back.tensors), [
    ['__proto__', one],
    ['constructor', one],
  ]);
});

safetensors('random round trips', () => {
  fc.assert(
    fc.property(
      fc.dictionary(fc.string(), fc.float64Array({ maxLength: 9, noNaN: true })),
      fc.dictionary(fc.string(), fc.string()),
      (arrays, metadata) => {
        const tensors = Object.fromEntries(
          Object.entries(arrays)
            .filter(([name]) => name !== '__metadata__')
            .map(([name, a]) => [name, { dtype: 'float64', shape: [a.length], data: new Float64Array(a) } as const]),
        );
        const back = decodeSafetensors(encodeSafetensors(tensors, metadata));
        assert.equal(Object.entries(back.tensors), Object.entries(tensors));
        assert.equal(Object.entries(back.metadata), Object.entries(metadata));
      },
    ),
  );
});

const refused = (bytes: Uint8Array, message: string | RegExp) =>
  assert.throws(
    () => decodeSafetensors(bytes),
    (e: unknown) => {
      assert.instance(e, FormatError);
      if (typeof message === 'string') assert.is((e as Error).message, `decodeSafetensors: ${message}`);
      else assert.match((e as Error).message, message);
      return true;
    },
  );

safetensors('malformed files are refused, each with its reason', () => {
  const w = (entry: object) => ({ w: { dtype: 'F32', shape: [1], data_offsets: [0, 4], ...entry } });
  const four = new Uint8Array(4);
  refused(new Uint8Array(7), 'a file must begin with the 8-byte length of its header; got 7 bytes');
  refused(
    file('{}', four, 9n),
    'the header must lie within the file; got 9 bytes of 6; the file is cut short, or not safetensors',
  );
  refused(file('{}', four, 2n ** 64n - 1n), /the header must lie within the file/);
  refused(file('{"a":'), /the header must be JSON in UTF-8/);
  refused(file('{"a'.padEnd(8, ' '), new Uint8Array([0xff])), /the header must be JSON in UTF-8/);
  refused(file('[1]'), 'the header must be a JSON object; got [1]');
  refused(file({ w: 3 }), 'a tensor must be described by a JSON object; got "w": 3');
  const known = 'BOOL, I8, I16, I32, I64, U8, U16, U32, U64, F16, BF16, F32, F64';
  refused(
    file(w({ dtype: 'F8_E4M3' }), four),
    `dtype must be one of ${known}; got "w": "F8_E4M3"; skip: ["w"] leaves it out`,
  );
  refused(file(w({ dtype: undefined }), four), `dtype must be one of ${known}; got "w": nothing`);
  refused(file(w({ shape: [-1] }), four), 'shape must be a list of whole, non-negative sizes; got "w": [-1]');
  refused(file(w({ data_offsets: [0, 8] }), four), 'data_offsets must be a range within 4 bytes; got "w": [0,8]');
  refused(file(w({ data_offsets: [4, 0] }), four), 'data_offsets must be a range within 4 bytes; got "w": [4,0]');
  refused(
    file(w({ shape: [2] }), four),
    'data_offsets must span the bytes that dtype and shape need; got "w": 4 bytes for float32 [2]',
  );
  refused(file(w({ shape: [2 ** 40, 2 ** 40] }), four), /must span the bytes/);
  refused(
    file({ ...w({}), v: w({}).w }, four),
    'tensors must fill the file without gap or overlap; got "v" from byte 0, where 4 was due',
  );
  refused(
    file(w({ data_offsets: [4, 8] }), new Uint8Array(8)),
    'tensors must fill the file without gap or overlap; got "w" from byte 4, where 0 was due',
  );
  refused(
    file(w({}), new Uint8Array(5)),
    'tensors must fill the file without gap or overlap; got 1 bytes after the last',
  );
  refused(
    file(w({ dtype: 'BOOL', data_offsets: [0, 1] }), new Uint8Array([2])),
    'bool bytes must be 0 or 1; got "w"[0]=2',
  );
  refused(file({ __metadata__: { a: 1 } }), 'metadata must be text; got "a": 1');
  refused(file({ __metadata__: [] }), 'metadata must be a JSON object; got []');
});

safetensors('names that stand twice are refused, however they are written', () => {
  const entry = (from: number, more = ''): string =>
    `{"dtype":"F32","shape":[1],"data_offsets":[${from},${from + 4}]${more}}`;
  const eight = new Uint8Array(8);
  const twice = 'a name must not stand twice in one object; got';
  refused(file(`{"w":${entry(0)},"w":${entry(4)}}`, eight), `${twice} "w"`);
  refused(file(`{"w" :${entry(0)}, "\\u0077"\n: ${entry(4)}}`, eight), `${twice} "\\u0077"`);
  refused(file(`{"__metadata__":{},"__metadata__":{}}`), `${twice} "__metadata__"`);
  refused(file(`{"__metadata__":{"a":"1","a":"2"}}`), `${twice} "a"`);
  refused(file(`{"w":${entry(0, ',"dtype":"I32"')}}`, new Uint8Array(4)), `${twice} "dtype"`);
  // The same text elsewhere, in a string or in another object, is no second name.
  const sound = file(`{"w":${entry(0)},"v":${entry(4)},"__metadata__":{"w":"v","v":"\\"v\\":\\\\"}}`, eight);
  assert.equal(Object.keys(decodeSafetensors(sound).tensors), ['w', 'v']);
  assert.is(decodeSafetensors(sound).metadata.v, '"v":\\');
});

safetensors('deep nesting, sizes of minus zero and halves of surrogate pairs are refused', () => {
  for (const deep of ['['.repeat(100_000) + ']'.repeat(100_000), `{"w":${'['.repeat(40)}1${']'.repeat(40)}}`])
    refused(file(deep), /^decodeSafetensors: JSON must not nest deeper than 32; got depth 33 at character \d+$/);
  refused(
    file('{"w":{"dtype":"F32","shape":[-0],"data_offsets":[0,0]}}'),
    /^decodeSafetensors: shape must be a list of whole, non-negative sizes; got "w"/,
  );
  refused(
    file('{"\\ud800":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}}'),
    'text must be well-formed Unicode; got "\\ud800"',
  );
  refused(file('{"__metadata__":{"a":"\\udc00"}}'), 'text must be well-formed Unicode; got "\\udc00"');
  assert.is(decodeSafetensors(file('{"__metadata__":{"a":"\\ud83c\\udf32"}}')).metadata.a, '🌲');
});

safetensors('a zip file is named', () => {
  // What torch.save and numpy.savez begin with.
  const zip = Buffer.concat([Buffer.from('504b0304000008080000', 'hex'), Buffer.alloc(60)]);
  refused(
    zip,
    /; this is a zip: PyTorch's \.pt or numpy's \.npz; loadNpz reads an \.npz, and a \.pt must be saved as safetensors there$/,
  );
});

safetensors('an ArrayBuffer is read, and what is no bytes is refused with a hint', () => {
  const bytes = encodeSafetensors(some);
  assert.equal(decodeSafetensors(bytes.buffer), decodeSafetensors(bytes));
  const shared = new Uint8Array(new SharedArrayBuffer(bytes.length));
  shared.set(bytes);
  assert.equal(decodeSafetensors(shared.buffer), decodeSafetensors(bytes));
  const rule = 'decodeSafetensors: bytes must be a Uint8Array or an ArrayBuffer; ';
  for (const [value, says] of [
    [null, 'got null'],
    [new Response('x'), 'got a Response; pass await response.arrayBuffer()'],
    ['model.safetensors', "got 'model.safetensors'; read the file first: await readFile(path) of 'node:fs/promises'"],
    [new Float32Array(2), 'got a Float32Array'],
  ] as const)
    assert.throws(
      () => decodeSafetensors(value as unknown as Uint8Array),
      (e: unknown) => e instanceof ValueError && e.message === rule + says,
    );
});

safetensors('damage is never anything but a FormatError', () => {
  const sound = encodeSafetensors(some, { a: 'b' });
  const tolerate = (bytes: Uint8Array) => {
    try {
      decodeSafetensors(bytes);
    } catch (error) {
      assert.instance(error, FormatError);
    }
  };
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(sound.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 }),
      fc.nat(sound.length),
      (changes, cut) => {
        const bytes = sound.slice();
        for (const [at, value] of changes) bytes[at] = value;
        tolerate(bytes);
        assert.throws(
          () => decodeSafetensors(sound.subarray(0, Math.min(cut, sound.length - 1))),
          (e: unknown) => e instanceof FormatError,
        );
      },
    ),
    { numRuns: 2000 },
  );
  fc.assert(fc.property(fc.uint8Array({ maxLength: 64 }), tolerate));
  fc.assert(fc.property(fc.json(), fc.uint8Array({ maxLength: 16 }), (header, body) => tolerate(file(header, body))));
});

safetensors('what cannot be written is refused', () => {
  const bad = (tensors: Record<string, StoredTensor>, type: new (...args: never[]) => CedarError, message: string) =>
    assert.throws(
      () => encodeSafetensors(tensors),
      (e: unknown) => e instanceof type && e.message === `encodeSafetensors: ${message}`,
    );
  const data = new Float32Array(2);
  bad(
    { w: { dtype: 'float32', shape: [3], data } },
    ShapeError,
    'data must have as many elements as shape; got w: 2 elements, shape=[3]',
  );
  bad(
    { w: { dtype: 'int32', shape: [2], data } },
    ValueError,
    'data must be of its dtype; got w: Float32Array for int32',
  );
  bad(
    { __metadata__: { dtype: 'float32', shape: [2], data } },
    ValueError,
    'the name __metadata__ is reserved; got __metadata__',
  );
  bad(
    { w: { dtype: 'bool', shape: [2], data: new Uint8Array([1, 2]) } },
    ValueError,
    'bool data must be 0 or 1; got w: 2',
  );
  const lone = { dtype: 'float32', shape: [2], data } as const;
  const rule = 'names and metadata must be well-formed Unicode; got';
  bad({ '\ud800': lone }, ValueError, `${rule} "\\ud800"`);
  // A state dictionary of tensors, as users try first.
  bad(
    { w: zeros([2]) as unknown as StoredTensor },
    ValueError,
    'a stored tensor must be { dtype, shape, data } with a typed array as data; got w=a Tensor; ' +
      'of a tensor t store { dtype: t.dtype, shape: t.shape, data: await t.data() }',
  );
  for (const metadata of [{ a: 'x\udc00' }, { '\udc00': 'x' }] as Record<string, string>[])
    assert.throws(
      () => encodeSafetensors({}, metadata),
      (e: unknown) => e instanceof ValueError && e.message.startsWith(`encodeSafetensors: ${rule}`),
    );
  assert.throws(
    () => encodeSafetensors({}, { a: 1 as unknown as string }),
    (e: unknown) => e instanceof ValueError,
  );
});

// ---- types of numbers

const { every, float16, bfloat16 } = filesExpected;
const dtypeOf = (name: string) =>
  name === 'bool' || name === 'float64' ? name : name.includes('float') ? 'float32' : 'int32';

safetensors('every type of numbers is read as numpy and PyTorch read it', () => {
  const { tensors } = decodeSafetensors(filesFixture('every.safetensors'));
  assert.equal(Object.keys(tensors).sort(), Object.keys(every).sort());
  for (const [name, { shape, values }] of Object.entries(every)) {
    assert.is(tensors[name].dtype, dtypeOf(name), name);
    assert.equal(tensors[name].shape, shape, name);
    sameBits(Float64Array.from(tensors[name].data), Float64Array.from(values, Number), name);
  }
});

safetensors('a number that int32 cannot hold is refused by name, and its tensor can be skipped', () => {
  const bytes = filesFixture('wide.safetensors');
  refused(
    bytes,
    'int64 is read as int32, so its values must fit; got "large"[1]=2147483648; skip: ["large"] leaves the tensor out',
  );
  for (const skip of [['large'], (name: string) => name.startsWith('l')])
    assert.equal(decodeSafetensors(bytes, { skip }).tensors, {
      small: { dtype: 'int32', shape: [2], data: new Int32Array([1, 2]) },
    });
  const entry = (dtype: string, body: Uint8Array<ArrayBuffer>) =>
    file({ w: { dtype, shape: [1], data_offsets: [0, body.length] } }, body);
  const ones = (n: number) => new Uint8Array(n).fill(255);
  refused(entry('U32', ones(4)), /uint32 is read as int32, .*\[0\]=4294967295/);
  refused(entry('U64', ones(8)), /uint64 is read as int32, .*\[0\]=18446744073709551615/);
  refused(entry('I64', Uint8Array.from([0, 0, 0, 128, 0, 0, 0, 0])), /\[0\]=2147483648/);
  refused(entry('I64', Uint8Array.from([255, 255, 255, 127, 255, 255, 255, 255])), /\[0\]=-2147483649/);
  assert.equal(decodeSafetensors(entry('I64', ones(8))).tensors.w.data, new Int32Array([-1]));
});

safetensors('a dtype of another kind can be skipped, and skip is checked', () => {
  const odd = file({ w: { dtype: 'F4', shape: [8], data_offsets: [0, 4] } }, new Uint8Array(4));
  assert.equal(decodeSafetensors(odd, { skip: ['w'] }).tensors, {});
  const skipping = (skip: unknown) => () => decodeSafetensors(odd, { skip } as never);
  const wrong = (says: RegExp) => (e: unknown) => e instanceof ValueError && says.test(e.message);
  assert.throws(skipping(['v']), wrong(/the names of skip must be in the file; got 'v'/));
  assert.throws(skipping('w'), wrong(/skip must be names, or a function of a name; got skip='w'/));
  assert.throws(skipping([1]), wrong(/skip must be names/));
  assert.throws(
    skipping(() => 1),
    wrong(/skip must return true or false; got 1 for 'w'/),
  );
});

safetensors('floats are written in 16 bits as numpy and PyTorch round them', () => {
  const cases = [
    ['float16', 'float64', new Float64Array(float16.values.map(Number)), float16.bits],
    ['bfloat16', 'float32', new Float32Array(bfloat16.values.map(Number)), bfloat16.bits],
  ] as const;
  for (const [half, dtype, data, bits] of cases) {
    // What overflows is refused below.
    const rows = [...data.keys()].filter((i) => (bits[i] & 0x7fff) < (half === 'float16' ? 0x7c00 : 0x7f80));
    assert.ok(rows.length > 300, `${rows.length}`);
    const sound = data.filter((_, i) => rows.includes(i));
    const stored = { dtype, shape: [sound.length], data: sound } as StoredTensor;
    const bytes = encodeSafetensors({ w: stored, n: some.steps }, undefined, { dtype: half });
    const body = bytes.slice(bytes.length - 2 * sound.length);
    assert.equal(
      [...new Uint16Array(body.buffer)],
      rows.map((i) => bits[i]),
      half,
    );
    assert.equal(decodeSafetensors(bytes).tensors.n, some.steps);
  }
});

safetensors('infinities and NaN survive in 16 bits, and what would become infinite is refused', () => {
  const one = (value: number) => ({ w: { dtype: 'float64', shape: [1], data: new Float64Array([value]) } }) as const;
  for (const dtype of ['float16', 'bfloat16'] as const)
    for (const value of [Infinity, -Infinity, Number.NaN, -0])
      assert.ok(
        Object.is(decodeSafetensors(encodeSafetensors(one(value), undefined, { dtype })).tensors.w.data[0], value),
        `${dtype} ${value}`,
      );
  for (const [dtype, value, says] of [
    ['float16', 65520, "got w[0]=65520; dtype: 'bfloat16' holds larger numbers"],
    ['bfloat16', -3.4e38, 'got w[0]=-3.4e+38; leave dtype out'],
  ] as const)
    assert.throws(
      () => encodeSafetensors(one(value), undefined, { dtype }),
      (e: unknown) =>
        e instanceof ValueError && e.message.endsWith(`${dtype} must be able to hold every number; ${says}`),
    );
  assert.throws(
    () => encodeSafetensors({}, undefined, { dtype: 'float8' as never }),
    (e: unknown) => e instanceof ValueError && /dtype must be float16 or bfloat16; got dtype='float8'/.test(e.message),
  );
});

safetensors.run();
