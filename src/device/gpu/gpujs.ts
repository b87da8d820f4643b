/** gpu.js behind a precise interface: its own typings are loose. The only file that names the package. */
import { DeviceError } from '../../errors.js';
import { type Adapter, awake, findAdapter, type GpuDeviceEvents, glAdapter } from './adapters.js';
import { type Vectors, wholeLimit } from './launch.js';

/** gpu.js's modes by name. */
export type GpuMode = 'cpu' | 'webasm' | 'webgl' | 'webgl2' | 'headlessgl' | 'webgpu';
export const gpuModes: readonly GpuMode[] = ['cpu', 'webasm', 'webgl', 'webgl2', 'headlessgl', 'webgpu'];

/** A result that stays on the device: a typed array in the cpu and webasm modes, else a texture or buffer. */
export interface Resident {
  toArray(): Float32Array | Promise<Float32Array>;
  delete(): void;
}
export type Value = Float32Array | Resident;
/** What a kernel returns: WebGPU, and every mode under asyncMode, answer later. */
export type Handle = Value | Promise<Value>;

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

/** A mode of gpu.js that was seen to run. */
export interface OpenedMode {
  readonly mode: GpuMode;
  /** Null in the modes that run on the CPU. */
  readonly adapter: Adapter | null;
  /** The most elements that one array can have, and what says so. */
  readonly limit: { readonly elements: number; readonly reason: string };
  /** How often a kernel's loops may turn in one thread: llvmpipe, Mesa's software GL, ends them then without a word. */
  readonly mostTurns: number;
  /** On WebGPU a handle of vectors serves as one of numbers. */
  readonly vectors: Vectors;
  /** Whether kernels may have integer variables: not on WebGL. */
  readonly integers: boolean;
  /** A kernel of `size` elements that makes `lanes` of them per thread. */
  createKernel(source: string, size: number, lanes: number): GpuKernel;
  /** Resolves with the reason when the adapter is lost; never, unless that happens. */
  readonly lost: Promise<string>;
  /** Whether it is lost by now; a lost WebGL context reads as zeros. */
  isLost(): boolean;
  /** Calls back for failures that no call reports. */
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
      'npm install gpu.js --ignore-scripts',
    );
  }
}

const exactLimit = { elements: wholeLimit, reason: 'indexes are float32, exact up to 2^24' };
const never = new Promise<never>(() => {});

/** Which of the three GL modes a context is: they all call themselves 'gpu'. */
function glMode(context: WebGL2RenderingContext): GpuMode {
  if (context.getExtension('STACKGL_destroy_context') !== null) return 'headlessgl';
  return /^WebGL 2/.test(context.getParameter(context.VERSION)) ? 'webgl2' : 'webgl';
}

/** gpu.js reads no vectors back into kernels, but on WebGPU they lie in memory as numbers do, and a handle says what it holds. */
function flat(kernel: GpuKernel, size: number): GpuKernel {
  const relabelled = async (...args: (Value | number)[]): Promise<Value> =>
    Object.assign(await kernel(...args), { output: [size], componentCount: 1 });
  return Object.assign(relabelled, { kernel: kernel.kernel });
}

/** Devices open on WebGPU: they share one context of gpu.js's, which goes with the last of them. */
let webgpuDevices = 0;

/**
 * Opens gpu.js in a mode and makes sure that it is the one that runs: gpu.js itself falls back to its cpu mode with only a console warning.
 * @throws DeviceError when the package is missing, or the mode was not what ran
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
      // Else gpu.js writes lowp into WebGL's shaders, which some GPUs take at its word.
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
      mostTurns: Infinity,
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
        mostTurns: /llvmpipe/i.test(gl.name) ? 65_535 : Infinity,
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
      return "build headless GL with 'npm rebuild gl --ignore-scripts=false', and run under an X server, as in 'xvfb-run -a node …'";
    case 'webgl':
    case 'webgl2':
      return "it needs a browser; in Node, use 'webgpu' or 'headlessgl'";
    case 'webgpu':
      return 'update the graphics driver or the browser';
    default:
      return "try mode 'cpu'";
  }
}
