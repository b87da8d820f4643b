/**
 * The sites that Chromium visits. They contain the built package, bundled by esbuild or by Vite, or
 * the package's own build for pages. A site is an object that maps the path of each file to its
 * text or bytes.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build as esbuild } from 'esbuild';
import { build as vite } from 'vite';

const repository = fileURLToPath(new URL('../..', import.meta.url));
const own = (file) => fileURLToPath(new URL(file, import.meta.url));
const read = (path) => readFileSync(path, 'utf8');

/** Checks that a bundle contains files of dist and none of src. */
function assertBuilt(paths) {
  assert.ok(
    paths.some((path) => path.startsWith('dist/')),
    'nothing of dist is bundled',
  );
  assert.deepEqual(
    paths.filter((path) => path.startsWith('src/')),
    [],
    'bundled from src',
  );
}

async function withEsbuild(entryPoints, options) {
  const { outputFiles, metafile } = await esbuild({
    entryPoints,
    absWorkingDir: repository,
    outdir: '/',
    // The repository's own tsconfig.json would resolve the package to src.
    tsconfigRaw: '{}',
    bundle: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    write: false,
    metafile: true,
    logLevel: 'silent',
    ...options,
  });
  assertBuilt(Object.keys(metafile.inputs));
  return Object.fromEntries(outputFiles.map(({ path, text }) => [path.slice(1), text]));
}

async function withVite(input, minify) {
  const { output } = await vite({
    root: repository,
    configFile: false,
    base: './',
    logLevel: 'silent',
    build: { minify, write: false, rollupOptions: { input, output: { entryFileNames: 'page.js' } } },
  });
  assertBuilt(output.flatMap(({ moduleIds }) => moduleIds.map((id) => id.slice(repository.length))));
  return Object.fromEntries(output.map(({ fileName, code }) => [fileName, code]));
}

/** The site of conform.mjs in a bundle. gpu.js is a separate chunk there. */
export const conforming = (tool, minify) =>
  tool === 'vite'
    ? withVite(own('conform.mjs'), minify)
    : withEsbuild({ page: own('conform.mjs') }, { splitting: true, minify });

const trainingPage = () => ({
  'page.js': read(own('page.mjs')),
  'train.mjs': read(own('train.mjs')),
  'alive-page.mjs': read(own('alive-page.mjs')),
  'data-page.mjs': read(own('data-page.mjs')),
});

/** The site of page.mjs, with the package bundled into one file. */
export const training = async (minify) => ({
  ...trainingPage(),
  ...(await withEsbuild({ cedargrad: 'dist/index.js' }, { minify })),
});

/** The site of page.mjs, with the files of dist/browser and a photograph. */
export function published() {
  const folder = `${repository}dist/browser/`;
  const [{ file: photo }] = JSON.parse(read(own('../fixtures/jpeg.json')));
  return {
    ...trainingPage(),
    ...Object.fromEntries(readdirSync(folder).map((file) => [file, read(folder + file)])),
    'photo.jpg': Buffer.from(photo, 'base64'),
  };
}
