/**
 * The options of the wasm device. They have a file of their own because the public types name them.
 * A program that uses the library compiles without the types of WebAssembly, which the rest of the
 * device needs.
 */

/**
 * simd: multiply and add are rounded separately. relaxed: they are fused if the engine supports it,
 * so the last digits may differ.
 */
export type Build = 'simd' | 'relaxed';

export interface WasmOptions {
  /**
   * Number of threads that compute, including the calling one. Default: the environment's
   * CEDARGRAD_THREADS, else the number of cores.
   */
  threads?: number;
  /** The build of the kernels. Default: the faster one that the engine supports. */
  build?: Build;
  /**
   * Whether addresses have 64 bits, so that the memory can grow to 16 GiB instead of 4. Kernels
   * take longer then. The engine must have this (Node 24 and Chrome 133 do). Default: false.
   */
  memory64?: boolean;
}
