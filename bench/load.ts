/**
 * The memory that loading takes: `npm run bench-load`, with the megabytes of the file as an
 * argument (default 500). Each row is a process of its own. It builds a model of Linears, notes its
 * memory (resident set), loads a file of the model's size from a path, and reports the peak over
 * its whole life. Memory that building needed for a while therefore counts against loading.
 * Not here: times of steps (run.ts).
 */
import { execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, statSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { device, Linear, Module, setDefaultDevice, type Tensor } from 'cedargrad';
import { loadTorch, loadWeights } from 'cedargrad/io';

const width = 1024;
const layerBytes = 4 * width * (width + 1);

class Model extends Module {
  readonly layers: Linear[];
  constructor(count: number) {
    super();
    this.layers = Array.from({ length: count }, () => new Linear(width, width));
  }
  forward(x: Tensor): Tensor {
    return this.layers.reduce((y, layer) => layer.forward(y), x);
  }
}

/** Writes the weights of a model. None is 0, so that loading shows. */
function writeFile(path: string, count: number, code: 'F32' | 'F16'): void {
  const bytes = code === 'F32' ? 4 : 2;
  const header: Record<string, object> = {};
  let at = 0;
  for (let i = 0; i < count; i++)
    for (const [name, shape] of [
      ['weight', [width, width]],
      ['bias', [width]],
    ] as const) {
      const end = at + bytes * shape.reduce((n: number, size) => n * size, 1);
      header[`layers.${i}.${name}`] = { dtype: code, shape, data_offsets: [at, end] };
      at = end;
    }
  const text = Buffer.from(JSON.stringify(header));
  const start = Buffer.alloc(8);
  start.writeBigUInt64LE(BigInt(text.length));
  const length = width * (width + 1);
  // As bits of halves these are 1 to 1.98.
  const numbers =
    code === 'F32'
      ? Float32Array.from({ length }, (_, i) => 1 + (i % 1000))
      : Uint16Array.from({ length }, (_, i) => 0x3c00 + (i % 1000));
  const file = openSync(path, 'w');
  writeSync(file, start);
  writeSync(file, text);
  for (let i = 0; i < count; i++) writeSync(file, new Uint8Array(numbers.buffer));
  closeSync(file);
}

const megabytes = (bytes: number): string => `${Math.round(bytes / 1e6)} MB`.padStart(8);

/** What the child does: it prints its memory in bytes, before and at the peak, and the seconds. */
async function child(kind: string, loader: string, path: string, count: number): Promise<void> {
  setDefaultDevice(await device(kind as 'wasm'));
  const model = new Model(count);
  // The event loop gets turns in which the arrays of initialisation are freed.
  for (let i = 0; i < 3; i++) {
    globalThis.gc?.();
    await new Promise((done) => setTimeout(done, 50));
  }
  const before = process.memoryUsage().rss;
  const start = performance.now();
  await (loader === 'loadTorch' ? loadTorch : loadWeights)(model, path);
  const last = await model.layers[count - 1]?.weight.data();
  // Initial weights are at most 1/32.
  if (!((last?.[1] ?? 0) >= 1)) throw new Error('the model was not loaded');
  console.log(before, process.resourceUsage().maxRSS * 1024, (performance.now() - start) / 1000);
}

const [first = '500', ...rest] = process.argv.slice(2);
if (first === 'child') await child(rest[0] as string, rest[1] as string, rest[2] as string, Number(rest[3]));
else {
  const folder = mkdtempSync(join(tmpdir(), 'bench-load-'));
  const count = Math.ceil((Number(first) * 1e6) / layerBytes);
  try {
    console.log('device     loader       file      size     model      peak    above it / file   seconds');
    for (const code of ['F32', 'F16'] as const) {
      const path = join(folder, code);
      // Halves take half the bytes, so twice as many layers make a file of the same size.
      const layers = code === 'F32' ? count : 2 * count;
      writeFile(path, layers, code);
      const { size } = statSync(path);
      for (const kind of ['reference', 'wasm'])
        for (const loader of code === 'F32' ? ['loadWeights', 'loadTorch'] : ['loadTorch']) {
          const script = fileURLToPath(import.meta.url);
          const options = [...process.execArgv, '--expose-gc', script, 'child', kind, loader, path, String(layers)];
          const [before, peak, seconds] = execFileSync(process.execPath, options, { encoding: 'utf8' })
            .trim()
            .split(' ')
            .map(Number) as [number, number, number];
          const figures = [megabytes(size), megabytes(before), megabytes(peak)].join('  ');
          const ratio = ((peak - before) / size).toFixed(2).padStart(17);
          console.log(kind.padEnd(10), loader.padEnd(12), code, figures, ratio, seconds.toFixed(1).padStart(9));
        }
      rmSync(path);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
}
