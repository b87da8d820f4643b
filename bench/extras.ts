/** Other figures: throughput by batch size, single convolutions and layers, and sizes in bytes. */
import { existsSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { pytorch } from './header.js';
import type { Report } from './measure.js';
import type { Options } from './options.js';
import { digits, emit, machine, repository, save, say, table } from './output.js';
import { build, type Command, type Ours, peers, run } from './processes.js';
import { median } from './timing.js';

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
  python: string | null,
): Promise<{ layer: string; ms: number; torch_ms: number | null }[]> {
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

export async function extras(options: Options, ours: Ours): Promise<void> {
  const [device] = options.devices;
  const python = options.peers ? await pytorch() : null;
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

  const layers = await layerTimes(options, ours, device, python);
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
