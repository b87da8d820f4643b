/**
 * Checks the published package as a user gets it. It builds and packs the package, installs the
 * tarball in an empty project, and trains a model there in JavaScript and in TypeScript.
 * Not here: the compilers with which the types are checked (types.mjs).
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { buildSync } from 'esbuild';
import { checkTypes, compile, leastTypeScript } from './types.mjs';

const require = createRequire(import.meta.url);
const npm = (args, cwd) =>
  execFileSync('npm', args, { cwd, stdio: ['ignore', 'pipe', 'inherit'], shell: process.platform === 'win32' });
const node = (args, cwd) => execFileSync(process.execPath, args, { cwd, encoding: 'utf8' });
const quiet = ['--no-audit', '--no-fund', '--prefer-offline'];
const tsc = require.resolve('typescript/bin/tsc');

const model = (typed, from = 'cedargrad') => `
import { Adam, bceWithLogits, Conv2d, ConvTranspose2d, manualSeed, MaxPool2d, MaxUnpool2d, Module, randn, relu, ${typed ? 'type Tensor, ' : ''}zeros } from '${from}';
class Cedn extends Module {
  conv1 = new Conv2d(3, 16, 3, { padding: 'same' });
  pool = new MaxPool2d(2);
  unpool = new MaxUnpool2d();
  deconv1 = new ConvTranspose2d(16, 1, 3, { padding: 'same' });
  forward(x${typed ? ': Tensor' : ''}) {
    const [h, indices] = this.pool.forward(relu(this.conv1.forward(x)));
    return this.deconv1.forward(this.unpool.forward(h, indices));
  }
}
manualSeed(1);
const x = randn([2, 8, 8, 3]), y = zeros([2, 8, 8, 1]);
const model = new Cedn(), optimizer = new Adam(model.parameters(), { lr: 3e-3 });
const losses${typed ? ': number[]' : ''} = [];
for (let step = 0; step < 5; step++) {
  optimizer.zeroGrad();
  const loss = bceWithLogits(model.forward(x), y, { reduction: 'sum' });
  loss.backward();
  optimizer.step();
  losses.push(await loss.item());
}
if (!(losses[4] < losses[0])) throw new Error('the loss does not fall: ' + losses);
`;

/**
 * The largest size of an installation in MB. It contains the package and its run-time dependencies,
 * without gpu.js.
 */
const mostInstalled = 13;
const bytesIn = (folder) =>
  readdirSync(folder, { recursive: true }).reduce((sum, file) => sum + statSync(join(folder, file)).size, 0);

const work = mkdtempSync(join(tmpdir(), 'cedargrad-package-'));
let passed = 0;
let failed = 0;
const check = (name, fn) => {
  try {
    const note = fn();
    passed++;
    console.log(`ok   ${name}${note ? `: ${note}` : ''}`);
  } catch (error) {
    failed++;
    console.log(`FAIL ${name}\n${error.stdout ?? ''}${error.stack}`);
  }
};
try {
  check('builds and packs', () => {
    node(['scripts/wasm.mjs'], '.');
    node(['scripts/build.mjs'], '.');
    npm(['pack', '--pack-destination', work], '.');
  });
  check(
    'publint finds nothing',
    () => void node([join(dirname(require.resolve('publint')), 'cli.js'), '--strict'], '.'),
  );
  check('sizes stay within their limits', () =>
    node(['scripts/sizes.mjs'], '.').trimEnd().replace(/^/, '\n').replaceAll('\n', '\n     '),
  );
  const tarball = readdirSync(work).find((f) => f.endsWith('.tgz'));
  const project = join(work, 'project');
  check('installs in an empty project', () => {
    mkdirSync(project);
    writeFileSync(join(project, 'package.json'), '{ "name": "stranger", "private": true, "type": "module" }');
    npm(['install', ...quiet, join(work, tarball)], project);
    const megabytes = bytesIn(join(project, 'node_modules')) / 1e6;
    if (megabytes > mostInstalled) throw new Error(`${megabytes.toFixed(1)} MB are more than ${mostInstalled}`);
    return `${megabytes.toFixed(1)} MB`;
  });
  check('the model trains in JavaScript', () => {
    writeFileSync(join(project, 'model.js'), model(false));
    node(['model.js'], project);
  });
  // The second compiler is installed in the user's project, because two compilers in one repository
  // would share the command tsc.
  check(`TypeScript ${leastTypeScript} installs`, () => {
    npm(['install', ...quiet, `typescript@${leastTypeScript}`], project);
  });
  checkTypes({
    check,
    project,
    node,
    model: model(true),
    compilers: {
      [`TypeScript ${leastTypeScript}`]: () => join(project, 'node_modules/typescript/bin/tsc'),
      'our TypeScript': () => tsc,
    },
  });
  check('the build for pages type-checks and trains, and classes keep their names', () => {
    writeFileSync(
      join(project, 'typed.ts'),
      `${model(true, 'cedargrad/browser')}
if (!/^Cedn\\(.*Conv2d\\(/s.test(String(model))) throw new Error('the model prints as ' + model);
try {
  x.reshape([1]);
  throw new Error('no error');
} catch (error) {
  if (!/^[A-Z]\\w+Error: reshape: /.test(String(error))) throw error;
}`,
    );
    compile(() => node([tsc], project), project, ['typed.ts']);
    node([join('built', 'typed.js')], project);
  });
  check('without gpu.js the gpu device says how to install it', () => {
    const program = `import { device } from 'cedargrad';
const error = await device('gpu', { mode: 'cpu' }).catch((error) => error);
if (!/needs the package gpu\\.js.*npm install gpu\\.js@2 --ignore-scripts/.test(error.message)) throw error;`;
    node(['--input-type=module', '-e', program], project);
  });
  check('a bundle builds and trains without gpu.js', () => {
    const options = { entryPoints: [join(project, 'model.js')], bundle: true, format: 'esm', platform: 'node' };
    buildSync({ ...options, outfile: join(project, 'bundled.mjs'), logLevel: 'error' });
    node(['bundled.mjs'], project);
  });
  check('the gpu device trains once gpu.js is installed', () => {
    npm(['install', '--ignore-scripts', ...quiet, 'gpu.js@2'], project);
    writeFileSync(
      join(project, 'gpu.js'),
      `import { device, setDefaultDevice } from 'cedargrad';\nsetDefaultDevice(await device('gpu', { mode: 'cpu' }));\n${model(false)}`,
    );
    node(['gpu.js'], project);
  });
  check('one copy is silent, and the build for pages beside it warns', () => {
    const warns = (imports) => {
      const program = imports.map((name) => `await import('${name}');`).join(' ');
      const { stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
        cwd: project,
        encoding: 'utf8',
      });
      return stderr.includes('two copies of cedargrad');
    };
    if (warns(['cedargrad', 'cedargrad', 'cedargrad/io', 'cedargrad/data'])) throw new Error('one copy warns');
    if (!warns(['cedargrad', 'cedargrad/browser'])) throw new Error('two copies are silent');
  });
  check('import loads no gpu.js', () => {
    writeFileSync(
      join(project, 'load.js'),
      `const start = performance.now();
await import('cedargrad');
const ms = performance.now() - start;
const { createRequire } = await import('node:module');
const loaded = Object.keys(createRequire(import.meta.url).cache).filter((f) => f.includes('gpu'));
if (loaded.length > 0) throw new Error('loaded ' + loaded);
console.log(ms.toFixed(0) + ' ms');`,
    );
    return node(['load.js'], project).trim();
  });
  check('npx cedargrad trains on a folder of images, and predicts', () => {
    const images = `import { encodePng, writeFileAtomic } from 'cedargrad/io';
for (let i = 0; i < 6; i++) {
  const data = Uint8Array.from({ length: 16 * 16 }, (_, at) => (at * (i + 1)) % 256);
  await writeFileAtomic('photos/' + i + '.png', encodePng({ width: 16, height: 16, channels: 1, data }));
}`;
    node(['--input-type=module', '-e', images], project);
    const cedargrad = (...args) =>
      execFileSync('npx', ['--no-install', 'cedargrad', ...args], {
        cwd: project,
        encoding: 'utf8',
        shell: process.platform === 'win32',
      });
    const printed = cedargrad('train', '--data', 'photos', '--out', 'run', '--epochs', '2', '--json');
    const result = JSON.parse(printed.trimEnd().split('\n').at(-1));
    if (result.event !== 'result' || result.epochs !== 2) throw new Error(printed);
    cedargrad('predict', 'run', 'photos/0.png', '-o', 'out.png');
    for (const file of ['run/report.html', 'run/best.safetensors', 'run/last.checkpoint', 'out.png'])
      if (!statSync(join(project, file)).isFile()) throw new Error(file);
  });
  for (const entry of ['data', 'io', 'models', 'train'])
    check(
      `cedargrad/${entry} loads`,
      () => void node(['--input-type=module', '-e', `await import('cedargrad/${entry}')`], project),
    );
} finally {
  rmSync(work, { recursive: true, force: true });
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;
