/**
 * Builds the page as a static site, and serves it: at /isolated/ with the headers of cross-origin
 * isolation, at /open/ without them, and at /driven/ with a script that drives the page.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isolation } from '../browser/isolation.mjs';

export const repository = fileURLToPath(new URL('../..', import.meta.url));
export const site = join(repository, 'out/site');
export const read = (file) => readFileSync(join(repository, file));

const types = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.css': 'text/css',
  '.png': 'image/png',
};

export const buildSite = () =>
  execFileSync('npm', ['run', 'web-build'], { cwd: repository, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });

/**
 * Serves the site.
 * @param extra texts by path that are served beside the site, for the driven page
 * @param receive gets what the driven page posts
 */
export async function serveSite(extra = {}, receive = () => {}) {
  const server = createServer(async (request, response) => {
    if (request.method === 'POST') {
      const parts = [];
      for await (const part of request) parts.push(part);
      response.end();
      receive(JSON.parse(Buffer.concat(parts).toString()));
      return;
    }
    const [, kind, path = ''] = /^\/(isolated|open|driven)\/([^?]*)/.exec(request.url) ?? [];
    const file = path === '' ? 'index.html' : path;
    const headers = { 'Content-Type': types[extname(file)] ?? 'application/octet-stream' };
    if (kind === 'isolated') Object.assign(headers, isolation);
    try {
      let body = extra[file] ?? readFileSync(join(site, file));
      if (kind === 'driven' && file === 'index.html')
        body = String(body).replace('</body>', '<script type="module" src="./drive.mjs"></script></body>');
      response.writeHead(200, headers).end(body);
    } catch {
      response.writeHead(404, headers).end();
    }
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  return { server, base: `http://127.0.0.1:${server.address().port}` };
}
