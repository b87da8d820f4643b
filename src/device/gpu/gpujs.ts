/**
 * Opens gpu.js in a mode, and declares the part of its interface that is used, because its own
 * typings are loose. Only this file imports the package.
 */
import { DeviceError } from '../../errors.js';
import { type Adapter, awake, findAdapter, type GpuDeviceEvents, glAdapter } from './adapters.js';
import { integerLimit, type Vectors } from './launch.js';

/** gpu.js's modes by name. */
export type GpuMode = 'cpu' | 'webasm' | 'webgl' | 'webgl2' | 'headlessgl' | 'webgpu';
export const gpuModes: readonly GpuMode[] = ['cpu', 'webasm', 'webgl', 'webgl2', 'headlessgl', 'webgpu'];

/**
 * A result that stays on the device as a texture or buffer. In the cpu and webasm modes a result is
 * a typed array instead.
 */
export interface Resident {
  toArray(): Float32Array | Promise<Float32Array>;
  delete(): void;
}
export type Value = Float32Array | Resident;
/** The return value of a kernel. WebGPU, and every mode with asyncMode, returns a promise. */
export type Handle = Value | Promise<Value>;
export const isPromise = (h: Handle): h is Promise<Value> => h instanceof Promise;

interface Settings {
  output: [number];
  precision: 'single';
  pipeline: true;
  immutable: true;
  tactic: 'precision';
  asyncMode?: boolean;
}
export interface GpuKernel {
  (...args: (Value | number)[]): Handle;
  readonly kernel: { readonly constructor: { readonly mode: string }; readonly context?: unknown };
}
interface GpuJs {
  readonly context?: unknown;
  readonly canvas?: unknown;
  createKernel(source: string, settings: Settings): GpuKernel;
  destroy(): unknown;
}
interface Package {
  readonly GPU: new (settings: { mode: string }) => GpuJs;
  readonly WebGPUContext: { destroy(): Promise<void> };
}

/** A mode of gpu.js that has been opened and checked. */
export interface OpenedMode {
  readonly mode: GpuMode;
  /** Null in the modes that run on the CPU. */
  readonly adapter: Adapter | null;
  /** The maximum number of elements of one array, and the reason for this limit. */
  readonly limit: { readonly elements: number; readonly reason: string };
  /**
   * The maximum number of iterations of a kernel's loops per thread. llvmpipe (Mesa's software GL)
   * silently stops after that number.
   */
  readonly mostIterations: number;
  /**
   * Support for vectors. On WebGPU the handle of an array of vectors also serves as one of numbers.
   */
  readonly vectors: Vectors;
  /** Whether kernels may have integer variables. On WebGL they may not. */
  readonly integers: boolean;
  /** Creates a kernel for `size` elements that computes `lanes` of them per thread. */
  createKernel(source: string, size: number, lanes: number): GpuKernel;
  /** Resolves with the reason when the adapter is lost. Otherwise it stays pending. */
  readonly lost: Promise<string>;
  /** Whether the adapter is lost by now. A lost WebGL context would read as zeros. */
  isLost(): boolean;
  /** Calls the listener for failures that no call reports. */
  onError(listener: (message: string) => void): void;
  close(): Promise<void>;
}

async function loadGpuJs(): Promise<Package> {
  try {
    const module = (await import('gpu.js')) as unknown as Package & { default?: Package };
    return module.GPU === undefined ? (module.default as Package) : module;
  } catch (error) {
    throw new DeviceError(
      'device',
      'the gpu device needs the package gpu.js',
      (error as Error).message.split('\n')[0],
      'npm install gpu.js@2 --ignore-scripts',
    );
  }
}

const exactLimit = { elements: integerLimit, reason: 'indexes are float32, exact up to 2^24' };
const never = new Promise<never>(() => {});

/** The GL mode of a context. gpu.js calls all three of them 'gpu'. */
function glMode(context: WebGL2RenderingContext): GpuMode {
  if (context.getExtension('STACKGL_destroy_context') !== null) return 'headlessgl';
  return /^WebGL 2/.test(context.getParameter(context.VERSION)) ? 'webgl2' : 'webgl';
}

/**
 * Relabels a result of vectors as numbers. gpu.js cannot pass vectors back into kernels, but on
 * WebGPU they have the same memory layout as numbers, and the handle holds the label.
 */
function flat(kernel: GpuKernel, size: number): GpuKernel {
  const relabelled = async (...args: (Value | number)[]): Promise<Value> =>
    Object.assign(await kernel(...args), { output: [size], componentCount: 1 });
  return Object.assign(relabelled, { kernel: kernel.kernel });
}

/**
 * The number of open WebGPU devices. They share one context of gpu.js, which is destroyed with the
 * last of them.
 */
let webgpuDevices = 0;

/**
 * Opens gpu.js in a mode and checks that this mode runs, because gpu.js falls back to its cpu mode
 * with only a console warning.
 * @throws DeviceError if the package is missing, or if another mode runs
 */
export async function openMode(mode: GpuMode, asyncMode: boolean): Promise<OpenedMode> {
  const adapter = mode === 'webgpu' ? await findAdapter() : null;
  const { GPU, WebGPUContext } = await loadGpuJs();
  const refuse = (got: string): never => {
    throw new DeviceError('device', `gpu.js must run in mode '${mode}'`, got, remedy(mode));
  };
  let gpu: GpuJs | undefined;
  const create = (source: string, size: number, lanes = 1): GpuKernel => {
    const kernel = (gpu as GpuJs).createKernel(source, {
      output: [size / lanes],
      precision: 'single',
      pipeline: true,
      immutable: true,
      // Otherwise gpu.js writes lowp into WebGL's shaders, and some GPUs really use that precision.
      tactic: 'precision',
      ...(asyncMode ? { asyncMode } : {}),
    });
    return lanes > 1 && mode === 'webgpu' ? flat(kernel, size) : kernel;
  };
  if (mode === 'webgpu') webgpuDevices++;
  let closed = false;
  const close = async (): Promise<void> => {
    if (closed) return;
    closed = true;
    await gpu?.destroy();
    if (mode === 'webgpu' && --webgpuDevices === 0) await WebGPUContext.destroy();
  };
  try {
    gpu = new GPU({ mode });
    const probe = create('function (a) { return a[this.thread.x] + 1; }', 1);
    const made = await awake(Promise.resolve(probe(new Float32Array(1))));
    const [value] = 'toArray' in made ? await awake(Promise.resolve(made.toArray())) : made;
    if (value !== 1) refuse(`0 + 1 = ${value}`);
    const ran = probe.kernel.constructor.mode;
    const context = (probe.kernel.context ?? gpu.context) as WebGL2RenderingContext;
    const actual = ran === 'gpu' ? glMode(context) : ran;
    if (actual !== mode) refuse(`it ran in '${actual}'`);
    const common = {
      mode,
      mostIterations: Infinity,
      vectors: ran === 'gpu' ? 'textures' : 'none',
      integers: ran !== 'gpu',
      createKernel: create,
      close,
    } as const;
    if (mode === 'webgpu') {
      const { device } = probe.kernel.context as { device: GpuDeviceEvents };
      let lost = false;
      const bytes = Math.min(device.limits.maxStorageBufferBindingSize, device.limits.maxBufferSize);
      return {
        ...common,
        vectors: 'memory',
        adapter,
        limit:
          bytes / 4 < exactLimit.elements
            ? { elements: bytes / 4, reason: `the adapter binds ${bytes} bytes at most` }
            : exactLimit,
        lost: device.lost.then(({ message }) => {
          lost = true;
          return message;
        }),
        isLost: () => lost,
        onError: (listener) => device.addEventListener?.('uncapturederror', ({ error }) => listener(error.message)),
      };
    }
    if (ran === 'gpu') {
      const side = context.getParameter(context.MAX_TEXTURE_SIZE) as number;
      const gl = glAdapter(context);
      const canvas = (gpu.canvas ?? context.canvas) as EventTarget | undefined;
      return {
        ...common,
        adapter: gl,
        mostIterations: /llvmpipe/i.test(gl.name) ? 65_535 : Infinity,
        limit:
          side * side < exactLimit.elements
            ? { elements: side * side, reason: `the adapter's textures are ${side}×${side} at most` }
            : exactLimit,
        lost: new Promise((resolve) =>
          canvas?.addEventListener?.('webglcontextlost', () => resolve('the WebGL context was lost'), { once: true }),
        ),
        isLost: () => context.isContextLost(),
        onError: () => {},
      };
    }
    return { ...common, adapter: null, limit: exactLimit, lost: never, isLost: () => false, onError: () => {} };
  } catch (error) {
    await close().catch(() => {});
    if (error instanceof DeviceError) throw error;
    return refuse((error as Error).message.split('\n')[0]);
  }
}

function remedy(mode: GpuMode): string {
  switch (mode) {
    case 'headlessgl':
      return (
        "build headless GL with 'npm rebuild gl --ignore-scripts=false', " +
        "and run under an X server, as in 'xvfb-run -a node …'"
      );
    case 'webgl':
    case 'webgl2':
      return "it needs a browser; in Node, use 'webgpu' or 'headlessgl'";
    case 'webgpu':
      return 'update the graphics driver or the browser';
    default:
      return "try mode 'cpu'";
  }
}
