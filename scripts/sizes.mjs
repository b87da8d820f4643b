/**
 * Sizes of what users download, from dist: the code of a page, the wasm kernels, the package. Each
 * has a limit in scripts/size-limits.json, and the figures of each release are in bench/history.
 * usage: npm run sizes               prints each size beside its limit and the last release's
 *        npm run sizes -- --limits   writes new limits, which are 5 % above today's sizes
 */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';

const repository = fileURLToPath(new URL('..', import.meta.url));
const limitsFile = fileURLToPath(new URL('size-limits.json', import.meta.url));
const historyFolder = join(repository, 'bench/history');
/** Above today's size. A larger growth is meant, or it is a mistake. */
const margin = 1.05;

/** Bytes of files as they are, and as a server compresses each. */
const bytesOf = (files) => ({
  plain: files.reduce((sum, file) => sum + file.length, 0),
  compressed: files.reduce((sum, file) => sum + gzipSync(file, { level: 9 }).length, 0),
});

/**
 * The package as a bundler minifies it, without the chunks that load later. It is what a page loads
 * before it asks for a device.
 */
async function bundled() {
  const { outputFiles, metafile } = await build({
    entryPoints: { page: join(repository, 'dist/index.js') },
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    minify: true,
    outdir: join(repository, 'out'),
    absWorkingDir: repository,
    write: false,
    metafile: true,
    logLevel: 'silent',
  });
  const first = new Set();
  const add = (path) => {
    if (first.has(path)) return;
    first.add(path);
    for (const { kind, path: next } of metafile.outputs[path].imports) if (kind === 'import-statement') add(next);
  };
  add('out/page.js');
  return outputFiles.filter(({ path }) => first.has(`out/${basename(path)}`)).map(({ contents }) => contents);
}

/** The same of the build for pages. Its files import each other by `from"./name.js"`. */
function loadedAtFirst(name = 'cedargrad.js', found = new Map()) {
  if (found.has(name)) return found;
  const text = readFileSync(join(repository, 'dist/browser', name), 'utf8');
  found.set(name, Buffer.from(text));
  for (const [, next] of text.matchAll(/(?:from|import)\s*"\.\/([\w.-]+\.js)"/g)) loadedAtFirst(next, found);
  return found;
}

/** Sizes by name. @units bytes */
export async function measureSizes() {
  const sizes = {};
  const core = bytesOf(await bundled());
  sizes['cedargrad in a bundle'] = core.plain;
  sizes['cedargrad in a bundle, compressed'] = core.compressed;
  const page = bytesOf([...loadedAtFirst().values()]);
  sizes['cedargrad/browser'] = page.plain;
  sizes['cedargrad/browser, compressed'] = page.compressed;
  for (const [file, memory] of [
    ['binary.js', ''],
    ['binary64.js', '64-bit memory, '],
  ]) {
    const { builds } = await import(pathToFileURL(join(repository, 'dist/device/wasm', file)));
    for (const [name, { base64 }] of Object.entries(builds))
      sizes[`wasm kernels, ${memory}${name}`] = Buffer.from(base64, 'base64').length;
  }
  const pack = execFileSync('npm', ['pack', '--dry-run', '--json'], {
    cwd: repository,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
    shell: process.platform === 'win32',
  });
  const [{ size, unpackedSize }] = JSON.parse(pack);
  sizes['package, packed'] = size;
  sizes['package, unpacked'] = unpackedSize;
  return sizes;
}

/**
 * The figures of the last release before this version, if there is one, else those of this version.
 * Null if there are none.
 */
export function lastRelease() {
  const { version } = JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8'));
  const later = (a, b) => a.localeCompare(b, 'en', { numeric: true });
  const files = readdirSync(historyFolder).filter((file) => /^\d+\.\d+\.\d+\.json$/.test(file));
  const others = files.filter((file) => file !== `${version}.json`);
  const newest = (others.length > 0 ? others : files).sort(later).at(-1);
  return newest === undefined ? null : JSON.parse(readFileSync(join(historyFolder, newest), 'utf8'));
}

const kilobytes = (bytes) => `${(bytes / 1000).toFixed(1)} kB`;
const change = (now, before) => `${now >= before ? '+' : '−'}${Math.abs(100 * (now / before - 1)).toFixed(1)} %`;

/** A line for each size, and those that exceed their limits or have none. */
export async function compareSizes() {
  const limits = JSON.parse(readFileSync(limitsFile, 'utf8'));
  const last = lastRelease();
  const sizes = await measureSizes();
  const lines = Object.entries(sizes).map(([name, bytes]) => {
    const before = last?.sizes[name];
    const history = before === undefined ? '' : `, ${last.version} had ${kilobytes(before)} (${change(bytes, before)})`;
    return `${name}: ${kilobytes(bytes)} of at most ${kilobytes(limits[name] ?? 0)}${history}`;
  });
  const over = lines.filter((_, i) => !(Object.values(sizes)[i] <= limits[Object.keys(sizes)[i]]));
  return { sizes, lines, over };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  if (process.argv.includes('--limits')) {
    const limits = Object.entries(await measureSizes()).map(([name, bytes]) => [name, Math.ceil(bytes * margin)]);
    writeFileSync(limitsFile, `${JSON.stringify(Object.fromEntries(limits), null, 2)}\n`);
  }
  const { lines, over } = await compareSizes();
  for (const line of lines) console.log(over.includes(line) ? `TOO LARGE ${line}` : line);
  if (over.length > 0) {
    console.log(
      'Find out what has grown. If it is worth its size, run `npm run sizes -- --limits` and commit the limits.',
    );
    process.exitCode = 1;
  }
}
