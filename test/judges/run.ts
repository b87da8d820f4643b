/**
 * Compares this library's values and gradients with those of other libraries. Prints totals, and
 * fails if anything is wrong or a judge is missing. JUDGE is database, training, tensorflow or
 * coverage, by default all. --setup installs TensorFlow.js in this folder, and says whether PyTorch
 * is there.
 * usage: npm run judges [-- --setup] [-- JUDGE...]
 */
import { spawnSync } from 'node:child_process';
import { parseArgs } from 'node:util';
import { findPython } from '../../scripts/find-python.js';
import { type Device, device } from '../../src/index.js';
import { judgeCoverage } from './coverage.js';
import type { Report } from './report.js';
import { hasTensorflow, judgeTensorflow, tensorflowFolder } from './tensorflow.js';
import { judgeTorch } from './torch.js';
import { judgeTraining } from './training.js';

interface Judge {
  readonly judge: (reference: Device, wasm: Device) => Promise<Report>;
  readonly present: () => boolean;
  readonly missing: string;
}
const pytorch = {
  present: () => findPython() !== null,
  missing: 'PyTorch: no Python has it; install python3-torch (Debian), or name a Python that has it in PYTHON',
};
const judges: Readonly<Record<string, Judge>> = {
  database: { ...pytorch, judge: judgeTorch },
  training: { ...pytorch, judge: judgeTraining },
  tensorflow: {
    present: hasTensorflow,
    missing: 'TensorFlow.js: not installed; npm run judges -- --setup installs it',
    judge: (reference, wasm) => judgeTensorflow([reference, wasm], 200),
  },
  coverage: { present: () => true, missing: '', judge: async () => judgeCoverage() },
};

function setup(): void {
  const args = ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--no-package-lock'];
  const { status } = spawnSync('npm', args, { cwd: tensorflowFolder, stdio: 'inherit' });
  console.log(status === 0 ? 'TensorFlow.js: installed' : 'TensorFlow.js: npm could not install it');
  const python = findPython();
  console.log(python === null ? pytorch.missing : `PyTorch: in ${python}`);
  process.exitCode = status === 0 && python !== null ? 0 : 1;
}

async function run(names: readonly string[]): Promise<void> {
  const reference = await device('reference');
  const wasm = await device('wasm');
  let [passed, failed, notClaimed] = [0, 0, 0];
  for (const name of names) {
    const { present, missing, judge } = judges[name];
    if (!present()) {
      console.log(`FAIL ${missing}`);
      failed++;
      continue;
    }
    const start = performance.now();
    const report = await judge(reference, wasm);
    report.print();
    console.log(`${((performance.now() - start) / 1000).toFixed(0)} s`);
    const { totals } = report;
    passed += totals.passed;
    failed += totals.failed;
    notClaimed += totals.notClaimed;
  }
  wasm.close();
  console.log(`\n${notClaimed} not claimed, for the reasons above\n${passed} passed, ${failed} failed`);
  process.exitCode = failed > 0 ? 1 : 0;
}

const { values, positionals } = parseArgs({ options: { setup: { type: 'boolean' } }, allowPositionals: true });
const unknown = positionals.find((name) => judges[name] === undefined);
if (unknown !== undefined) {
  console.error(`no judge '${unknown}'; there are ${Object.keys(judges).join(', ')}`);
  process.exitCode = 2;
} else if (values.setup) setup();
else await run(positionals.length === 0 ? Object.keys(judges) : positionals);
