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
const { DeviceError, ShapeError, ValueError } = typed;

/** The beginning of the message up to its rule, the call, the class, and a part of the message. */
type Row = readonly [
  op: string,
  call: (on: Device) => unknown,
  error: new (...args: never[]) => CedarError,
  says: RegExp,
];

/** An array with holes where no value is given. */
const sparse = (length: number, given: Record<number, unknown>) => Object.assign(new Array(length), given);
const x = () => c.ones([2, 3]);

const shapes: readonly Row[] = [
  [
    'zeros',
    () => c.zeros(sparse(3, { 0: 2, 2: 3 })),
    ShapeError,
    /whole and not negative; got shape=\[2,undefined,3\]/,
  ],
  ['randn', () => c.randn(sparse(2, { 0: 3 })), ShapeError, /whole and not negative; got shape=\[3,undefined\]/],
  ['zeros', () => c.zeros([Number.NaN]), ShapeError, /got shape=\[NaN\]/],
  ['zeros', () => c.zeros(['2', 3]), ShapeError, /got shape=\['2',3\]/],
  ['zeros', () => c.zeros([1.5]), ShapeError, /got shape=\[1.5\]/],
  ['zeros', () => c.zeros(3), ShapeError, /shape must be an array of numbers; got shape=3; write \[3\]/],
  ['zeros', () => c.zeros(null), ShapeError, /shape must be an array of numbers; got shape=null/],
  ['zeros', () => c.zeros([1e10]), ShapeError, /at most 2147483647 elements; got shape=\[10000000000\]/],
  ['zeros', () => c.zeros([2 ** 20, 2 ** 20]), ShapeError, /at most 2147483647 elements/],
  ['zeros', () => c.zeros([2 ** 40, 0]), ShapeError, /at most 2147483647 elements/],
  ['reshape', () => x().reshape(3, 2), ShapeError, /shape must be an array of numbers; got shape=3/],
  ['reshape', () => x().reshape(sparse(2, { 1: 6 })), ShapeError, /must stay; got \[2,3\] to \[undefined,6\]/],
  ['reshape', () => c.zeros([0]).reshape([2 ** 40, 0]), ShapeError, /at most 2147483647 elements/],
  ['permute', () => x().permute(1, 0), ShapeError, /axes must be an array of numbers/],
  ['sum', () => x().sum(null), ShapeError, /axes must be an array of numbers; got axes=null/],
  ['sum', () => x().sum(['0']), ShapeError, /axis must be whole/],
  ['expand', () => x().expand(3), ShapeError, /shape must be an array of numbers/],
  ['expand', () => c.ones([1]).expand([2 ** 31]), ShapeError, /at most 2147483647 elements/],
  ['expand', () => c.ones([1]).expand(sparse(3, { 0: 2, 2: 1 })), ShapeError, /got input=\[1\], shape=\[2,,1\]/],
  ['tensor', () => c.tensor([1, 2], { shape: [1.5] }), ShapeError, /must stay/],
  ['tensor', () => x().upload(new Float32Array(3), 'float32', [2]), ShapeError, /3 elements, shape=\[2\]/],
];

const image = () => c.ones([1, 4, 4, 2]);
const weight = () => c.ones([3, 3, 2, 2]);
const cyclic: unknown[] = [];
cyclic.push(cyclic);

const values: readonly Row[] = [
  ['tensor', () => c.tensor(sparse(3, { 0: 1, 2: 3 })), ValueError, /numbers or booleans; got undefined at \[1\]/],
  ['tensor', () => c.tensor(new Array(3)), ValueError, /got undefined at \[0\]/],
  ['tensor', () => c.tensor([[1, 2], sparse(2, { 1: 4 })]), ValueError, /got undefined at \[1\]\[0\]/],
  ['tensor', () => c.tensor(null), ValueError, /must be a number, a nested array, .* got null/],
  ['tensor', () => c.tensor('1'), ValueError, /got '1'/],
  ['tensor', () => c.tensor(new BigInt64Array(2)), ValueError, /must be numbers; got a BigInt64Array/],
  ['tensor', () => c.tensor(cyclic), ValueError, /at most 64 deep/],
  ['tensor', () => c.tensor([1], { dtype: 'float16' }), ValueError, /one of float32, .* got dtype='float16'/],
  ['zeros', () => c.zeros([1], { dtype: 'toString' }), ValueError, /got dtype='toString'/],
  ['cast', () => x().cast('half'), ValueError, /got dtype='half'/],
  ['zeros', () => c.zeros([1], { device: 'wasm' }), DeviceError, /got 'wasm'; .* await device\('wasm'\)/],
  ['tensor', () => c.tensor([1], { device: c.device('reference') }), DeviceError, /got a Promise; await/],
  ['full', () => c.full([2], 'abc'), ValueError, /value must be a number; got value='abc'/],
  ['full', () => c.full([2]), ValueError, /got value=undefined/],
  ['linspace', () => c.linspace(0, 'a', 3), ValueError, /end must be a number; got end='a'/],
  ['linspace', () => c.linspace(0, 1, '3'), ValueError, /n must be whole and at least 1; got n='3'/],
  ['arange', () => c.arange('3'), ValueError, /end must be a number; got end='3'/],
  ['arange', () => c.arange(1e12), ShapeError, /at most 2147483647/],
  ['eye', () => c.eye(2, '2'), ShapeError, /whole and not negative; got shape=\[2,'2'\]/],
  ['eye', () => c.eye(100_000), ShapeError, /at most 2147483647/],
  ['zerosLike', () => c.zerosLike([1]), ValueError, /input must be a tensor/],
  ['onesLike', () => c.onesLike(1), ValueError, /input must be a tensor; got input=1; wrap it with tensor\(\)/],
  ['leakyRelu', () => x().leakyRelu({ slope: 0.1 }), ValueError, /slope must be a number; got .*an object {slope}/],
  ['elu', () => x().elu('1'), ValueError, /alpha must be a number; got alpha='1'/],
  ['clamp', () => x().clamp(null, 1), ValueError, /min must be a number; got min=null/],
  ['clamp', () => c.clamp(2, 0, 3), ValueError, /input must be a tensor; got input=2/],
  ['relu', () => c.relu([1, 2]), ValueError, /input must be a tensor; got input=\[1,2\]; wrap it with tensor\(\)/],
  ['mse', () => c.mse(x(), 0), ValueError, /target must be a tensor; got target=0/],
  ['bceWithLogits', () => c.bceWithLogits(x(), x(), { posWeight: '2' }), ValueError, /posWeight must be a tensor/],
];

const windows: readonly Row[] = [
  ['conv2d', () => c.conv2d(image(), weight(), { padding: 'same', dilation: 2 ** 30 }), ValueError, /at most 16777216/],
  [
    'conv2d',
    () => c.conv2d(image(), weight(), { padding: 'same', dilation: 2 ** 24 }),
    ValueError,
    /span at most 16777/,
  ],
  [
    'conv2d',
    () => c.conv2d(image(), weight(), { padding: 'same', dilation: 2 ** 32 + 1 }),
    ValueError,
    /at most 16777/,
  ],
  ['conv2d', () => c.conv2d(image(), weight(), { stride: 2 ** 40 }), ValueError, /stride must be at most 16777216/],
  ['conv2d', () => c.conv2d(image(), weight(), { padding: 2 ** 31 }), ValueError, /padding must be at most 16777216/],
  ['conv2d', () => c.conv2d(image(), weight(), { padding: 2 ** 20 }), ShapeError, /at most 2147483647 elements/],
  [
    'conv2dTranspose',
    () => c.conv2dTranspose(image(), weight(), { dilation: 2 ** 24, padding: 'same' }),
    ValueError,
    /span at most 16777216 cells; got height: kernel 3, dilation 16777216/,
  ],
  ['maxPool2d', () => c.maxPool2d(image(), { kernelSize: 2 ** 31, stride: 1, padding: 'same' }), ValueError, /at most/],
  ['maxPool2d', () => c.maxPool2d(image(), { kernelSize: 2 ** 40, stride: 1, padding: 'same' }), ValueError, /at most/],
  ['avgPool2d', () => c.avgPool2d(image(), { kernelSize: 2 ** 20, padding: 'same' }), ValueError, /2147483647 cells/],
  [
    'maxPool2d',
    () => c.maxPool2d(image(), {}),
    ValueError,
    /kernelSize must be a number or \[h, w\]; got no kernelSize/,
  ],
  ['maxPool2d', () => c.maxPool2d(image(), { kernelSize: '2' }), ValueError, /got kernelSize='2'/],
  ['maxPool2d', () => c.maxPool2d(image(), { kernelSize: 2n }), ValueError, /got kernelSize=2n/],
  [
    'conv2d',
    () => c.conv2d(image(), weight(), { padding: 'SAME' }),
    ValueError,
    /padding must be 'same', .* got padding='SAME'/,
  ],
  [
    'conv2d',
    () =>
      c.conv2d(image(), weight(), {
        padding: [
          [1, 1],
          ['1', 1],
        ],
      }),
    ValueError,
    /got padding=\[\[1,1\],\['1',1\]\]/,
  ],
];

const test = suite('arguments');
const wasm = await device('wasm', { threads: 2 });
const before = defaultDevice();

for (const [op, call, error, says] of [...shapes, ...values, ...windows])
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
