/**
 * Tests the WebGPU mode in Node, on a software adapter. This shows that the kernels are right
 * without a GPU. It shows nothing about speed.
 * It runs the test files beside this one, with Chromium's SwiftShader as the Vulkan driver. A
 * missing driver is a failure, because then nothing was tested.
 * usage: npm run webgpu-check [-- --every N]   N: one in N of the checks that browsers run as well
 * VK_ICD_FILENAMES in the environment may name another driver, for example that of a GPU.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const { values } = parseArgs({ options: { every: { type: 'string', default: '1' } } });
const chromium = '/usr/lib/chromium';
const swiftShader = `${chromium}/vk_swiftshader_icd.json`;
const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

function run(): number {
  const driver = process.env.VK_ICD_FILENAMES || swiftShader;
  if (!existsSync(driver)) {
    console.log(
      `FAIL WebGPU in Node: no Vulkan driver at ${driver}: ` +
        'apt-get install -y chromium, or name a driver in VK_ICD_FILENAMES\n0 passed, 1 failed',
    );
    return 1;
  }
  // Chromium also contains libvulkan.so.1, which some systems lack.
  const libraries = [process.env.LD_LIBRARY_PATH, chromium].filter(Boolean).join(':');
  const { status } = spawnSync(process.execPath, ['--import', 'tsx', here('../run.ts'), '--root', here('.')], {
    stdio: 'inherit',
    env: { ...process.env, VK_ICD_FILENAMES: driver, LD_LIBRARY_PATH: libraries, EVERY: values.every },
  });
  return status ?? 1;
}
process.exitCode = run();
