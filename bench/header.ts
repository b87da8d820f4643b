/** What the figures depend on, printed before them: the machine, the engine and PyTorch's BLAS. */
import { join } from 'node:path';
import { device } from 'cedargrad';
import { findPython } from '../scripts/find-python.js';
import { machine, say } from './output.js';
import { type Ours, peers, run } from './processes.js';

/** Prints the machine, the engine, and where this library comes from. */
export async function header(ours: Ours): Promise<void> {
  const { cpu, cores, memory_gb, platform, load, node, v8 } = machine();
  const on = await device('wasm', { threads: 1 });
  say(`machine: ${cpu}, ${cores} cores, ${memory_gb} GB, ${platform}, load ${load.toFixed(1)}`);
  say(`engine: Node ${node}, V8 ${v8}, wasm build ${on.mode}`);
  await on.close();
  say(
    `cedargrad: from ${ours.from === 'dist' ? 'dist' : 'the sources, compiled as they load: run npm run build first if the time from launch matters'}`,
  );
}

/** The Python that has PyTorch, after printing its version and BLAS. Null if there is none. */
export async function pytorch(): Promise<string | null> {
  const python = findPython();
  if (python === null) {
    say('PyTorch: skipped, because no Python with torch was found (npm run bench -- --setup)');
    return null;
  }
  const [{ version, blas }] = (await run({ file: python, args: [join(peers, 'blas.py')] }, 0)) as {
    version: string;
    blas: string;
  }[];
  say(`PyTorch: ${version}, multiplies with ${blas}`);
  return python;
}
