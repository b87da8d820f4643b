/** Runs the program cedargrad in tests, in this process or in one of its own, on small images. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { main } from '../../src/cli/program.js';
import { encodePng } from '../../src/io/index.js';

export const repository = fileURLToPath(new URL('../..', import.meta.url));

export interface Outcome {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Runs a command line in this process. */
export async function cedargrad(...args: readonly string[]): Promise<Outcome> {
  const streams = [process.stdout, process.stderr] as const;
  const writes = streams.map((stream) => stream.write);
  const texts = ['', ''];
  streams.forEach((stream, i) => {
    stream.write = ((text: string | Uint8Array) => {
      texts[i] += String(text);
      return true;
    }) as typeof stream.write;
  });
  let code: number;
  try {
    code = await main(args);
  } finally {
    streams.forEach((stream, i) => {
      stream.write = writes[i];
    });
  }
  return { code, out: texts[0], err: texts[1] };
}

/** Starts the program in a process of its own. `shell` runs before it, in bash. */
export function start(args: readonly string[], shell = ''): ChildProcessWithoutNullStreams {
  const program = ['--conditions=cedargrad-source', '--import', 'tsx', 'src/cli/main.ts', ...args];
  const env = { ...process.env, CEDARGRAD_THREADS: '1' };
  return shell === ''
    ? spawn(process.execPath, program, { cwd: repository, env })
    : spawn('bash', ['-c', `${shell}; exec "$0" "$@"`, process.execPath, ...program], { cwd: repository, env });
}

/** What a process printed and how it ended. */
export async function ended(child: ChildProcessWithoutNullStreams): Promise<Outcome & { signal: string | null }> {
  const texts = ['', ''];
  child.stdout.on('data', (text) => {
    texts[0] += text;
  });
  child.stderr.on('data', (text) => {
    texts[1] += text;
  });
  return new Promise((resolve) => {
    child.on('close', (code, signal) => resolve({ code, signal, out: texts[0], err: texts[1] }));
  });
}

/** The bytes of a disc on a ground, whose place and shades depend on a number. */
export function picture(number: number, height = 16, width = height, channels: 1 | 3 = 3): Uint8Array {
  const data = Uint8Array.from({ length: height * width * channels }, (_, i) => {
    const [x, y, c] = [Math.floor(i / channels) % width, Math.floor(i / channels / width), i % channels];
    const isInside = (x - 4 - (number % 8)) ** 2 + (y - 5 - (number % 6)) ** 2 < 16;
    return isInside ? 250 - 60 * c : 20 + 5 * number + 2 * y;
  });
  return encodePng({ width, height, channels, data });
}

/** Writes images into a folder, by name. */
export function writeImages(folder: string, images: Readonly<Record<string, Uint8Array>>): string {
  for (const [name, bytes] of Object.entries(images)) {
    const path = join(folder, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, bytes);
  }
  return folder;
}

/** A folder of small images, some of them in a folder below it. */
export const writePictures = (folder: string, count: number, side = 16): string =>
  writeImages(
    folder,
    Object.fromEntries(
      Array.from({ length: count }, (_, i) => [`${i % 2 === 0 ? '' : 'more/'}image${i}.png`, picture(i, side)]),
    ),
  );

/** A JPEG of test/fixtures/jpeg.json: 10 × 13 pixels, 13 × 10 where it is turned. */
export function jpeg(name: string): Buffer {
  const cases = JSON.parse(readFileSync(join(repository, 'test/fixtures/jpeg.json'), 'utf8')) as {
    name: string;
    file: string;
  }[];
  return Buffer.from(cases.find((one) => one.name === name)?.file ?? '', 'base64');
}

/** The objects that --json prints, one a line. */
export const objectsOf = (out: string): Record<string, unknown>[] =>
  out
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
