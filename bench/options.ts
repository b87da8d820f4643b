/** The command line of `npm run bench`. Not here: what the modes do. */
import { parseArgs } from 'node:util';
import { workloads as allWorkloads } from './data.js';

export const usage = `Times training steps of w1, w2 and w3 on this library and its peers, interleaved.
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

/** A mistake on the command line: one line, exit 2. */
export class UsageError extends Error {}

export interface Options {
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
export function parse(args: string[]): Options | null {
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
