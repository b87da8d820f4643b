/** The command line of `npm run bench`. Not here: what the modes do. */
import { parseArgs } from 'node:util';
import { workloads as allWorkloads, usualWorkloads } from './data.js';

export const usage = `Times training steps on this library and its peers, interleaved.
usage: npm run bench -- [options]
  --setup           install the peers (TensorFlow.js and ONNX Runtime into bench/peers; PyTorch with apt-get where root may), then stop
  --json            one JSON object per configuration on stdout and nothing else there
  --quick           one short round: for a look, not for figures
  --workloads LIST  some of ${allWorkloads.join()} (default ${usualWorkloads.join()}; with --inference also w5; with --gpu w1,w3)
  --batch N         images per step of w5 (default 1)
  --devices LIST    some of wasm, wasm:simd, wasm:relaxed, wasm:memory64, reference, gpu:cpu, gpu:webasm (default wasm); with --gpu some of webgpu, webgl2 (default both); with --inference wasm only
  --threads LIST    thread counts (default 1,2; of w5 and with --inference 2)
  --no-peers        this library only
  --rounds N        rounds (default 3; quick 1)
  --budget MS       time per process (default 3000; quick 800)
  --profile         instead: time per kernel of one compiled step (the first of --workloads and --devices, the last of --threads); with --gpu of one step, on all of them
  --gpu             instead: this library and TensorFlow.js on WebGPU and WebGL2 in Chromium (the environment's CHROMIUM, default /usr/bin/chromium)
  --extras          instead: batch scaling, GFLOP/s per convolution beside the thread's peak, layers beside PyTorch's, bytes
  --inference       instead: forward passes, compiled, beside ONNX Runtime's native and WebAssembly builds
  --help            this text
The workloads: w1, the miniature encoder-decoder; w2, the same at a working size; w3, an autoencoder;
odd, an autoencoder of odd sizes; w5, the full encoder-decoder of 130 million parameters, which takes
minutes and up to 4 GB. PyTorch runs all of them, TensorFlow.js w1 to w3.
Results go to bench/results/*.json.`;

/** A mistake on the command line: one line, exit 2. */
export class UsageError extends Error {}

export type Mode = 'steps' | 'setup' | 'inference' | 'profile' | 'extras' | 'gpu';

export interface Options {
  readonly mode: Mode;
  readonly json: boolean;
  /** Only with the mode `gpu`, where it times kernels. */
  readonly profile: boolean;
  readonly peers: boolean;
  readonly workloads: readonly string[];
  readonly devices: readonly string[];
  readonly threads: readonly number[];
  readonly rounds: number;
  readonly budget: number;
  /** Images per step. 0 for the workload's own number. */
  readonly batch: number;
}

/** The flags that each mode takes besides its own and --json. */
const flagsOf: Readonly<Record<Mode, readonly string[]>> = {
  steps: ['quick', 'workloads', 'batch', 'devices', 'threads', 'no-peers', 'rounds', 'budget'],
  setup: [],
  inference: ['quick', 'workloads', 'devices', 'threads', 'no-peers', 'rounds', 'budget'],
  profile: ['quick', 'workloads', 'batch', 'devices', 'threads', 'budget'],
  extras: ['quick', 'devices', 'threads', 'no-peers', 'rounds', 'budget'],
  gpu: ['profile', 'quick', 'workloads', 'devices', 'no-peers', 'rounds', 'budget'],
};

/** The values that --workloads and --devices may have in each mode, and their defaults. */
const listsOf = (mode: Mode) => {
  const workloads =
    mode === 'gpu'
      ? { usual: ['w1', 'w3'], legal: usualWorkloads }
      : { usual: mode === 'inference' ? [...usualWorkloads, 'w5'] : usualWorkloads, legal: allWorkloads };
  const wasm = ['wasm', 'wasm:simd', 'wasm:relaxed', 'wasm:memory64'];
  const devices =
    mode === 'gpu'
      ? { usual: ['webgpu', 'webgl2'], legal: ['webgpu', 'webgl2'] }
      : { usual: ['wasm'], legal: mode === 'inference' ? wasm : [...wasm, 'reference', 'gpu:cpu', 'gpu:webasm'] };
  return { workloads, devices };
};

type Values = Readonly<Record<string, string | boolean | undefined>>;

function read(args: string[]): Values {
  const flag = { type: 'boolean' } as const;
  const text = { type: 'string' } as const;
  try {
    return parseArgs({
      args,
      options: {
        setup: flag,
        json: flag,
        quick: flag,
        workloads: text,
        batch: text,
        devices: text,
        threads: text,
        'no-peers': flag,
        rounds: text,
        budget: text,
        profile: flag,
        extras: flag,
        gpu: flag,
        inference: flag,
        help: flag,
      },
    }).values;
  } catch (error) {
    // What follows the first sentence is advice about other programs' arguments.
    throw new UsageError(`${(error as Error).message.split(/\.?\s*(?:\n|\. )/)[0]}; --help lists the options`);
  }
}

/** The mode, and a check that the other flags belong to it. */
function modeOf(values: Values): Mode {
  const given = Object.keys(values).filter((name) => values[name] !== undefined && name !== 'json');
  const modes = (Object.keys(flagsOf) as Mode[]).filter((mode) => given.includes(mode));
  const mode = modes.includes('gpu') ? 'gpu' : (modes[0] ?? 'steps');
  const stray = given.find((name) => name !== mode && !flagsOf[mode].includes(name));
  if (stray !== undefined) throw new UsageError(`--${stray} cannot be combined with --${mode}`);
  return mode;
}

/**
 * Reads the flags; null for --help.
 * @throws UsageError for unknown flags, values and combinations
 */
export function parse(args: string[]): Options | null {
  const values = read(args);
  if (values.help) return null;
  const mode = modeOf(values);
  const within = mode === 'steps' ? '' : ` with --${mode}`;
  const list = (name: 'workloads' | 'devices'): readonly string[] => {
    const { usual, legal } = listsOf(mode)[name];
    const items = values[name] === undefined ? usual : String(values[name]).split(',');
    const wrong = items.find((item) => !legal.includes(item));
    if (wrong !== undefined) throw new UsageError(`--${name} cannot have '${wrong}'${within}, only ${legal.join()}`);
    return items;
  };
  const whole = (name: string, value: string): number => {
    if (!/^[1-9]\d{0,8}$/.test(value))
      throw new UsageError(`--${name} must be a whole number of at least 1; got '${value}'`);
    return Number(value);
  };
  const count = (name: string, fallback: number): number => whole(name, String(values[name] ?? fallback));
  const quick = values.quick === true;
  const workloads = list('workloads');
  const isFull = workloads.every((name) => name === 'w5');
  if (values.batch !== undefined && !isFull)
    throw new UsageError(`--batch needs --workloads w5; got ${workloads.join()}`);
  return {
    mode,
    json: values.json === true,
    profile: values.profile === true,
    peers: values['no-peers'] !== true,
    workloads,
    devices: list('devices'),
    threads: String(values.threads ?? (isFull || mode === 'inference' ? '2' : '1,2'))
      .split(',')
      .map((item) => whole('threads', item)),
    rounds: count('rounds', quick ? 1 : 3),
    budget: count('budget', quick ? 800 : 3000),
    batch: values.batch === undefined ? 0 : count('batch', 1),
  };
}
