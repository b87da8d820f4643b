/**
 * Finds and describes the adapters of WebGL and WebGPU. Also declares the parts of WebGPU's own API
 * that gpu.js does not cover. In Node the API comes from the npm package `webgpu`.
 */
import { DeviceError } from '../../errors.js';
import { isNode, load } from '../../platform.js';

/** The hardware or software that computes. */
export interface Adapter {
  /** The driver's name for it. */
  readonly name: string;
  /** Whether it is a program on the CPU that emulates a GPU, which is correct but slow. */
  readonly software: boolean;
}

interface GpuAdapter {
  readonly info?: {
    readonly vendor: string;
    readonly architecture: string;
    readonly device: string;
    readonly description: string;
    readonly isFallbackAdapter?: boolean;
  };
  readonly isFallbackAdapter?: boolean;
}
export interface Gpu {
  requestAdapter(): Promise<GpuAdapter | null>;
}
/** The members of gpu.js's GPUDevice that are used here. */
export interface GpuDeviceEvents {
  readonly lost: Promise<{ readonly reason?: string; readonly message: string }>;
  readonly limits: { readonly maxStorageBufferBindingSize: number; readonly maxBufferSize: number };
  addEventListener?(
    type: 'uncapturederror',
    listener: (event: { readonly error: { readonly message: string } }) => void,
  ): void;
}

const softwareNames = /swiftshader|llvmpipe|lavapipe|softpipe|software|basic render|warp\b/i;
const isSoftware = (name: string): boolean => softwareNames.test(name);

/** The members of a WebGL context that are used here. The public types need no DOM types. */
interface GlContext {
  readonly RENDERER: number;
  getExtension(name: 'WEBGL_debug_renderer_info'): { readonly UNMASKED_RENDERER_WEBGL: number } | null;
  getParameter(name: number): unknown;
}

/** The adapter of a WebGL context. */
export function glAdapter(context: GlContext): Adapter {
  const info = context.getExtension('WEBGL_debug_renderer_info');
  const name = String(context.getParameter(info === null ? context.RENDERER : info.UNMASKED_RENDERER_WEBGL));
  return { name, software: isSoftware(name) };
}

function describe({ info, isFallbackAdapter }: GpuAdapter): Adapter {
  const name =
    [info?.description || info?.device, info?.vendor, info?.architecture]
      .filter((part) => part !== undefined && part !== '')
      .join(', ') || 'unnamed';
  return { name, software: (info?.isFallbackAdapter ?? isFallbackAdapter ?? false) || isSoftware(name) };
}

/** `navigator.gpu`, where it exists. */
const navigatorGpu = (): Gpu | undefined => (globalThis.navigator as { gpu?: Gpu } | undefined)?.gpu;

/** Whether Linux has any Vulkan driver. Without one, npm's webgpu only prints warnings. */
async function hasDriver(): Promise<boolean> {
  if (
    process.platform !== 'linux' ||
    process.env.VK_ICD_FILENAMES !== undefined ||
    process.env.VK_DRIVER_FILES !== undefined
  )
    return true;
  const { readdir } = await load<typeof import('node:fs/promises')>('node:fs/promises');
  const drivers = [
    '/usr/share/vulkan/icd.d',
    '/usr/local/share/vulkan/icd.d',
    '/etc/vulkan/icd.d',
    `${process.env.HOME}/.local/share/vulkan/icd.d`,
  ];
  const found = await Promise.all(drivers.map((folder) => readdir(folder).catch(() => [])));
  return found.some((files) => files.length > 0);
}

/**
 * In Node, creates `navigator.gpu` from npm's webgpu, which the user installs. Returns false if the
 * package is missing.
 */
async function install(): Promise<boolean> {
  let package_: { create(flags: string[]): Gpu; globals: object };
  try {
    package_ = await load('webgpu');
  } catch (error) {
    if ((error as { code?: string }).code === 'ERR_MODULE_NOT_FOUND') return false;
    throw new DeviceError(
      'device',
      "npm's webgpu must load",
      (error as Error).message.split('\n')[0],
      "install version 0.4 or newer: 'npm install webgpu@0.4'",
    );
  }
  Object.assign(globalThis, package_.globals);
  const gpu = package_.create([]);
  if (globalThis.navigator === undefined)
    Object.defineProperty(globalThis, 'navigator', { value: {}, configurable: true, writable: true });
  Object.defineProperty(globalThis.navigator, 'gpu', { value: gpu, configurable: true });
  return true;
}

/**
 * Waits for work on WebGPU. Such work does not keep Node's event loop alive by itself, and a
 * process must not end in the middle of it.
 */
export async function awake<T>(work: Promise<T>): Promise<T> {
  const clock = isNode() ? setInterval(() => {}, 2 ** 30) : undefined;
  try {
    return await work;
  } finally {
    clearInterval(clock);
  }
}

const answerLimitMs = 10_000;
function answered<T>(work: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () =>
        reject(
          new DeviceError(
            'device',
            'WebGPU must answer',
            `no adapter within ${answerLimitMs / 1000} s`,
            'check the graphics driver',
          ),
        ),
      answerLimitMs,
    );
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}

/**
 * WebGPU's adapter.
 * @throws DeviceError if there is no WebGPU or no adapter, or if it does not respond
 */
export async function findAdapter(): Promise<Adapter> {
  const rule = 'WebGPU must be there';
  if (navigatorGpu() === undefined) {
    if (!isNode())
      throw new DeviceError(
        'device',
        rule,
        'no navigator.gpu',
        'use a browser that has it, on a secure page (https or localhost); ' +
          'on Linux, Chromium needs --enable-unsafe-webgpu',
      );
    if (!(await install()))
      throw new DeviceError(
        'device',
        rule,
        "no package 'webgpu'",
        "'npm install webgpu@0.4', and a Vulkan, Metal or Direct3D 12 driver",
      );
  }
  const adapter = await awake(answered((navigatorGpu() as Gpu).requestAdapter()));
  if (adapter === null)
    throw new DeviceError(
      'device',
      'WebGPU must have an adapter',
      'none',
      isNode()
        ? 'install a Vulkan, Metal or Direct3D 12 driver'
        : 'check chrome://gpu or about:support; headless Chromium needs --enable-unsafe-webgpu',
    );
  return describe(adapter);
}

/** Whether requesting an adapter may succeed here, and prints no warnings. */
export async function mayHaveAdapter(): Promise<boolean> {
  return navigatorGpu() !== undefined || (isNode() && (await hasDriver()));
}
