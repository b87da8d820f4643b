/**
 * Tests the wasm device's allocator. Blocks never overlap, and neighbouring free blocks are joined.
 */
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { createMemory } from '../../src/device/wasm/grant.js';
import { blockSize, Memory } from '../../src/device/wasm/memory.js';

const test = suite('wasm memory');
const made = (): Memory => new Memory(createMemory(true), 4100);
/** A size that is larger than the largest small block, and a whole number of cache lines. */
const large = 100 * 1024;

test('a request is rounded up to a power of two while small, to whole cache lines when large', () => {
  for (const [bytes, size] of [
    [0, 64],
    [1, 64],
    [64, 64],
    [65, 128],
    [129, 256],
    [16384, 16384],
    [16385, 16448],
    [16448, 16448],
    [100_000, 100_032],
  ])
    assert.is(blockSize(bytes), size, `${bytes} bytes`);
});

test('the first block starts at the first cache line past what is in use', () => {
  assert.is(made().take(large), 4160);
});

test('freed neighbours join, whatever order they are freed in', () => {
  for (const order of [
    [0, 1, 2],
    [0, 2, 1],
    [1, 0, 2],
    [1, 2, 0],
    [2, 0, 1],
    [2, 1, 0],
  ]) {
    const memory = made();
    const blocks = [memory.take(large), memory.take(large), memory.take(large)];
    const after = memory.take(large);
    for (const i of order) memory.give(blocks[i], large, memory.common);
    assert.equal(memory.common.large, [{ address: blocks[0], size: 3 * large }], `freed in order ${order}`);
    assert.is(memory.common.pooled, 3 * large);
    assert.is(memory.take(3 * large), blocks[0], 'the three are one block again');
    memory.give(after, large, memory.common);
    assert.equal(memory.common.large, [{ address: after, size: large }]);
  }
});

test('small blocks share a chunk, and one that was freed is taken again', () => {
  const memory = made();
  const first = memory.take(100);
  assert.is(memory.common.pooled, 262144 - 128);
  const second = memory.take(128);
  assert.is(second, first + 128);
  assert.is(memory.take(64), first + 262144, 'another size has a chunk of its own');
  memory.give(first, 128, memory.common);
  assert.is(memory.take(90), first);
});

test('memory past 4 GiB is refused with the numbers', () => {
  const memory = made();
  assert.throws(
    () => memory.take(2 ** 32),
    (e: Error) =>
      e.message.startsWith('wasm: memory must fit; got 4294967296 more bytes, 4160 in use or pooled, of 4294967296; '),
  );
  assert.is(memory.take(large), 4160, 'the refusal takes nothing');
});

test("a plan's arena keeps what it reaches and gives back the rest; its end gives back all", () => {
  const memory = made();
  const before = memory.take(3 * large);
  memory.give(before, 3 * large, memory.common);
  const arena = memory.lend();
  assert.equal([memory.common.large, memory.common.pooled], [[], 0]);
  assert.equal([arena.large, arena.pooled], [[{ address: before, size: 3 * large }], 3 * large]);
  const block = memory.take(large, arena);
  assert.equal([block, arena.reached], [before, before + large]);
  memory.give(block, large, arena);
  memory.settle(arena);
  assert.equal([arena.large, arena.pooled], [[{ address: before, size: large }], large]);
  assert.equal(
    [memory.common.large, memory.common.pooled],
    [[{ address: before + large, size: 2 * large }], 2 * large],
  );
  const held = memory.take(large, arena);
  memory.dissolve(arena);
  memory.give(held, large, arena);
  assert.equal([memory.common.large, memory.common.pooled], [[{ address: before, size: 3 * large }], 3 * large]);
  assert.equal([arena.large, arena.pooled], [[], 0]);
});

test('blocks in use never overlap, free ranges are sorted and never touch, and nothing is lost', () => {
  const sizes = fc.oneof(fc.integer({ min: 1, max: 40_000 }), fc.integer({ min: 16_000, max: 400_000 }));
  const steps = fc.array(fc.record({ size: sizes, victim: fc.nat(), frees: fc.boolean() }), {
    minLength: 30,
    maxLength: 120,
  });
  fc.assert(
    fc.property(steps, (all) => {
      const memory = made();
      const held: { address: number; size: number }[] = [];
      for (const { size, victim, frees } of all) {
        if (frees && held.length > 0) {
          const [gone] = held.splice(victim % held.length, 1);
          memory.give(gone.address, gone.size, memory.common);
        } else held.push({ address: memory.take(size), size: blockSize(size) });
        const free = memory.common.large;
        for (let i = 1; i < free.length; i++)
          assert.ok(free[i - 1].address + free[i - 1].size < free[i].address, 'free ranges touch or are out of order');
        const small = [...memory.common.small].flatMap(([of, list]) => list.map((address) => ({ address, size: of })));
        const everything = [...held, ...free, ...small].sort((a, b) => a.address - b.address);
        everything.forEach(({ address, size: bytes }, i) => {
          const end = everything[i + 1]?.address ?? address + bytes;
          assert.is(address + bytes, end, 'a gap or an overlap');
        });
        assert.is(
          memory.common.pooled,
          [...free, ...small].reduce((sum, range) => sum + range.size, 0),
        );
        assert.ok(everything.every(({ address, size: bytes }) => address + bytes <= memory.words.byteLength));
      }
    }),
    { seed: 5, numRuns: 40 },
  );
});

test.run();
