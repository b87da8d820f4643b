/** Looks for a GPU. If there is none, gpu.js is not loaded. Not here: the device. */
import { findAdapter, glAdapter, mayHaveAdapter } from './adapters.js';
import type { GpuDevice, GpuMode } from './index.js';

/** Whether WebGL2 runs on a hardware adapter. */
function hasWebgl2(): boolean {
  if (typeof OffscreenCanvas === 'undefined' || typeof document === 'undefined') return false;
  const context = new OffscreenCanvas(1, 1).getContext('webgl2');
  if (context === null) return false;
  const { software } = glAdapter(context);
  context.getExtension('WEBGL_lose_context')?.loseContext();
  return !software;
}

/**
 * A device on a hardware adapter, WebGPU's before WebGL2's. Null if there is no such adapter.
 * Throws if there is one but it does not open.
 */
export async function openHardware(): Promise<GpuDevice | null> {
  const modes: GpuMode[] = [];
  if (await mayHaveAdapter()) {
    const adapter = await findAdapter().catch(() => null);
    if (adapter?.software === false) modes.push('webgpu');
  }
  if (hasWebgl2()) modes.push('webgl2');
  let failure: unknown = null;
  for (const mode of modes)
    try {
      return await (await import('./index.js')).createGpuDevice({ mode });
    } catch (error) {
      failure ??= error;
    }
  if (failure !== null) throw failure;
  return null;
}
