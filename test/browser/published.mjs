/**
 * Checks dist/browser, the build for pages without a bundler. It must train, and load the files of
 * a device only when that device is asked for.
 */
import assert from 'node:assert/strict';
import { inPage } from './chromium.mjs';
import { assertNear } from './losses.mjs';
import { check } from './report.mjs';

const limitMs = 60_000;
/** For each part, the pattern of the files that must be loaded late. */
const late = { wasm: /^(wasm|binary)-/, memory64: /^binary64-/, gpu: /^gpu-/, 'gpu.js': /^gpu-browser-/ };

export async function checkPublished(context) {
  await check(
    'dist/browser: trains on wasm, also with 64-bit memory, and webgl2, each loaded when it is asked for',
    () =>
      inPage(context, 'isolated/published', async (call, loaded) => {
        const has = () => Object.keys(late).filter((name) => loaded.some((file) => late[name].test(file)));
        const notes = [];
        assert.deepEqual(has(), [], `loaded at first: ${loaded}`);
        for (const [name, options, files] of [
          ['wasm', { threads: 2 }, ['wasm']],
          ['wasm', { threads: 2, memory64: true }, ['wasm', 'memory64']],
          ['webgl2', {}, ['wasm', 'memory64', 'gpu', 'gpu.js']],
        ]) {
          const { text, runs, joined } = await call(limitMs, 'trial', {
            name,
            options,
            modes: [false],
            ready: context.ready,
          });
          assert.equal(joined, (options.threads ?? 1) - 1, 'workers that joined');
          assert.deepEqual(has(), files, `loaded for ${name}: ${loaded}`);
          notes.push(`${text}: ${assertNear(runs[0], context.want)}`);
        }
        return notes.join('; ');
      }),
  );
  await check('dist/browser: exports what all entry points export, and reads and writes files in a page', () =>
    inPage(context, 'isolated/published', async (call) => {
      const { exports, restored, drawn, pixels, batches, refusals } = await call(limitMs, 'files', {});
      assert.deepEqual(exports.toSorted(), context.exports.toSorted());
      assert.deepEqual(restored, Array(3).fill([1, -2, 0.5]));
      assert.deepEqual(
        [drawn, pixels, batches],
        [
          [20, 10],
          [3, 250],
          [2, 2],
        ],
      );
      assert.match(refusals[0], /^DeviceError: writeFileAtomic: files need Node; got path='a'/);
      assert.match(refusals[1], /^DeviceError: loadDigits: the digits are files, which need Node; got a browser/);
      return `${exports.length} names`;
    }),
  );
  await check("dist/browser: ONNX, PyTorch's weights and numpy's arrays go out and in, and what came in trains", () =>
    inPage(context, 'isolated/published', async (call) => {
      const { onnx, torch, numpy, losses } = await call(limitMs, 'models', {});
      assert.deepEqual([torch, numpy], [0, 0]);
      assert.ok(onnx < 1e-6, `differs by ${onnx}`);
      assert.ok(losses[0] > losses[1] && losses[1] > losses[2], `losses ${losses}`);
      return `losses ${losses.map((loss) => loss.toFixed(4)).join(', ')}`;
    }),
  );
}
