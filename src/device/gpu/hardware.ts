/** Whether there is a GPU, without loading gpu.js to find that there is none. Not here: the device. */
import { DeviceError } from '../../errors.js';
import type { GpuDevice, GpuMode } from './index.js';
import { findAdapter, isSoftware, mayHaveAdapter } from './webgpu.js';

/** The name of a WebGL2 context's adapter; null where there is none. */
function webgl2Adapter(): string | null {
  if (typeof OffscreenCanvas === 'undefined' || typeof document === 'undefined') return null;
  const context = new OffscreenCanvas(1, 1).getContext('webgl2');
  if (context === null) return null;
  const info = context.getExtension('WEBGL_debug_renderer_info');
  const name = String(context.getParameter(info === null ? context.RENDERER : info.UNMASKED_RENDERER_WEBGL));
  context.getExtension('WEBGL_lose_context')?.loseContext();
  return name;
}

/** A device on a hardware adapter, WebGPU's before WebGL2's; null where there is none, or it does not open. */
export async function openHardware(): Promise<GpuDevice | null> {
  const modes: GpuMode[] = [];
  if (await mayHaveAdapter()) {
    const adapter = await findAdapter().catch(() => null);
    if (adapter?.software === false) modes.push('webgpu');
  }
  const webgl2 = webgl2Adapter();
  if (webgl2 !== null && !isSoftware(webgl2)) modes.push('webgl2');
  for (const mode of modes) {
    const { createGpuDevice } = await import('./index.js');
    try {
      return await createGpuDevice({ mode });
    } catch (error) {
      if (!(error instanceof DeviceError)) throw error;
    }
  }
  return null;
}
