/** Finds a Python that has PyTorch, for the benchmark's peer and for the outside judges. */
import { spawnSync } from 'node:child_process';

/** Its path or name, or null. The environment's PYTHON, where it is set, is the only candidate. */
export function findPython(): string | null {
  const candidates =
    process.env.PYTHON === undefined ? ['python3', '/usr/bin/python3', 'python'] : [process.env.PYTHON];
  return candidates.find((file) => spawnSync(file, ['-c', 'import torch'], { stdio: 'ignore' }).status === 0) ?? null;
}
