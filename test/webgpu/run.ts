/**
 * The WebGPU mode in Node, on a software adapter: proof that its kernels are right where there is no GPU, and nothing about speed.
 * Runs the test files beside this one with Chromium's SwiftShader as their Vulkan driver. Where the driver is missing, that is a failure: nothing was tested.
 * usage: npm run webgpu-check   The environment's VK_ICD_FILENAMES may name another driver, such as a real GPU's.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const chromium = '/usr/lib/chromium';
const swiftShader = `${chromium}/vk_swiftshader_icd.json`;
const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

function run(): number {
  const driver = process.env.VK_ICD_FILENAMES || swiftShader;
  if (!existsSync(driver)) {
    console.log(
      `FAIL WebGPU in Node: no Vulkan driver at ${driver}: apt-get install -y chromium, or name a driver in VK_ICD_FILENAMES\n0 passed, 1 failed`,
    );
    return 1;
  }
  // Chromium carries libvulkan.so.1 too, for systems that have none.
  const libraries = [process.env.LD_LIBRARY_PATH, chromium].filter(Boolean).join(':');
  const { status } = spawnSync(process.execPath, ['--import', 'tsx', here('../run.ts'), '--root', here('.')], {
    stdio: 'inherit',
    env: { ...process.env, VK_ICD_FILENAMES: driver, LD_LIBRARY_PATH: libraries },
  });
  return status ?? 1;
}
process.exitCode = run();
