/**
 * Forward passes of one workload in ONNX Runtime: its native build (onnxruntime-node) or its
 * WebAssembly (onnxruntime-web). Prints one JSON line.
 * usage: onnxruntime.mjs node|web WORKLOAD THREADS
 */
import { readFileSync } from 'node:fs';

const { loadExported, measurePasses, print } = await import(process.env.BENCH_MEASURE);
const [build, workload, threadsText] = process.argv.slice(2);
const threads = Number(threadsText);
const library = await import(`onnxruntime-${build}`);
const ort = library.default ?? library;
if (build === 'web') ort.env.wasm.numThreads = threads;

const { model, input, output } = loadExported(workload);
const session = await ort.InferenceSession.create(build === 'web' ? readFileSync(model) : model, {
  executionProviders: [build === 'web' ? 'wasm' : 'cpu'],
  intraOpNumThreads: threads,
  interOpNumThreads: 1,
});
const numbers = input.data;
const run = async () => {
  const x = new ort.Tensor('float32', numbers, input.shape);
  return (await session.run({ [session.inputNames[0]]: x }))[session.outputNames[0]].data;
};
const about = {
  peer: `onnxruntime-${build}`,
  version: ort.env.versions[build],
  workload,
  threads: build === 'web' ? ort.env.wasm.numThreads : threads,
};
print(
  await measurePasses(about, await run(), output, async () => {
    await run();
  }),
);
process.exit(0);
