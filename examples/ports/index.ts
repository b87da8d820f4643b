/** Runs the ports: all of them, or those named. */
import { pathToFileURL } from 'node:url';
import type { Print } from './print.js';

/** In the order of the README beside this file. */
export const names = [
  'zero-filled',
  'argmax-scatter',
  'tilt',
  'batch-index',
  'duplicates',
  'custom-op',
  'cedn',
  'swwae',
  'max-pool-grad',
  'resize',
  'addons',
  'torch-onnx',
] as const;

/** Everything that a port prints. */
export async function run(name: (typeof names)[number]): Promise<string> {
  const lines: string[] = [];
  const { port } = (await import(`./${name}.js`)) as { port: (print: Print) => void | Promise<void> };
  await port((line = '') => lines.push(line));
  return `${lines.join('\n')}\n`;
}

/** Runs the command line; returns the exit code. */
export async function main(args: readonly string[]): Promise<number> {
  const unknown = args.find((arg) => !names.some((name) => name === arg));
  if (unknown !== undefined) {
    process.stderr.write(`ports: no port is called '${unknown}'; there are ${names.join(', ')}\n`);
    return 2;
  }
  const chosen = names.filter((name) => args.length === 0 || args.includes(name));
  for (const name of chosen)
    process.stdout.write(
      `${chosen.length > 1 ? `--- ${name}\n` : ''}${await run(name)}${chosen.length > 1 ? '\n' : ''}`,
    );
  return 0;
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href)
  process.exitCode = await main(process.argv.slice(2));
