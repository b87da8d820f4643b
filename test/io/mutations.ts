/**
 * Files with bytes changed, put in, taken out or cut off: each is a FormatError or a sound result.
 * Nothing larger than the file's own size class is allocated, no object's prototype changes, and an
 * index opens no file outside its folder. There are 10,000 changes of each kind of file;
 * MUTATIONS in the environment gives another number. Not here: the messages (safetensors.ts,
 * npy.ts).
 */
import fs from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { StoredTensor } from '../../src/io/index.js';
import { filesFixture } from '../helpers/files.js';

const test = suite('mutations');
const count = Number(process.env.MUTATIONS ?? 10_000);

// ---- what is watched; the library and fflate are imported after the constructors are replaced

/** The bytes of the largest array that was made of a length. */
let largest = 0;
const watched = (
  name: 'Uint8Array' | 'Uint16Array' | 'Uint32Array' | 'Int32Array' | 'Float32Array' | 'Float64Array',
) => {
  const real = globalThis[name];
  const watching: typeof real = new Proxy(real, {
    construct(target, given: unknown[], made): object {
      if (typeof given[0] === 'number') largest = Math.max(largest, given[0] * real.BYTES_PER_ELEMENT);
      return Reflect.construct(target, given, made === watching ? target : made);
    },
  });
  Object.assign(globalThis, { [name]: watching });
};
for (const name of ['Uint8Array', 'Uint16Array', 'Uint32Array', 'Int32Array', 'Float32Array', 'Float64Array'] as const)
  watched(name);
const { FormatError } = await import('../../src/index.js');
const io = await import('../../src/io/index.js');

/** The folders of all files that were opened. */
const opened = new Set<string>();
const { open, readFile } = fs;
const note = (path: unknown): void => void opened.add(dirname(String(path)));
Object.assign(fs, {
  open: (path: string, ...rest: []) => {
    note(path);
    return open(path, ...rest);
  },
  readFile: (path: string, ...rest: []) => {
    note(path);
    return readFile(path, ...rest);
  },
});
syncBuiltinESMExports();

// ---- changes

/** Numbers below a limit, the same in every run (Marsaglia's xorshift). */
function numbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

const tokens = [
  '"',
  '[',
  ']',
  '{',
  '}',
  ',',
  ':',
  '-1',
  '1e9',
  'null',
  '"__proto__"',
  "'",
  '(',
  ')',
  'True',
  '../x',
  '/',
];
/** A file with one to four changes. */
function mutated(bytes: Uint8Array, next: (below: number) => number): Buffer {
  let out = Buffer.from(bytes);
  for (let left = 1 + next(4); left > 0; left--) {
    const at = next(out.length + 1);
    const put = (middle: Uint8Array, removed: number): void => {
      out = Buffer.concat([out.subarray(0, at), middle, out.subarray(at + removed)]);
    };
    const kind = next(9);
    if (kind < 3) put(Buffer.from([next(256)]), 1);
    else if (kind === 3) put(Buffer.from([(out[at] ?? 0) ^ (1 << next(8))]), 1);
    else if (kind === 4) put(Buffer.alloc(1 << next(4), next(2) * 255), 1 << next(4));
    else if (kind === 5) put(Buffer.from(tokens[next(tokens.length)] as string), next(3));
    else if (kind === 6) put(Buffer.alloc(0), 1 + next(16));
    else if (kind === 7) put(out.subarray(next(out.length + 1)).subarray(0, next(64)), 0);
    else if (next(4) === 0) out = out.subarray(0, at);
  }
  return out;
}

/** Runs a reader on changed files. Returns how many were sound. */
async function run(
  bytes: Uint8Array,
  seed: number,
  expansion: number,
  read: (changed: Buffer) => unknown,
  check: (result: unknown) => void,
): Promise<number> {
  const next = numbers(seed);
  let sound = 0;
  for (let i = 0; i < count; i++) {
    const changed = mutated(bytes, next);
    largest = 0;
    let result: unknown;
    let thrown: unknown;
    try {
      result = await read(changed);
    } catch (error) {
      thrown = error;
    }
    const what = `change ${i}: ${thrown}`;
    assert.ok(largest <= expansion * changed.length + 2 ** 19, `${largest} bytes for ${changed.length}; ${what}`);
    assert.equal(Object.keys(Object.prototype), [], what);
    if (thrown === undefined) {
      check(result);
      sound++;
    } else {
      assert.instance(thrown, FormatError, what);
      assert.ok((thrown as InstanceType<typeof FormatError>).got.length > 0, what);
    }
  }
  return sound;
}

function isSound({ dtype, shape, data }: StoredTensor): void {
  assert.is(
    shape.reduce((a, b) => a * b, 1),
    data.length,
  );
  assert.is(
    data.constructor.name,
    { float32: 'Float32Array', float64: 'Float64Array', int32: 'Int32Array', bool: 'Uint8Array' }[dtype],
  );
  if (dtype === 'bool') assert.ok(data.every((v) => v < 2));
}
const allSound = (result: unknown): void => Object.values(result as Record<string, StoredTensor>).forEach(isSound);

for (const [i, name] of ['every', 'image-f16'].entries())
  test(`safetensors: ${name}`, async () => {
    const bytes = filesFixture(`${name}.safetensors`);
    const sound = await run(bytes, i + 1, 4, (changed) => io.decodeSafetensors(changed).tensors, allSound);
    assert.ok(sound > count / 50 && sound < count, `${sound} of ${count} were sound`);
  });

for (const [i, name] of ['f4-fortran', 'i8-big', 'b1'].entries())
  test(`npy: ${name}`, async () => {
    const bytes = filesFixture(`${name}.npy`);
    const sound = await run(
      bytes,
      i + 11,
      4,
      (changed) => io.decodeNpy(changed),
      (result) => {
        isSound(result as StoredTensor);
        assert.equal(Object.keys(result as object), ['dtype', 'shape', 'data']);
      },
    );
    assert.ok(sound > count / 100 && sound < count, `${sound} of ${count} were sound`);
  });

for (const [i, name] of ['two', 'compressed'].entries())
  test(`npz: ${name}: what is read is what was written, by its checksum`, async () => {
    const bytes = filesFixture(`${name}.npz`);
    const arrays = Object.values(await io.decodeNpz(bytes)).map((array) => JSON.stringify(array));
    // Deflated data may be a thousand times smaller, and no more.
    const sound = await run(
      bytes,
      i + 21,
      1032,
      (changed) => io.decodeNpz(changed),
      (result) => {
        for (const array of Object.values(result as object)) assert.ok(arrays.includes(JSON.stringify(array)));
      },
    );
    assert.ok(sound > 0 && sound < count, `${sound} of ${count} were sound`);
  });

test('an index, and the names in it', async () => {
  const outer = await fs.mkdtemp(join(tmpdir(), 'mutations-'));
  const folder = join(outer, 'model');
  await fs.mkdir(folder);
  try {
    const stored: StoredTensor = { dtype: 'float32', shape: [2], data: new Float32Array([1, 2]) };
    const bytes = io.encodeSafetensors({ a: stored });
    // What would be found if a name could lead out of the folder.
    for (const path of [join(outer, 'a'), join(outer, 'x'), join(folder, 'a'), join(folder, 'x')])
      await fs.writeFile(path, bytes);
    await fs.writeFile(join(folder, 'b'), io.encodeSafetensors({ b: stored, __proto__x: stored }));
    const path = join(folder, 'model.safetensors.index.json');
    const text = '{"metadata": {"total_size": 24}, "weight_map": {"a": "a", "b": "b", "__proto__x": "b"}}';
    const hostile = [
      '../a',
      '..',
      '.',
      join(outer, 'a'),
      '/etc/passwd',
      'a/../../a',
      '..\\a',
      'file:a',
      'a\\u0000',
      'x/..',
    ];
    const next = numbers(31);
    opened.clear();
    const read = async (changed: Buffer) => {
      const named = changed
        .toString('latin1')
        .replace('"a": "a"', (entry) => (next(4) === 0 ? `"a": "${hostile[next(hostile.length)]}"` : entry));
      await fs.writeFile(path, named, 'latin1');
      return (await io.loadSafetensors(path)).tensors;
    };
    const sound = await run(Buffer.from(text), 32, 64, read, (result) => {
      for (const tensor of Object.values(result as Record<string, StoredTensor>)) assert.equal(tensor, stored);
    });
    assert.ok(sound > 0 && sound < count, `${sound} of ${count} were sound`);
    assert.equal([...opened], [folder]);
  } finally {
    await fs.rm(outer, { recursive: true });
  }
});

test.run();
