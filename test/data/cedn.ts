import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { cednData, cednWeights } from '../../src/data/index.js';
import { sizeOf } from '../../src/values/shape.js';

const cedn = suite('cedn');

/** CRC-32 of an array's bytes, as zlib.crc32 (which Node has only from 20.15 and 22.2). */
function crc32(array: ArrayBufferView): number {
  let crc = -1;
  for (const byte of new Uint8Array(array.buffer, array.byteOffset, array.byteLength)) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (-(crc & 1) & 0xedb88320);
  }
  return ~crc >>> 0;
}

// Sums and CRC32 of the float32 bytes: shared/fixtures/cedn-golden.json, "data".
cedn('data equal the fixture', () => {
  const { x, y, xShape, yShape } = cednData();
  assert.equal(
    [xShape, yShape],
    [
      [12, 20, 20, 3],
      [12, 20, 20, 1],
    ],
  );
  assert.equal([x.length, y.length], [14400, 4800]);
  assert.equal([x.reduce((a, b) => a + b), y.reduce((a, b) => a + b)], [140, 2412]);
  assert.equal([crc32(x), crc32(y)], [0xceebd79a, 0x55092085]);
});

// The first value, and CRC32 of the values as float32, from "init" in
// test/fixtures/cedn-golden.json, which numpy 1.24.2 made.
const init: [string, number, number][] = [
  ['conv1.weight', 0.4967141530112327, 0xb820a7b9],
  ['conv2.weight', -0.26940683444455776, 0xea0bc73d],
  ['conv3.weight', 0.4990958161377494, 0x1d753150],
  ['deconv2.weight', 0.8410815386064158, 0x1510a171],
  ['deconv1.weight', 0.01877772338794696, 0xae9b5ca4],
  ['conv1.bias', 0.7984613389778825, 0xdb894173],
  ['conv2.bias', -0.8561076526564303, 0xe30c28e1],
  ['conv3.bias', -0.4615131352549084, 0x7898b815],
  ['deconv2.bias', -1.7249854341312671, 0xc5e59d3f],
  ['deconv1.bias', -0.6511762938917753, 0xe709ca2d],
];

cedn('weights equal the fixture', () => {
  const weights = cednWeights();
  assert.equal(
    weights.map((w) => w.name),
    init.map(([name]) => name),
  );
  weights.forEach(({ shape, data }, i) => {
    assert.is(data.length, sizeOf(shape));
    assert.is(data[0], init[i][1]);
    assert.is(crc32(Float32Array.from(data)), init[i][2]);
  });
});

cedn('another seed gives other weights', () => {
  assert.is.not(cednWeights(1)[0].data[0], cednWeights(2)[0].data[0]);
});

cedn.run();
