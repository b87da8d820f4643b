/**
 * The gpu device's headless GL mode, which needs the optional native package `gl`. This builds the
 * package (one to six minutes, once) and runs the test files of this folder under a virtual X
 * server, with any GL driver that is there (Mesa's llvmpipe without a GPU). Not part of npm test.
 * If something is missing the check fails, because nothing was tested.
 * usage: npm run headlessgl-check
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const repository = here('../..');
const buildPackages = [
  'build-essential',
  'python3',
  'pkg-config',
  'libxi-dev',
  'libxext-dev',
  'mesa-common-dev',
  'libgl1-mesa-dev',
  'libglew-dev',
];
/** xvfb only recommends xauth, and xvfb-run needs it. */
const runPackages = ['xvfb', 'xauth'];

const onPath = (program: string): boolean =>
  (process.env.PATH ?? '').split(delimiter).some((folder) => existsSync(join(folder, program)));

/**
 * The packages of Debian that are not installed. On other systems, a few programs stand for the
 * packages.
 */
function missing(packages: readonly string[]): string[] {
  if (!onPath('dpkg-query'))
    return (packages === runPackages ? ['xvfb-run', 'xauth'] : ['c++', 'make', 'python3', 'pkg-config']).filter(
      (p) => !onPath(p),
    );
  const installed = (name: string): boolean =>
    /^Status: .* installed$/m.test(spawnSync('dpkg-query', ['-s', name], { encoding: 'utf8' }).stdout);
  return packages.filter((name) => !installed(name));
}

function fail(what: string): number {
  console.log(`FAIL headless GL: ${what}\n0 passed, 1 failed`);
  return 1;
}

function run(): number {
  const start = performance.now();
  let gl: string;
  try {
    gl = dirname(createRequire(import.meta.url).resolve('gl/package.json'));
  } catch {
    return fail("the package gl is not there: npm ci without '--omit=optional'");
  }
  const binary = join(gl, 'build/Release/webgl.node');
  const wanted = missing(existsSync(binary) ? runPackages : [...buildPackages, ...runPackages]);
  if (wanted.length > 0)
    return fail(
      `missing ${wanted.join(', ')}: on Debian, apt-get install -y --no-install-recommends ${wanted.join(' ')}`,
    );
  if (!existsSync(binary)) {
    console.log('building gl: one to six minutes');
    const { status, stdout, stderr } = spawnSync('npm', ['rebuild', 'gl', '--ignore-scripts=false'], {
      cwd: repository,
      encoding: 'utf8',
    });
    if (status !== 0 || !existsSync(binary))
      return fail(`npm rebuild gl fails, exit code ${status}\n${stdout}${stderr}`);
    console.log(`built gl in ${((performance.now() - start) / 1000).toFixed(0)} s`);
  }
  const { status } = spawnSync(
    'xvfb-run',
    ['-a', process.execPath, '--import', 'tsx', here('../run.ts'), '--root', here('.')],
    {
      cwd: repository,
      stdio: 'inherit',
    },
  );
  return status ?? 1;
}
process.exitCode = run();
