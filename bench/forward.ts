/**
 * Forward passes of one workload on this library, compiled, in a process of its own. A pass takes
 * an array and gives one. Prints one JSON line. With --export it times nothing, and writes what
 * the other processes get: the network as an ONNX file, its input, and its output.
 * usage: forward.ts WORKLOAD DEVICE THREADS [--export]
 */
import { compile, device, noGrad, setDefaultDevice, type Tensor, tensor } from 'cedargrad';
import { loadData, loadExported, measurePasses, print } from './measure.js';
import { makeNetwork, networkOf } from './workloads.js';

const [workload, name, threadsText, only] = process.argv.slice(2);
const threads = Number(threadsText);
const build = name.split(':')[1] as 'simd' | undefined;
const on = await device('wasm', { threads, build });
setDefaultDevice(on);
const data = loadData(workload);
const make = workload === 'w5' ? (await import('./full.js')).makeFull : makeNetwork;
const network = networkOf(workload, data, make, 0.5).eval();
const input = data.arrays.x.data;
const { shape } = data.arrays.x;
const forward = compile((x: Tensor) => noGrad(() => network.forward(x)));
const run = (): Tensor => {
  const x = tensor(input, { shape });
  const y = forward(x);
  x.release();
  return y;
};
/** The order of the axes in ONNX. */
const channelsFirst = (t: Tensor): Tensor => t.permute([0, 3, 1, 2]);

if (only === '--export') {
  const { saveOnnx } = await import('cedargrad/io');
  const { writeArrays } = await import('./data.js');
  const x = channelsFirst(tensor(input, { shape }));
  const y = channelsFirst(run());
  const folder = process.env.BENCH_DATA as string;
  writeArrays(folder, `${workload}.exported`, 0, {
    input: { shape: x.shape, data: (await x.data()) as Float32Array },
    output: { shape: y.shape, data: (await y.data()) as Float32Array },
  });
  await saveOnnx(network, `${folder}/${workload}.onnx`, { input: x.shape });
} else {
  // The second call records the step, and the third runs the recording.
  for (let i = 0; i < 2; i++) await run().data();
  const output = (await channelsFirst(run()).data()) as Float32Array;
  const about = { peer: `cedargrad wasm (${on.mode})`, version: '', workload, threads };
  print(
    await measurePasses(about, output, loadExported(workload).output, async () => {
      const y = run();
      await y.data();
      y.release();
    }),
  );
}
await on.close();
