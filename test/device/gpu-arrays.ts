/**
 * Tests the counted arrays, cached constants and pending work of the gpu device, each without a
 * device. Not here: the device that is made of them (gpu.ts).
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Arrays } from '../../src/device/gpu/arrays.js';
import type { Resident } from '../../src/device/gpu/gpujs.js';
import { Pending } from '../../src/device/gpu/pending.js';
import { DeviceError } from '../../src/index.js';

const test = suite('gpu arrays');

/** A stand-in for a texture, which counts how often it was deleted. */
class Texture implements Resident {
  deleted = 0;
  toArray(): Float32Array {
    return new Float32Array(1);
  }
  delete(): void {
    this.deleted++;
  }
}

test('an array is deleted with its last reference, and counted until then', () => {
  const arrays = new Arrays({ generation: 0 });
  const texture = new Texture();
  const array = arrays.make(texture, 3);
  array.retain();
  array.release();
  assert.equal([texture.deleted, arrays.inUse], [0, { arrays: 1, bytes: 12 }]);
  array.release();
  assert.equal([texture.deleted, arrays.inUse], [1, { arrays: 0, bytes: 0 }]);
});

test('a release without a reference throws', () => {
  const array = new Arrays({ generation: 0 }).make(new Texture(), 3);
  array.release();
  assert.throws(() => array.release(), /^gpu: an array must be released only by its holders; got -1 references$/);
});

test('a handle that resolves after the last release is deleted then', async () => {
  const texture = new Texture();
  let resolve = (_: Texture): void => {};
  const array = new Arrays({ generation: 0 }).make(
    new Promise<Texture>((now) => {
      resolve = now;
    }),
    1,
  );
  array.release();
  resolve(texture);
  await Promise.resolve();
  await Promise.resolve();
  assert.is(texture.deleted, 1);
});

test('a handle of a lost adapter is not deleted', () => {
  const session = { generation: 0 };
  const arrays = new Arrays(session);
  const texture = new Texture();
  const array = arrays.make(texture, 1);
  session.generation = 1;
  array.release();
  assert.equal([texture.deleted, arrays.inUse.arrays], [0, 0]);
});

test('constants are made once, told apart by sign, and the oldest of too many is dropped', () => {
  const arrays = new Arrays({ generation: 0 });
  const made: number[] = [];
  const textures: Texture[] = [];
  const constant = (value: number) =>
    arrays.constant(value, () => {
      made.push(value);
      textures.push(new Texture());
      return textures[textures.length - 1];
    });
  const zero = constant(0);
  assert.is(constant(0), zero);
  assert.is.not(constant(-0), zero);
  assert.is(made.length, 2);
  for (let value = 1; value <= 62; value++) constant(value).release();
  assert.equal([arrays.constantBytes, textures[0].deleted], [256, 0]);
  constant(63).release();
  assert.equal([arrays.constantBytes, zero.references, textures[0].deleted], [256, 2, 0]);
  zero.release();
  zero.release();
  assert.is(textures[0].deleted, 1);
  assert.equal(arrays.inUse, { arrays: 0, bytes: 0 });
  arrays.dropConstants();
  assert.equal([arrays.constantBytes, textures[63].deleted], [0, 1]);
});

const failure = (rule: string): DeviceError => new DeviceError('unary', rule, 'something');

test('the first failure is thrown, once', async () => {
  const pending = new Pending();
  const [first, second] = [failure('first'), failure('second')];
  pending.add(Promise.reject(first), () => true);
  pending.add(Promise.reject(second), () => true);
  await pending.settled();
  assert.throws(
    () => pending.throwFailure(),
    (error: unknown) => error === first,
  );
  pending.throwFailure();
});

test('a failure of work that no longer counts is not kept', async () => {
  const pending = new Pending();
  pending.add(Promise.reject(failure('old')), () => false);
  await pending.settled();
  pending.throwFailure();
});

test('a failure that a call throws itself is not thrown again, another one is', () => {
  const pending = new Pending();
  const [thrown, other] = [failure('thrown'), failure('other')];
  pending.fail(thrown);
  pending.drop(other);
  assert.throws(() => pending.throwFailure());
  pending.fail(thrown);
  pending.drop(thrown);
  pending.throwFailure();
  pending.fail(other);
  pending.drop();
  pending.throwFailure();
});

test('work that is added while others wait is waited for, too', async () => {
  const pending = new Pending();
  let done = false;
  pending.add(
    Promise.resolve().then(() => {
      const more = new Promise<void>((resolve) => setTimeout(resolve, 5)).then(() => {
        done = true;
      });
      pending.add(more, () => true);
    }),
    () => true,
  );
  await pending.settled();
  assert.is(done, true);
});

test.run();
