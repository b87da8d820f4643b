/**
 * The benchmark. It runs the workloads on this library's devices and on the installed peers,
 * interleaved, each configuration in processes of its own. A step is forward, backward, Adam, and
 * reading the loss. Not here: the networks (workloads.ts, peers/), the timing of a step
 * (measure.ts).
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { gzipSync } from 'node:zlib';
import { findPython } from '../scripts/find-python.js';
import { workloads as allWorkloads, writeData } from './data.js';
import type { Report } from './measure.js';
import {
  agreementOf,
  digits,
  emit,
  keepStdout,
  machine,
  progress,
  repository,
  results,
  save,
  say,
  table,
  unsteady,
} from './output.js';
import { median } from './timing.js';

const usage = `Times training steps of w1, w2 and w3 on this library and its peers, interleaved.
usage: npm run bench -- [options]
  --setup           install the peers (TensorFlow.js into bench/peers; PyTorch with apt-get where root may), then stop
  --json            one JSON object per configuration on stdout and nothing else there
  --quick           one short round: for a look, not for figures
  --workloads LIST  some of w1,w2,w3 (default all; with --gpu w1,w3)
  --devices LIST    some of wasm, wasm:simd, wasm:relaxed, reference, gpu:cpu, gpu:webasm (default wasm); with --gpu some of webgpu, webgl2 (default both)
  --threads LIST    thread counts (default 1,2)
  --no-peers        this library only
  --rounds N        rounds (default 3; quick 1)
  --budget MS       time per process (default 3000; quick 800)
  --profile         instead: time per kernel of one compiled step (the first of --workloads and --devices, the last of --threads); with --gpu of one step, on all of them
  --gpu             instead: this library and TensorFlow.js on WebGPU and WebGL2 in Chromium (the environment's CHROMIUM, default /usr/bin/chromium)
  --extras          instead: batch scaling, GFLOP/s per convolution beside the thread's peak, layers beside PyTorch's, bytes
  --help            this text
Results go to bench/results/*.json.`;

const data = join(results, 'data');
const build = join(results, 'build');
const peers = join(repository, 'bench/peers');

/** A mistake on the command line: one line, exit 2. */
class UsageError extends Error {}

interface Options {
  readonly setup: boolean;
  readonly json: boolean;
  readonly profile: boolean;
  readonly extras: boolean;
  readonly gpu: boolean;
  readonly peers: boolean;
  readonly workloads: readonly string[];
  readonly devices: readonly string[];
  readonly threads: readonly number[];
  readonly rounds: number;
  readonly budget: number;
}

/** Reads the flags; null for --help. */
function parse(args: string[]): Options | null {
  let values: Record<string, string | boolean | undefined>;
  try {
    const flag = { type: 'boolean' } as const;
    const text = { type: 'string' } as const;
    ({ values } = parseArgs({
      args,
      options: {
        setup: flag,
        json: flag,
        quick: flag,
        workloads: text,
        devices: text,
        threads: text,
        'no-peers': flag,
        rounds: text,
        budget: text,
        profile: flag,
        extras: flag,
        gpu: flag,
        help: flag,
      },
    }));
  } catch (error) {
    throw new UsageError((error as Error).message.split('\n')[0]);
  }
  if (values.help) return null;
  const list = (name: string, fallback: string, legal: RegExp): string[] => {
    const items = String(values[name] ?? fallback).split(',');
    const odd = items.find((item) => !legal.test(item));
    if (odd !== undefined) throw new UsageError(`--${name} cannot have '${odd}'`);
    return items;
  };
  const count = (name: string, fallback: number): number => {
    const value = Number(values[name] ?? fallback);
    if (!Number.isInteger(value) || value < 1)
      throw new UsageError(`--${name} must be a whole number of at least 1; got '${values[name]}'`);
    return value;
  };
  const quick = values.quick === true;
  const onGpu = values.gpu === true;
  return {
    setup: values.setup === true,
    json: values.json === true,
    profile: values.profile === true,
    extras: values.extras === true,
    gpu: onGpu,
    peers: values['no-peers'] !== true,
    workloads: list('workloads', onGpu ? 'w1,w3' : allWorkloads.join(), new RegExp(`^(${allWorkloads.join('|')})$`)),
    devices: onGpu
      ? list('devices', 'webgpu,webgl2', /^(webgpu|webgl2)$/)
      : list('devices', 'wasm', /^(wasm(:simd|:relaxed)?|reference|gpu:(cpu|webasm))$/),
    threads: list('threads', '1,2', /^[1-9]\d*$/).map(Number),
    rounds: count('rounds', quick ? 1 : 3),
    budget: count('budget', quick ? 800 : 3000),
  };
}

// Without these two OpenBLAS chooses its kernels itself, as it would for anyone.
const { OPENBLAS_CORETYPE: _core, OPENBLAS_L2_SIZE: _cache, ...environment } = process.env;

interface Command {
  readonly file: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** The JSON lines that a process prints. @throws Error with the last line of stderr if it fails */
function run({ file, args, env }: Command, budget: number): Promise<unknown[]> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, {
      cwd: repository,
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: 20 * 60_000,
      env: {
        ...environment,
        BUDGET: String(budget),
        BENCH_DATA: data,
        BENCH_MEASURE: pathToFileURL(join(build, 'measure.js')).href,
        T0: String(Math.round((performance.timeOrigin + performance.now()) * 1e6)),
        ...env,
      },
    });
    let out = '';
    let errors = '';
    child.stdout.on('data', (chunk) => (out += chunk));
    child.stderr.on('data', (chunk) => (errors += chunk));
    child.on('error', reject);
    child.on('close', (code, signal) => {
      if (code !== 0) {
        const lines = errors.trim().split('\n');
        const line = lines.find((text) => /^(\S*Error|Uncaught)\b/.test(text.trim())) ?? lines.at(-1);
        reject(new Error(line?.trim() || `ended with ${signal ?? code}`));
      } else
        resolve(
          out
            .split('\n')
            .filter((line) => line.startsWith('{'))
            .map((line) => JSON.parse(line)),
        );
    });
  });
}

const newest = (folder: string): number =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' }).reduce((time, file) => {
    const info = statSync(join(folder, file));
    return info.isFile() ? Math.max(time, info.mtimeMs) : time;
  }, 0);

/**
 * The command that starts this library's processes: on the built package if it is up to date, else
 * on the sources.
 */
interface Ours {
  readonly from: 'dist' | 'sources';
  command(script: string, args: readonly string[], env?: Readonly<Record<string, string>>): Command;
}

/**
 * Strips the types of the benchmark's own files, so that its processes need no compiler. The files
 * import the package by its name.
 */
async function prepare(): Promise<Ours> {
  const { default: ts } = await import('typescript');
  mkdirSync(build, { recursive: true });
  const folder = join(repository, 'bench');
  for (const file of readdirSync(folder).filter((name) => name.endsWith('.ts'))) {
    const { outputText } = ts.transpileModule(readFileSync(join(folder, file), 'utf8'), {
      compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext },
    });
    writeFileSync(join(build, file.replace(/\.ts$/, '.js')), outputText);
  }
  writeData(data);
  const entry = join(repository, 'dist/index.js');
  const fresh = existsSync(entry) && statSync(entry).mtimeMs >= newest(join(repository, 'src'));
  return {
    from: fresh ? 'dist' : 'sources',
    command: (script, args, env) => ({
      file: process.execPath,
      args: fresh
        ? [join(build, `${script}.js`), ...args]
        : ['--conditions=cedargrad-source', '--import', 'tsx', join(repository, 'bench', `${script}.ts`), ...args],
      env,
    }),
  };
}

const tfjsInstalled = (): boolean => existsSync(join(peers, 'node_modules/@tensorflow/tfjs-backend-wasm/package.json'));

function setup(): void {
  const attempt = (file: string, args: readonly string[], cwd: string): boolean => {
    say(`> ${[file, ...args].join(' ')}`);
    return (
      spawnSync(file, args, {
        cwd,
        stdio: ['ignore', 2, 2],
        env: { ...environment, DEBIAN_FRONTEND: 'noninteractive' },
      }).status === 0
    );
  };
  const npm = attempt('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--no-package-lock'], peers);
  say(npm ? 'TensorFlow.js: installed in bench/peers' : 'TensorFlow.js: npm could not install it');
  const packages = ['python3-torch', 'libopenblas0-pthread'];
  const apt = spawnSync('apt-get', ['--version'], { stdio: 'ignore' }).status === 0;
  if (apt && process.getuid?.() === 0) {
    if (!attempt('apt-get', ['install', '-y', ...packages], repository)) say('PyTorch: apt-get could not install it');
  } else if (findPython() === null)
    say(
      apt
        ? `PyTorch: run as root: apt-get install -y ${packages.join(' ')}`
        : 'PyTorch: install it with OpenBLAS or MKL, and name that Python in PYTHON',
    );
  say(`PyTorch: ${findPython() ?? 'none found'}`);
}

/** One row of the table to be. */
interface Configuration {
  readonly name: string;
  readonly kind: 'ours' | 'torch' | 'other';
  readonly command: Command;
  readonly reports: Report[];
  failure: string | null;
}

function configurations(options: Options, ours: Ours, python: string | null, workload: string): Configuration[] {
  const make = (name: string, kind: Configuration['kind'], command: Command): Configuration => ({
    name,
    kind,
    command,
    reports: [],
    failure: null,
  });
  const mine: Configuration[] = [];
  const others: Configuration[] = [];
  for (const device of options.devices)
    for (const threads of device.startsWith('wasm') ? options.threads : [1])
      for (const mode of device.startsWith('wasm') ? ['eager', 'compiled'] : ['eager'])
        mine.push(
          make(
            `cedargrad ${device}, ${threads} threads, ${mode}`,
            'ours',
            ours.command('ours', [workload, device, String(threads), mode]),
          ),
        );
  if (options.peers) {
    if (python !== null)
      for (const threads of options.threads)
        for (const layout of ['nchw', 'channels-last'])
          others.push(
            make(`PyTorch, ${threads} threads, ${layout}`, 'torch', {
              file: python,
              args: [join(peers, 'pytorch.py'), workload, String(threads), layout],
            }),
          );
    if (tfjsInstalled())
      others.push(
        make('TensorFlow.js wasm', 'other', { file: process.execPath, args: [join(peers, 'tfjs.mjs'), workload] }),
      );
  }
  // Ours and theirs by turns.
  return Array.from({ length: Math.max(mine.length, others.length) }, (_, i) => [mine[i], others[i]])
    .flat()
    .filter((c) => c !== undefined);
}

/** What stands in the results, per configuration. */
interface Row {
  readonly peer: string;
  readonly workload: string;
  readonly threads: number;
  readonly mode: string;
  readonly median_ms: number;
  readonly min_ms: number;
  readonly ratio_to_torch: number | null;
  readonly first_step_ms: number;
  readonly launch_to_first_ms: number;
  readonly rss_mb: number;
  readonly rounds: readonly Report[];
}

/** Over the rounds: the median of medians, the least of minima. */
function summarize({ reports }: Configuration, torch: number | null): Row {
  const over = (pick: (report: Report) => number): number => median(reports.map(pick));
  const { peer, version, workload, threads, mode } = reports[0];
  const milliseconds = over((r) => r.median_ms);
  return {
    peer: version === '' ? peer : `${peer} ${version}`,
    workload,
    threads,
    mode,
    median_ms: milliseconds,
    min_ms: Math.min(...reports.map((r) => r.min_ms)),
    ratio_to_torch: torch === null ? null : Number((milliseconds / torch).toFixed(3)),
    first_step_ms: over((r) => r.first_step_ms),
    launch_to_first_ms: over((r) => r.launch_to_first_ms),
    rss_mb: Math.max(...reports.map((r) => r.rss_mb)),
    rounds: reports,
  };
}

async function steps(options: Options, ours: Ours): Promise<void> {
  const python = options.peers ? findPython() : null;
  if (options.peers) {
    if (python === null) say('skipped: PyTorch (no Python with torch found; npm run bench -- --setup)');
    if (!tfjsInstalled()) say('skipped: TensorFlow.js (npm run bench -- --setup)');
  }
  say(
    `cedargrad from ${ours.from === 'dist' ? 'dist' : 'the sources, compiled as they load: run npm run build first if the time from launch matters'}`,
  );
  for (const workload of options.workloads) {
    const all = configurations(options, ours, python, workload);
    for (let round = 0; round < options.rounds; round++)
      for (const configuration of all) {
        if (configuration.failure !== null) continue;
        progress(`${workload}, round ${round + 1} of ${options.rounds}: ${configuration.name}`);
        try {
          configuration.reports.push((await run(configuration.command, options.budget))[0] as Report);
        } catch (error) {
          configuration.failure = (error as Error).message;
        }
      }
    progress('');
    const ran = all.filter(({ failure, reports }) => failure === null && reports.length > 0);
    const torch = ran.filter(({ kind }) => kind === 'torch');
    const blas = torch[0]?.reports[0].blas ?? null;
    const fair = blas !== null && /^(OpenBLAS|MKL)/.test(blas);
    const best = fair ? Math.min(...torch.map(({ reports }) => median(reports.map((r) => r.median_ms)))) : null;
    const rows = ran.map((configuration) => summarize(configuration, best));
    const failed = all.filter(({ failure }) => failure !== null).map(({ name, failure }) => ({ name, failure }));
    const agreement = agreementOf([...torch, ...ran.filter(({ kind }) => kind !== 'torch')])?.text ?? null;
    const noisy = unsteady(ran);
    save(workload, {
      ...machine(),
      cedargrad: ours.from,
      workload,
      budget_ms: options.budget,
      rounds: options.rounds,
      blas,
      torch_best_ms: best,
      agreement,
      noisy,
      rows,
      failed,
    });
    if (options.json)
      for (const { peer, threads, mode, median_ms, min_ms, ratio_to_torch } of rows)
        emit({ peer, workload, threads, mode, median_ms, min_ms, ratio_to_torch });
    if (!options.json && rows.length > 0)
      say(
        `\n${table(
          [workload, 'threads', 'mode', 'median ms', 'min ms', '/ PyTorch', 'first step', 'from launch', 'peak MB'],
          [...rows]
            .sort((a, b) => a.median_ms - b.median_ms)
            .map((row) => [
              row.peer,
              String(row.threads),
              row.mode,
              digits(row.median_ms),
              digits(row.min_ms),
              row.ratio_to_torch?.toFixed(2) ?? '-',
              digits(row.first_step_ms),
              digits(row.launch_to_first_ms),
              String(row.rss_mb),
            ]),
          1,
        )}`,
      );
    if (agreement !== null) say(`${workload}: ${agreement}`);
    if (blas !== null)
      say(
        `${workload}: PyTorch multiplies with ${blas}${fair ? '' : ': no ratio is quoted without OpenBLAS or MKL (apt-get install libopenblas0-pthread)'}`,
      );
    if (noisy.length > 0)
      say(`${workload}: rounds differ by more than a quarter, so quote nothing of: ${noisy.join('; ')}`);
    if (options.rounds < 3) say(`${workload}: fewer than three rounds: a look, not figures to quote`);
    for (const { name, failure } of failed) say(`${workload}: failed: ${name}: ${failure}`);
    if (rows.length === 0) process.exitCode = 1;
  }
}

interface Profile {
  readonly peer: string;
  readonly step_ms: number;
  readonly profiled_ms: number;
  readonly kernels: readonly { kernel: string; calls: number; ms: number }[];
}

async function profile(options: Options, ours: Ours): Promise<void> {
  const [workload] = options.workloads;
  const threads = options.threads.at(-1);
  const [report] = (await run(
    ours.command('ours', [workload, options.devices[0], String(threads), 'compiled', '--profile']),
    options.budget,
  )) as Profile[];
  save(`profile-${workload}`, { ...machine(), cedargrad: ours.from, workload, threads, ...report });
  if (options.json) {
    for (const kernel of report.kernels) emit({ workload, threads, ...kernel });
    return;
  }
  const total = report.kernels.reduce((sum, { ms }) => sum + ms, 0);
  const rows = report.kernels.map(({ kernel, calls, ms }) => [
    kernel,
    digits(calls),
    ms.toFixed(3),
    `${((100 * ms) / total).toFixed(1)} %`,
  ]);
  say(`${workload} on ${report.peer}, ${threads} threads: one compiled step, mean of 20`);
  say(table(['kernel', 'calls', 'ms', 'share'], [...rows, ['all kernels', '', total.toFixed(3), '']], 1));
  say(
    `the step takes ${digits(report.step_ms)} ms, ${digits(report.profiled_ms)} ms while every command is timed by itself`,
  );
}

/** Bytes of the WebAssembly binaries, and of the whole package as a bundler would ship it. */
async function bytes(ours: Ours): Promise<{ what: string; bytes: number; gzip: number }[]> {
  const sizes: { what: string; bytes: number; gzip: number }[] = [];
  const add = (what: string, contents: Uint8Array): void =>
    void sizes.push({ what, bytes: contents.length, gzip: gzipSync(contents, { level: 9 }).length });
  const binary = join(repository, 'src/device/wasm/binary.ts');
  if (existsSync(binary))
    for (const [, name, base64] of readFileSync(binary, 'utf8').matchAll(/(\w+): \{[^}]*base64:\s*'([^']*)'/g))
      add(`wasm binary, ${name}`, Buffer.from(base64, 'base64'));
  const { build: bundle } = await import('esbuild');
  const { outputFiles } = await bundle({
    entryPoints: [join(repository, ours.from === 'dist' ? 'dist/index.js' : 'src/index.ts')],
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    platform: 'browser',
    external: ['gpu.js', 'node:*'],
    splitting: true,
    outdir: build,
    write: false,
    logLevel: 'silent',
  });
  for (const file of outputFiles)
    add(`bundle, ${basename(file.path).replace(/-[A-Z0-9]{8}(?=\.js$)/, '')}`, file.contents);
  add('bundle, all together', Buffer.concat(outputFiles.map((file) => file.contents)));
  return sizes;
}

/** Single layers, this library and PyTorch by turns: the median over the rounds. */
async function layerTimes(
  options: Options,
  ours: Ours,
  device: string,
): Promise<{ layer: string; ms: number; torch_ms: number | null }[]> {
  const python = options.peers ? findPython() : null;
  const times = { ours: new Map<string, number[]>(), torch: new Map<string, number[]>() };
  const add = async (into: Map<string, number[]>, command: Command): Promise<void> => {
    for (const { layer, ms } of (await run(command, options.budget)) as { layer: string; ms: number }[])
      into.set(layer, [...(into.get(layer) ?? []), ms]);
  };
  for (let round = 0; round < options.rounds; round++) {
    await add(times.ours, ours.command('layers', [device]));
    if (python !== null) await add(times.torch, { file: python, args: [join(peers, 'layers.py')] });
  }
  return [...times.ours].map(([layer, all]) => {
    const theirs = times.torch.get(layer);
    return { layer, ms: median(all), torch_ms: theirs === undefined ? null : median(theirs) };
  });
}

async function extras(options: Options, ours: Ours): Promise<void> {
  const [device] = options.devices;
  const emitAll = (kind: string, rows: readonly object[]): void => {
    if (options.json) for (const row of rows) emit({ kind, ...row });
  };
  const heading = (text: string): void => say(`\n${text}`);

  const threads = device.startsWith('wasm') ? Math.max(...options.threads) : 1;
  const scaling: { batch: number; median_ms: number; images_per_s: number; rss_mb: number }[] = [];
  for (let batch = 8; batch <= 256; batch *= 2) {
    const mode = device.startsWith('wasm') ? 'compiled' : 'eager';
    const command = ours.command('ours', ['w2', device, String(threads), mode], { BATCH: String(batch) });
    const { median_ms, rss_mb } = (await run(command, options.budget))[0] as Report;
    scaling.push({ batch, median_ms, images_per_s: (1000 * batch) / median_ms, rss_mb });
  }
  emitAll('batch', scaling);
  heading(`w2's network by batch, ${device}, ${threads} threads`);
  say(
    table(
      ['batch', 'median ms', 'images/s', 'peak MB'],
      scaling.map((r) => [String(r.batch), digits(r.median_ms), digits(r.images_per_s), String(r.rss_mb)]),
      0,
    ),
  );

  type Op = {
    shape: string;
    kernel: string;
    mflop: number;
    ms: number;
    gflops: number;
    peak_gflops: number;
    share: number;
  };
  const ops = (await run(ours.command('ops', [device]), options.budget)) as Op[];
  emitAll('op', ops);
  heading(
    'convolutions on one thread, products with padding not counted; peak: the best register-only multiply-add loop on that thread, around each',
  );
  say(
    table(
      ['shape', 'kernel', 'MFLOP', 'ms', 'GFLOP/s', 'peak', 'share'],
      ops.map((r) => [
        r.shape,
        r.kernel,
        digits(r.mflop),
        r.ms.toFixed(3),
        digits(r.gflops),
        digits(r.peak_gflops),
        `${Math.round(100 * r.share)} %`,
      ]),
      2,
    ),
  );

  const layers = await layerTimes(options, ours, device);
  emitAll('layer', layers);
  heading(
    'layers on one thread, forward and backward of [8,96,96,16]: the median of rounds, PyTorch in its faster layout',
  );
  say(
    table(
      ['layer', 'ms', 'PyTorch', 'ratio'],
      layers.map((r) => [
        r.layer,
        digits(r.ms),
        r.torch_ms === null ? '-' : digits(r.torch_ms),
        r.torch_ms === null ? '-' : (r.ms / r.torch_ms).toFixed(2),
      ]),
      1,
    ),
  );

  const sizes = await bytes(ours);
  emitAll('bytes', sizes);
  heading(`bytes (${ours.from}, minified)`);
  say(
    table(
      ['what', 'bytes', 'gzip'],
      sizes.map((r) => [r.what, String(r.bytes), String(r.gzip)]),
      1,
    ),
  );
  save('extras', { ...machine(), cedargrad: ours.from, device, threads, batch: scaling, ops, layers, bytes: sizes });
}

/** Runs the command line; returns the exit code. */
async function main(args: string[]): Promise<number> {
  try {
    const options = parse(args);
    if (options === null) {
      process.stdout.write(`${usage}\n`);
      return 0;
    }
    if (options.json) keepStdout();
    if (options.setup) {
      setup();
      return 0;
    }
    if (options.gpu) {
      writeData(data);
      await (await import('./gpu.js')).gpu(options, data);
      return Number(process.exitCode ?? 0);
    }
    const ours = await prepare();
    await (options.profile ? profile : options.extras ? extras : steps)(options, ours);
    return Number(process.exitCode ?? 0);
  } catch (error) {
    process.stderr.write(`bench: ${(error as Error).message}\n`);
    return error instanceof UsageError ? 2 : 1;
  }
}

process.exitCode = await main(process.argv.slice(2));
