/**
 * Names gpu.js's kernels after the rules that write their text. On WebGL it also times each
 * kernel by itself. It waits for a kernel before the next one begins, so the sum is longer than a
 * step takes. It must be loaded before a device is opened. Not here: WebGPU's times
 * (timestamps.ts).
 */
import { GPU } from 'gpu.js';
import { conv } from '../../src/device/gpu/conv.js';
import { elementwise } from '../../src/device/gpu/elementwise.js';
import type { Launch } from '../../src/device/gpu/launch.js';
import { loss } from '../../src/device/gpu/loss.js';
import { matmul } from '../../src/device/gpu/matmul.js';
import { movement } from '../../src/device/gpu/movement.js';
import { pool } from '../../src/device/gpu/pool.js';
import { reduce } from '../../src/device/gpu/reduce.js';

export interface KernelTime {
  readonly kernel: string;
  calls: number;
  ms: number;
}

/** Text without what the device may change in it: offsets of arrays, and integer variables. */
const plain = (text: string): string =>
  text.replaceAll(/\b\w+At \+ /g, '').replaceAll(/let (\w+) = 0; \1 = /g, 'let $1 = ');

/** Kernels by the text that they are known by. */
const names = new Map<string, string>();
for (const family of [conv, elementwise, loss, matmul, movement, pool, reduce] as Record<
  string,
  (...args: unknown[]) => Launch[]
>[])
  for (const [name, rule] of Object.entries(family))
    family[name] = (...args) => {
      const made = rule(...args);
      made.forEach(({ body, values }, k) => {
        names.set(plain(body || values.join(', ')), made.length > 1 ? `${name} ${k + 1}/${made.length}` : name);
      });
      return made;
    };

function nameOf(text: string): string {
  const all = plain(text);
  if (all.includes('let part = 0;')) return 'adam';
  const known = [...names.keys()].filter((part) => all.includes(part)).sort((a, b) => b.length - a.length)[0];
  if (known === undefined || known.length < 5) return 'copy, join or vectors';
  return all.includes(' made') ? `${names.get(known)}, fused` : (names.get(known) as string);
}

let times = new Map<string, KernelTime>();

type Kernel = ((...args: unknown[]) => unknown) & {
  readonly kernel: { readonly context: unknown; readonly compiledSource: string };
};
const createKernel = GPU.prototype.createKernel as unknown as (
  this: GPU,
  source: string,
  settings: { output: number[] },
) => Kernel;
const onWebGpu: { readonly name: string; readonly kernel: Kernel['kernel'] }[] = [];

function timed(this: GPU, source: string, settings: { output: number[] }): Kernel {
  const kernel = createKernel.call(this, source, settings);
  const name = `${nameOf(source)} → ${settings.output}`;
  if (this.mode === 'webgpu') {
    onWebGpu.push({ name, kernel: kernel.kernel });
    return kernel;
  }
  const run = (...args: unknown[]): unknown => {
    const began = performance.now();
    const value = kernel(...args);
    // The kernel's framebuffer is still bound. Reading from it waits for the kernel, while finish()
    // need not wait.
    const gl = kernel.kernel.context as WebGL2RenderingContext;
    gl.readPixels(0, 0, 1, 1, gl.RGBA, gl.FLOAT, new Float32Array(4));
    const time = times.get(name) ?? { kernel: name, calls: 0, ms: 0 };
    time.calls++;
    time.ms += performance.now() - began;
    times.set(name, time);
    return value;
  };
  return Object.assign(run, { kernel: kernel.kernel });
}
Object.assign(GPU.prototype, { createKernel: timed });

/** On WebGL: times since the last call. */
export function takeTimes(): KernelTime[] {
  const taken = [...times.values()];
  times = new Map();
  return taken;
}

/** On WebGPU: the kernel that a shader's text was made for. */
export const kernelOf = (code: string): string =>
  onWebGpu.find(({ kernel }) => kernel.compiledSource === code)?.name ?? 'unknown';
