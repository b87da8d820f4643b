/** Compares the results of training in a page with those in Node. */
import assert from 'node:assert/strict';
import { train } from './train.mjs';

const tolerance = 1e-4;

/** The largest relative difference between elements of two lists. */
const difference = (a, b) => Math.max(...a.map((v, i) => Math.abs(v - b[i]) / Math.abs(b[i])));

export function assertSame(a, b, what) {
  for (const key of ['losses', 'weights']) {
    const differ = a[key].filter((v, i) => !Object.is(v, b[key][i])).length;
    assert.ok(a[key].length === b[key].length && differ === 0, `${what}: ${differ} of ${a[key].length} ${key} differ`);
  }
}

/** Trains in Node with the built package. Returns the results by device. */
export async function inNode(api) {
  const simd = await api.device('wasm', { threads: 1, build: 'simd' });
  const want = {
    simd: await train(api, simd, false),
    reference: await train(api, await api.device('reference'), false),
  };
  await simd.close();
  const { losses } = want.simd;
  assert.ok(losses[11] < losses[0], `the loss does not fall: ${losses}`);
  assert.ok(
    difference(losses, want.reference.losses) < tolerance,
    `simd ${losses}, reference ${want.reference.losses}`,
  );
  return want;
}

/**
 * Checks that losses are near those in Node. Returns a note with the largest relative difference of
 * the losses and the largest difference of the weights.
 */
export function assertNear({ losses, weights }, want) {
  const notes = Object.entries(want).map(([name, node]) => {
    const off = difference(losses, node.losses);
    assert.ok(off < tolerance, `${losses}, in Node on ${name} ${node.losses}`);
    const apart = Math.max(...weights.map((v, i) => Math.abs(v - node.weights[i])));
    return `${off.toExponential(0)} and ${apart.toExponential(0)} from Node's ${name}`;
  });
  return `losses and weights ${notes.join(', ')}`;
}
