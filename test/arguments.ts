/**
 * Bad arguments at every public door: each is refused by a message that names the door and the
 * argument, on the reference and the wasm device, and the device computes on afterwards. The calls are
 * what plain JavaScript lets through, so that types are switched off. Not here: shapes that are legal
 * and do not fit each other (test/errors.ts, test/semantics.ts).
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import * as typed from '../src/index.js';
import { type CedarError, type Device, defaultDevice, device, setDefaultDevice } from '../src/index.js';

// biome-ignore lint/suspicious/noExplicitAny: what types forbid is what is tested
const c = typed as any;
const { ShapeError } = typed;

/** The beginning of the message up to its rule, the call, the class, and a part of the message. */
type Row = readonly [
  op: string,
  call: (on: Device) => unknown,
  error: new (...args: never[]) => CedarError,
  says: RegExp,
];

const x = () => c.ones([2, 3]);

const shapes: readonly Row[] = [
  // biome-ignore lint/suspicious/noSparseArray: a hole is what is tested
  ['zeros', () => c.zeros([2, , 3]), ShapeError, /whole and not negative; got shape=\[2,undefined,3\]/],
  // biome-ignore lint/suspicious/noSparseArray: a hole is what is tested
  ['randn', () => c.randn([3, ,]), ShapeError, /whole and not negative; got shape=\[3,undefined\]/],
  ['zeros', () => c.zeros([Number.NaN]), ShapeError, /got shape=\[NaN\]/],
  ['zeros', () => c.zeros(['2', 3]), ShapeError, /got shape=\['2',3\]/],
  ['zeros', () => c.zeros([1.5]), ShapeError, /got shape=\[1.5\]/],
  ['zeros', () => c.zeros(3), ShapeError, /shape must be an array of numbers; got shape=3; write \[3\]/],
  ['zeros', () => c.zeros(null), ShapeError, /shape must be an array of numbers; got shape=null/],
  ['zeros', () => c.zeros([1e10]), ShapeError, /at most 2147483647 elements; got shape=\[10000000000\]/],
  ['zeros', () => c.zeros([2 ** 20, 2 ** 20]), ShapeError, /at most 2147483647 elements/],
  ['zeros', () => c.zeros([2 ** 40, 0]), ShapeError, /at most 2147483647 elements/],
  ['reshape', () => x().reshape(3, 2), ShapeError, /shape must be an array of numbers; got shape=3/],
  // biome-ignore lint/suspicious/noSparseArray: a hole is what is tested
  ['reshape', () => x().reshape([, 6]), ShapeError, /must stay; got \[2,3\] to \[undefined,6\]/],
  ['reshape', () => c.zeros([0]).reshape([2 ** 40, 0]), ShapeError, /at most 2147483647 elements/],
  ['permute', () => x().permute(1, 0), ShapeError, /axes must be an array of numbers/],
  ['sum', () => x().sum(null), ShapeError, /axes must be an array of numbers; got axes=null/],
  ['sum', () => x().sum(['0']), ShapeError, /axis must be whole/],
  ['expand', () => x().expand(3), ShapeError, /shape must be an array of numbers/],
  ['expand', () => c.ones([1]).expand([2 ** 31]), ShapeError, /at most 2147483647 elements/],
  // biome-ignore lint/suspicious/noSparseArray: a hole is what is tested
  ['expand', () => c.ones([1]).expand([2, , 1]), ShapeError, /got input=\[1\], shape=\[2,,1\]/],
  ['tensor', () => c.tensor([1, 2], { shape: [1.5] }), ShapeError, /must stay/],
  ['tensor', () => x().upload(new Float32Array(3), 'float32', [2]), ShapeError, /3 elements, shape=\[2\]/],
];

const test = suite('arguments');
const wasm = await device('wasm', { threads: 2 });
const before = defaultDevice();

for (const [op, call, error, says] of [...shapes])
  for (const on of [before, wasm])
    test(`${on.name}: ${String(call).replace(/^\(\w*\) => /, '')}`, async () => {
      setDefaultDevice(on);
      try {
        let thrown: unknown;
        try {
          await call(on);
        } catch (e) {
          thrown = e;
        }
        assert.instance(thrown, error, `got ${thrown}`);
        assert.match((thrown as Error).message, says);
        assert.ok((thrown as Error).message.startsWith(`${op}: `), (thrown as Error).message);
        assert.equal([...(await c.tensor([1, 2]).add(1).data())], [2, 3]);
        const { bytes, tensors } = on.memory();
        assert.ok(Number.isFinite(bytes) && Number.isFinite(tensors));
      } finally {
        setDefaultDevice(before);
      }
    });

test.after(() => wasm.close());
test.run();
