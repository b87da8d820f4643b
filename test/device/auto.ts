/**
 * Tests device('auto') and device('wasm') where something that they need is missing. Each case runs
 * in a process of its own.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { device } from '../../src/index.js';

const test = suite('choosing a device');
const folder = mkdtempSync(join(tmpdir(), 'cedargrad-auto-'));
const library = join(folder, 'cedargrad.mjs');

// The package is bundled into one JavaScript file. The loader of TypeScript could not run here,
// because it needs WebAssembly and workers itself.
test.before(async () => {
  await build({
    entryPoints: [fileURLToPath(new URL('../../src/index.ts', import.meta.url))],
    outfile: library,
    bundle: true,
    format: 'esm',
    platform: 'node',
    external: ['gpu.js', 'webgpu'],
    logLevel: 'error',
  });
});
test.after(() => rmSync(folder, { recursive: true }));

interface Answer {
  readonly name?: string;
  readonly text?: string;
  readonly note?: string | null;
  readonly twice?: number;
  readonly error?: string;
  readonly message?: string;
  readonly cause?: string;
}

/**
 * Starts a process that runs the code `before`, makes a device by name, computes on it, and
 * reports. `limit` is the argument of `ulimit -v`, in KiB.
 */
function ask(name: string, { flags = [] as string[], before = '', limit = 0, environment = {} } = {}): Answer {
  const program = join(folder, 'ask.mjs');
  writeFileSync(
    program,
    `${before}
const { device, tensor } = await import(${JSON.stringify(library)});
try {
  const on = await device(${JSON.stringify(name)});
  const twice = await tensor([21], { device: on }).mul(2).item();
  console.log(JSON.stringify({ name: on.name, text: String(on), note: on.note, twice }));
  await on.close();
} catch (error) {
  const { name, message, cause } = error;
  console.log(JSON.stringify({ error: name, message, cause: String(cause) }));
}`,
  );
  const command = [process.execPath, ...flags, program];
  const { stdout, stderr } = spawnSync(
    '/bin/sh',
    ['-c', `${limit > 0 ? `ulimit -v ${limit};` : ''} exec "$@"`, 'sh', ...command],
    {
      encoding: 'utf8',
      timeout: 60_000,
      env: { ...process.env, NODE_OPTIONS: '', CEDARGRAD_THREADS: '2', ...environment },
    },
  );
  try {
    return JSON.parse(stdout);
  } catch {
    throw new Error(`it printed ${stdout}${stderr}`);
  }
}

const start = 'the wasm device must be able to start; got ';
const refused: Record<string, { set: Parameters<typeof ask>[1]; cause: RegExp; remedy: string }> = {
  'no WebAssembly (node --jitless)': {
    set: { flags: ['--jitless'] },
    cause: /^ReferenceError: WebAssembly is not defined$/,
    remedy: "use device('reference')",
  },
  'a policy that forbids to compile': {
    set: {
      before: "WebAssembly.compile = async () => { throw new WebAssembly.CompileError('refused by the policy'); };",
    },
    cause: /^CompileError: refused by the policy$/,
    remedy: "use device('reference')",
  },
};
for (const [name, { set, cause, remedy }] of Object.entries(refused))
  test(`${name}: 'auto' goes on to reference and says why, 'wasm' is a DeviceError`, () => {
    const auto = ask('auto', set);
    assert.equal([auto.name, auto.twice], ['reference', 42]);
    assert.ok(auto.note?.startsWith(`device: ${start}`), auto.note ?? 'no note');
    assert.is(auto.text, `reference (plain: ${auto.note})`);
    const wasm = ask('wasm', set);
    assert.is(wasm.error, 'DeviceError');
    assert.match(wasm.cause ?? '', cause);
    assert.is(wasm.message, `device: ${start}${wasm.cause}; ${remedy}`);
    assert.is(wasm.message, auto.note);
  });

test("where addresses are limited (ulimit -v), 'auto' computes, and says why if it goes on to reference", () => {
  // One thread, because V8 ends the process when a worker finds no addresses.
  const limited = { limit: 6_000_000, environment: { CEDARGRAD_THREADS: '1' } };
  const auto = ask('auto', limited);
  assert.is(auto.twice, 42);
  // From Node 24 on, V8 needs fewer addresses than this limit allows.
  if (auto.name === 'wasm') return;
  assert.match(
    auto.note ?? '',
    /^device: the wasm device must be able to start; got RangeError: WebAssembly\.Memory.*; /,
  );
  assert.is(auto.text, `reference (plain: ${auto.note})`);
  const wasm = ask('wasm', limited);
  assert.equal([wasm.error, wasm.message], ['DeviceError', auto.note]);
  assert.ok(
    wasm.message?.endsWith(
      "lift the limit on addresses (ulimit -v), start node with --disable-wasm-trap-handler, or use device('reference')",
    ),
  );
});

test("where memory does not grow, 'auto' goes on to reference and says why", () => {
  const before =
    "WebAssembly.Memory.prototype.grow = () => { throw new RangeError('WebAssembly.Memory.grow(): Unable to grow'); };";
  const auto = ask('auto', { before });
  assert.is(auto.twice, 42);
  assert.match(auto.note ?? '', /^wasm: memory must fit; got .*: RangeError: WebAssembly\.Memory\.grow\(\): /);
  assert.is(auto.text, `reference (plain: ${auto.note})`);
  const wasm = ask('wasm', { before });
  assert.equal([wasm.error, wasm.message], ['DeviceError', auto.note]);
});

test('without leave to start workers there is one thread, and a note', () => {
  const permission = process.allowedNodeEnvironmentFlags.has('--permission')
    ? '--permission'
    : '--experimental-permission';
  for (const name of ['auto', 'wasm']) {
    const { text, note, twice } = ask(name, { flags: [permission, '--allow-fs-read=*'] });
    assert.match(note ?? '', /^a worker could not start: Access to this API has been restricted/);
    assert.match(text ?? '', /^wasm \((simd|relaxed), 1 thread: a worker could not start: /);
    assert.is(twice, 42);
  }
});

test('where 4 GiB are refused a smaller memory is taken, and a note says so', () => {
  const before = `const Memory = WebAssembly.Memory;
WebAssembly.Memory = function (descriptor) {
  if (descriptor.maximum > 20000) throw new RangeError('could not allocate memory');
  return new Memory(descriptor);
};`;
  const { name, note, twice } = ask('auto', { before });
  assert.equal([name, note, twice], ['wasm', 'the system grants 1024 MiB of memory at most', 42]);
});

test('a GPU that does not open is passed over, and a note says why', () => {
  // This is the navigator of a page whose adapter gives no device.
  const before = `Object.defineProperty(globalThis, 'navigator', { configurable: true, value: { gpu: {
  requestAdapter: async () => ({
    info: { vendor: 'acme', architecture: 'rocket', description: 'a card' }, features: new Set(), limits: {},
    requestDevice: async () => { throw new Error('no device today'); },
  }),
} } });`;
  const { name, note, twice } = ask('auto', { before });
  assert.equal([name, twice], ['wasm', 42]);
  // The bundle lies in a folder without node_modules, so gpu.js cannot be loaded.
  assert.match(note ?? '', /^device: the gpu device needs the package gpu\.js; got /);
});

test("once CEDARGRAD_THREADS is mended, device('auto') starts in the same process", async () => {
  const before = process.env.CEDARGRAD_THREADS;
  try {
    process.env.CEDARGRAD_THREADS = 'many';
    const error = await device('auto').then(
      () => null,
      (refused: Error) => refused,
    );
    assert.match(error?.message ?? '', /got CEDARGRAD_THREADS='many'/);
    process.env.CEDARGRAD_THREADS = '1';
    const on = await device('auto');
    assert.ok(on.alive);
    await on.close();
  } finally {
    if (before === undefined) delete process.env.CEDARGRAD_THREADS;
    else process.env.CEDARGRAD_THREADS = before;
  }
});

test('a wrong CEDARGRAD_THREADS is named', () => {
  for (const name of ['auto', 'wasm']) {
    const { error, message } = ask(name, { environment: { CEDARGRAD_THREADS: 'many' } });
    assert.is(error, 'ValueError');
    assert.is(message, "device: threads must be whole and in [1, 64]; got CEDARGRAD_THREADS='many'");
  }
});

test.run();
