/** Selects and loads a build of the kernels. */
import { DeviceError } from '../../errors.js';
import { hasMemory64 } from './grant.js';
import type { Build } from './options.js';

/**
 * V8's version, if it is known. It is Node's own version of V8, or Chrome's major version, which is
 * ten times V8's.
 */
const engine = (): string | undefined =>
  typeof process === 'object' ? process.versions?.v8 : /Chrome\/(\d+)/.exec(globalThis.navigator?.userAgent ?? '')?.[1];

/**
 * Whether the relaxed build is the faster one on this version of the engine. Engines before V8 13
 * (Chrome 130) compile it to slower code than separate multiply and add (measured on Node 22; Node
 * 20 does not support it). Other engines that support it are assumed to be faster with it.
 */
export function relaxedIsFaster(version: string | undefined): boolean {
  if (version === undefined) return true;
  const major = Number.parseInt(version, 10);
  return version.includes('.') ? major >= 13 : major >= 130;
}

/** The bit of a memory's flags that says that it is shared. */
const sharedFlag = 2;

function decode(base64: string): Uint8Array<ArrayBuffer> {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

/** Compiles the module. @throws DeviceError if the engine lacks a feature that the build needs */
export async function load(
  asked: Build | undefined,
  shared: boolean,
  memory64: boolean,
): Promise<{ module: WebAssembly.Module; build: Build }> {
  if (memory64 && !hasMemory64())
    throw new DeviceError(
      'device',
      'WebAssembly must have memory with 64-bit addresses (memory64)',
      'an engine without',
      'use Node 24 or newer or a current browser, or a memory of 4 GiB (memory64: false)',
    );
  const { builds } = await (memory64 ? import('./binary64.js') : import('./binary.js'));
  const bytesOf = (build: Build): Uint8Array<ArrayBuffer> => {
    const bytes = decode(builds[build].base64);
    if (!shared) bytes[builds[build].memoryFlags] &= ~sharedFlag;
    return bytes;
  };
  const order: readonly Build[] =
    asked !== undefined ? [asked] : relaxedIsFaster(engine()) ? ['relaxed', 'simd'] : ['simd'];
  for (const build of order) {
    const bytes = bytesOf(build);
    if (WebAssembly.validate(bytes)) return { module: await WebAssembly.compile(bytes), build };
  }
  throw new DeviceError(
    'device',
    `WebAssembly must have what the ${order.at(-1)} build needs`,
    'an engine without',
    "use device('reference')",
  );
}
