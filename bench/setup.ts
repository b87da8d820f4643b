/** Installs the libraries that the benchmark compares with. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { findPython } from '../scripts/find-python.js';
import { repository, say } from './output.js';
import { environment, peers } from './processes.js';

export const tfjsInstalled = (): boolean =>
  existsSync(join(peers, 'node_modules/@tensorflow/tfjs-backend-wasm/package.json'));

export const runtimeInstalled = (build: 'node' | 'web'): boolean =>
  existsSync(join(peers, `node_modules/onnxruntime-${build}/package.json`));

export function setup(): void {
  const attempt = (file: string, args: readonly string[], cwd: string): boolean => {
    say(`> ${[file, ...args].join(' ')}`);
    return (
      spawnSync(file, args, {
        cwd,
        stdio: ['ignore', 2, 2],
        env: { ...environment, DEBIAN_FRONTEND: 'noninteractive' },
      }).status === 0
    );
  };
  // Without install scripts: the package of onnxruntime-node has its CPU library in it.
  const npm = attempt('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--no-package-lock'], peers);
  say(`TensorFlow.js and ONNX Runtime: ${npm ? 'installed in bench/peers' : 'npm could not install them'}`);
  const packages = ['python3-torch', 'libopenblas0-pthread'];
  const apt = spawnSync('apt-get', ['--version'], { stdio: 'ignore' }).status === 0;
  if (apt && process.getuid?.() === 0) {
    if (!attempt('apt-get', ['install', '-y', ...packages], repository)) say('PyTorch: apt-get could not install it');
  } else if (findPython() === null)
    say(
      apt
        ? `PyTorch: run as root: apt-get install -y ${packages.join(' ')}`
        : 'PyTorch: install it with OpenBLAS or MKL, and name that Python in PYTHON',
    );
  say(`PyTorch: ${findPython() ?? 'none found'}`);
}
