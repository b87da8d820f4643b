/**
 * Soak: many steps of every ordinary style of loop (styles.ts) on every device, with no call of
 * release. Memory must be constant after the first fifth of the run, and resident memory below 1
 * GB. It is not part of npm test, because it takes an hour or two.
 * usage: npm run soak -- [--steps N] [--device WORD] [--style WORD]
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { styles } from './styles.js';

const devices = ['wasm', 'reference', 'gpu cpu', 'gpu webasm'];
const mostResident = 1024;

const { values } = parseArgs({
  options: {
    steps: { type: 'string', default: '20000' },
    device: { type: 'string', default: '' },
    style: { type: 'string', default: '' },
  },
});

interface Outcome {
  readonly tenths: readonly { readonly rss: number; readonly device: number }[];
  readonly seconds: number;
}

/**
 * Whether the end of a run takes more than its first two fifths, which may include a late
 * collection.
 */
function grows(name: 'rss' | 'device', tenths: Outcome['tenths'], slack: number): boolean {
  const most = (from: number, to: number): number => Math.max(...tenths.slice(from, to).map((t) => t[name]));
  return most(8, 10) > 1.25 * most(0, 4) + slack;
}

let passed = 0;
let failed = 0;
for (const device of devices.filter((d) => d.includes(values.device)))
  for (const style of Object.keys(styles).filter((s) => s.includes(values.style))) {
    const child = spawnSync(
      process.execPath,
      [
        '--conditions=cedargrad-source',
        '--import',
        'tsx',
        fileURLToPath(new URL('process.ts', import.meta.url)),
        style,
        device,
        values.steps,
      ],
      { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], maxBuffer: 2 ** 26 },
    );
    let line: string;
    let flat = false;
    if (child.status !== 0) line = child.stderr.trim().split('\n').slice(-8).join('\n');
    else {
      const { tenths, seconds } = JSON.parse(child.stdout.trim().split('\n').at(-1) as string) as Outcome;
      const peak = Math.max(...tenths.map((t) => t.rss));
      flat = peak < mostResident && !grows('rss', tenths, 64) && !grows('device', tenths, 32);
      const list = (name: 'rss' | 'device'): string => tenths.map((t) => t[name].toFixed(0)).join(' ');
      line = `${seconds.toFixed(0)} s, resident MB ${list('rss')}; on the device ${list('device')}`;
    }
    if (flat) passed++;
    else failed++;
    process.stdout.write(`${flat ? 'flat ' : 'GROWS'} ${device}, ${style}: ${line}\n`);
  }
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 || passed === 0 ? 1 : 0;
