/**
 * The benchmark on a GPU. It runs this library and TensorFlow.js in Chromium, on WebGPU and WebGL2,
 * interleaved. Every configuration and round has a browser of its own, so that kernels are compiled
 * anew. Without a hardware adapter Chromium uses a software one, and then only ratios within one
 * run are meaningful. Not here: the code of the page (page/).
 */
import { existsSync, readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { build } from 'esbuild';
import { type Browser, chromium } from 'playwright-core';
import { agreementOf, digits, emit, machine, progress, repository, save, say, table, unsteady } from './output.js';
import type { Counts } from './page/counters.js';
import type { Api, PageReport, ProfileReport, Trial } from './page/page.js';
import { median } from './timing.js';

export interface GpuOptions {
  readonly json: boolean;
  readonly peers: boolean;
  readonly profile: boolean;
  readonly workloads: readonly string[];
  readonly devices: readonly string[];
  readonly rounds: number;
  readonly budget: number;
}

const executablePath = process.env.CHROMIUM || '/usr/bin/chromium';
const args = [
  '--headless',
  '--no-sandbox',
  '--enable-unsafe-webgpu',
  '--enable-unsafe-swiftshader',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  // Timestamps as the adapter has them, not in steps of 0.1 ms.
  '--disable-dawn-features=timestamp_quantization',
];
const trialLimitMs = 5 * 60_000;
const peers = join(repository, 'bench/peers');

async function bundle(entry: string): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [join(repository, 'bench', entry)],
    absWorkingDir: repository,
    bundle: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    conditions: ['cedargrad-source'],
    external: ['node:*'],
    write: false,
    logLevel: 'silent',
  });
  return outputFiles[0].text;
}

const entries: Readonly<Record<string, string>> = {
  ours: 'page/ours.ts',
  profile: 'page/ours-profile.ts',
  tfjs: 'peers/tfjs-page.mjs',
};

/** Serves the page, its modules and the data that lies in `data`. */
async function serve(libraries: readonly string[], data: string): Promise<Server> {
  const files: Record<string, string> = {
    '/': '<!doctype html><script type="module" src="/page.js"></script>',
    '/page.js': await bundle('page/page.ts'),
  };
  for (const library of libraries) files[`/${library}.js`] = await bundle(entries[library]);
  const server = createServer(({ url = '' }, response) => {
    const body = files[url] ?? (/^\/w\d\.(json|bin)$/.test(url) ? readFileSync(join(data, url)) : undefined);
    const type = url === '/' ? 'text/html' : url.endsWith('.js') ? 'text/javascript' : 'application/octet-stream';
    response.writeHead(body === undefined ? 404 : 200, { 'Content-Type': type }).end(body);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return server;
}

function stop(server: Server): void {
  server.closeAllConnections();
  server.close();
}

/** Rejects when `promise` takes too long: a page whose thread never comes back answers nothing. */
function within<T>(ms: number, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${ms / 1000} s`)), ms);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** Calls one of the page's functions in a browser of its own. @throws Error when the page fails */
async function inBrowser<T>(server: Server, name: 'trial' | 'profile', trial: Trial): Promise<T> {
  const browser: Browser = await chromium.launch({ executablePath, args });
  try {
    const page = await browser.newPage();
    const problems: string[] = [];
    page.on('pageerror', (error) => problems.push(String(error)));
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    await page.waitForFunction('globalThis.trial', null, { timeout: 10_000 }).catch(() => {
      throw new Error(problems[0] ?? 'the page does not load');
    });
    return (await within(trialLimitMs, page.evaluate(`${name}(${JSON.stringify(trial)})`))) as T;
  } finally {
    await browser.close();
  }
}

interface Configuration {
  readonly name: string;
  readonly trial: Trial;
  readonly reports: PageReport[];
  failure: string | null;
}

/**
 * Combines the rounds: the median of the medians, and the least of the minima. Counts are the same
 * in every round.
 */
function summarize({ reports }: Configuration, theirs: Configuration | undefined) {
  const over = (of: readonly PageReport[], pick: (report: PageReport) => number): number => median(of.map(pick));
  const { peer, version, workload, api, gpu, counts } = reports[0];
  const median_ms = over(reports, (r) => r.median_ms);
  return {
    peer: version === '' ? peer : `${peer} ${version}`,
    workload,
    api,
    gpu,
    median_ms,
    min_ms: Math.min(...reports.map((r) => r.min_ms)),
    ratio_to_tfjs:
      theirs === undefined ? null : Number((median_ms / over(theirs.reports, (r) => r.median_ms)).toFixed(3)),
    first_step_ms: over(reports, (r) => r.first_step_ms),
    launch_to_first_ms: over(reports, (r) => r.launch_to_first_ms),
    counts,
    rounds: reports,
  };
}

/** Times every configuration of a workload by turns. */
async function measureAll(
  options: GpuOptions,
  server: Server,
  libraries: readonly string[],
  workload: string,
): Promise<Configuration[]> {
  const all: Configuration[] = options.devices.flatMap((api) =>
    libraries.map((library) => ({
      name: `${library} ${api}`,
      trial: { library, api: api as Api, workload, budget: options.budget },
      reports: [],
      failure: null,
    })),
  );
  for (let round = 0; round < options.rounds; round++)
    for (const configuration of all) {
      if (configuration.failure !== null) continue;
      progress(`${workload}, round ${round + 1} of ${options.rounds}: ${configuration.name}`);
      try {
        configuration.reports.push(await inBrowser<PageReport>(server, 'trial', configuration.trial));
      } catch (error) {
        configuration.failure = (error as Error).message.split('\n')[0];
      }
    }
  progress('');
  return all;
}

const perStep = (count: number): string => (Number.isInteger(count) ? String(count) : count.toFixed(1));
const counted = ({ dispatches, submits, readbacks, bytes_up, bytes_down }: Counts): string[] =>
  [dispatches, submits, readbacks, bytes_up, bytes_down].map(perStep);

/** A configuration fails that ran on no GPU, or on another than the first of its API. */
function requireSameAdapter(all: readonly Configuration[]): void {
  const first = new Map<Api, string>();
  for (const configuration of all)
    for (const { api, gpu } of configuration.reports) {
      const expected = first.get(api) ?? gpu;
      first.set(api, expected);
      if (gpu === 'none' || gpu !== expected) configuration.failure ??= `it ran on '${gpu}' instead of '${expected}'`;
    }
}

async function steps(options: GpuOptions, server: Server, libraries: readonly string[]): Promise<void> {
  for (const workload of options.workloads) {
    const all = await measureAll(options, server, libraries, workload);
    requireSameAdapter(all);
    const ran = all.filter(({ failure, reports }) => failure === null && reports.length > 0);
    const failed = all.filter(({ failure }) => failure !== null).map(({ name, failure }) => ({ name, failure }));
    const rows = ran.map((configuration) =>
      summarize(
        configuration,
        ran.find(({ trial }) => trial.library === 'tfjs' && trial.api === configuration.trial.api),
      ),
    );
    const agreement = agreementOf(ran);
    if (agreement?.agree === false) {
      process.exitCode = 1;
      say(`${workload}: no figures: ${agreement.text}`);
      for (const { name, reports } of ran) say(`${workload}: ${name}: ${reports[0].check.join(', ')}`);
      continue;
    }
    const noisy = unsteady(ran);
    save(`gpu-${workload}`, {
      ...machine(),
      workload,
      budget_ms: options.budget,
      rounds: options.rounds,
      agreement: agreement?.text ?? null,
      noisy,
      rows,
      failed,
    });
    if (options.json) for (const { rounds: _, ...row } of rows) emit(row);
    else if (rows.length > 0)
      say(
        `\n${table(
          [
            workload,
            'median ms',
            'min ms',
            '/ TF.js',
            'first step',
            'from load',
            'dispatches',
            'submits',
            'read-backs',
            'bytes up',
            'bytes down',
          ],
          rows.map((row) => [
            row.peer,
            digits(row.median_ms),
            digits(row.min_ms),
            row.ratio_to_tfjs?.toFixed(2) ?? '-',
            digits(row.first_step_ms),
            digits(row.launch_to_first_ms),
            ...counted(row.counts),
          ]),
          1,
        )}`,
      );
    for (const gpu of new Set(rows.map((row) => `${row.api} on ${row.gpu}`))) say(`${workload}: ${gpu}`);
    if (agreement !== null) say(`${workload}: ${agreement.text}`);
    if (noisy.length > 0)
      say(`${workload}: rounds differ by more than a quarter, so quote nothing of: ${noisy.join('; ')}`);
    if (options.rounds < 3) say(`${workload}: fewer than three rounds: a look, not figures to quote`);
    for (const { name, failure } of failed) say(`${workload}: failed: ${name}: ${failure}`);
    if (failed.length > 0) process.exitCode = 1;
  }
}

/**
 * Time per kernel of a step. WebGPU's times come from the adapter's clock, for the peer too. On
 * WebGL the page waits after each kernel.
 */
async function profile(options: GpuOptions, server: Server, libraries: readonly string[]): Promise<void> {
  const runs = (options.devices as readonly Api[]).flatMap((api) => libraries.map((library) => ({ api, library })));
  for (const workload of options.workloads)
    for (const { api, library } of runs) {
      if (api !== 'webgpu' && library === 'tfjs') continue;
      const report = await inBrowser<ProfileReport>(server, 'profile', {
        library,
        api,
        workload,
        budget: options.budget,
      });
      save(`profile-gpu-${workload}-${library === 'tfjs' ? 'tfjs' : 'ours'}-${api}`, {
        ...machine(),
        workload,
        api,
        ...report,
      });
      if (options.json) {
        for (const kernel of report.kernels) emit({ peer: report.peer, workload, api, ...kernel });
        continue;
      }
      const total = report.kernels.reduce((sum, { ms }) => sum + ms, 0);
      const rows = report.kernels.map(({ kernel, calls, ms }) => [
        kernel,
        digits(calls),
        digits(ms),
        `${((100 * ms) / total).toFixed(1)} %`,
      ]);
      say(
        `\n${workload} on ${report.peer}, ${report.gpu}: one step, mean of 4, ${api === 'webgpu' ? 'timed by the adapter' : 'each kernel waited for'}`,
      );
      say(table(['kernel → threads', 'calls', 'ms', 'share'], [...rows, ['all kernels', '', digits(total), '']], 1));
    }
}

/** The benchmark's --gpu. @throws Error without a browser */
export async function gpu(options: GpuOptions, data: string): Promise<void> {
  if (!existsSync(executablePath))
    throw new Error(`no browser at ${executablePath}: apt-get install -y chromium, or name one in CHROMIUM`);
  const installed = existsSync(join(peers, 'node_modules/@tensorflow/tfjs-backend-webgpu/package.json'));
  if (options.peers && !installed) say('skipped: TensorFlow.js (npm run bench -- --setup)');
  const libraries = [options.profile ? 'profile' : 'ours', ...(options.peers && installed ? ['tfjs'] : [])];
  const server = await serve(libraries, data);
  await (options.profile ? profile : steps)(options, server, libraries).finally(() => stop(server));
}
