/** Choosing and loading a build of the kernels. */
import { DeviceError } from '../../errors.js';

/** simd: multiply, then add, each rounded. relaxed: fused where the engine has it; last digits may differ. */
export type Build = 'simd' | 'relaxed';

/**
 * Whether the relaxed build is the faster one here. Engines before V8 13 compile it to slower code than multiply and add (measured on Node 22; Node 20 has none),
 * so the engine decides, by its version; others are taken at their word that they have it.
 */
function relaxedIsFaster(): boolean {
  const v8 =
    typeof process === 'object'
      ? process.versions?.v8
      : /Chrome\/(\d+)/.exec(globalThis.navigator?.userAgent ?? '')?.[1];
  if (v8 === undefined) return true;
  const major = Number.parseInt(v8, 10);
  // Chrome 130 is V8 13.0.
  return major >= 130 || (major >= 13 && typeof process === 'object');
}

function decode(base64: string): Uint8Array<ArrayBuffer> {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

/** The compiled module. @throws DeviceError where the engine lacks what the build needs */
export async function load(
  asked: Build | undefined,
  shared: boolean,
): Promise<{ module: WebAssembly.Module; build: Build }> {
  const { builds } = await import('./binary.js');
  const bytesOf = (build: Build): Uint8Array<ArrayBuffer> => {
    const bytes = decode(builds[build].base64);
    if (!shared) bytes[builds[build].sharedFlag] = 1;
    return bytes;
  };
  const order: readonly Build[] = asked !== undefined ? [asked] : relaxedIsFaster() ? ['relaxed', 'simd'] : ['simd'];
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
