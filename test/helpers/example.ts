/** Runs a program of the folder examples in a process of its own, with a folder for its results. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import { decodePng, decodeSafetensors } from '../../src/io/index.js';

const repository = fileURLToPath(new URL('../..', import.meta.url));

/** Arguments of Node for an example on the wasm device. */
const argumentsOf = (name: string, epochs: number, out: string): string[] => [
  ...['--conditions=cedargrad-source', '--import', 'tsx', `examples/${name}.ts`],
  ...['--epochs', String(epochs), '--device', 'wasm', '--out', out],
];

/** Runs an example with these arguments. */
export const runExample = (name: string, ...args: string[]) =>
  spawnSync(process.execPath, ['--conditions=cedargrad-source', '--import', 'tsx', `examples/${name}.ts`, ...args], {
    cwd: repository,
    encoding: 'utf8',
  });

/** Checks that an example left weights and a picture of the given size, and nothing else. */
function checkResults(name: string, out: string, size: readonly [width: number, height: number]): void {
  assert.equal(readdirSync(out).sort(), [`${name}.png`, `${name}.safetensors`]);
  const { width, height, channels } = decodePng(readFileSync(join(out, `${name}.png`)));
  assert.equal([width, height, channels], [...size, 3]);
  assert.ok(Object.keys(decodeSafetensors(readFileSync(join(out, `${name}.safetensors`)))).length > 0);
}

/**
 * Runs an example for some epochs, and returns what it printed. It must end well and leave weights
 * and a picture of the given size.
 */
export function shortRun(name: string, epochs: number, size: readonly [width: number, height: number]): string {
  const out = mkdtempSync(join(tmpdir(), `${name}-`));
  try {
    const { status, stdout, stderr } = spawnSync(process.execPath, argumentsOf(name, epochs, out), {
      cwd: repository,
      encoding: 'utf8',
    });
    assert.equal([status, stderr], [0, '']);
    checkResults(name, out, size);
    return stdout;
  } finally {
    rmSync(out, { recursive: true });
  }
}

/** Runs an example, and sends it SIGINT after its first epoch. It must save what it made. */
export async function interruptedRun(name: string, size: readonly [width: number, height: number]): Promise<void> {
  const out = mkdtempSync(join(tmpdir(), `${name}-`));
  try {
    const child = spawn(process.execPath, argumentsOf(name, 1_000_000, out), {
      cwd: repository,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let said = '';
    child.stderr.on('data', (text) => {
      said += text;
    });
    let wasSent = false;
    child.stdout.on('data', (text) => {
      if (!wasSent && String(text).includes('epoch')) wasSent = child.kill('SIGINT');
    });
    const [code] = await once(child, 'close');
    assert.equal([code, said], [130, `${name}: SIGINT: saving after this step; once more to end at once\n`]);
    checkResults(name, out, size);
  } finally {
    rmSync(out, { recursive: true });
  }
}

/** The number after a label in what an example printed. */
export function printed(stdout: string, label: string): number {
  const [, number] = stdout.match(new RegExp(`${label}:? +(\\d+\\.\\d+)`)) ?? [];
  assert.ok(number !== undefined, `no ${label} in ${stdout}`);
  return Number(number);
}
