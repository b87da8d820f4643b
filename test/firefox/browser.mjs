/**
 * Starts Firefox, for checks whose pages run by themselves. Playwright cannot drive the Firefox of
 * Debian. Headless Firefox has no WebGL without a GPU, so it runs under a virtual X server with
 * Mesa's llvmpipe. On Debian, install with apt-get install -y firefox-esr xvfb xauth. The
 * environment variable FIREFOX may name the browser. Its default is firefox-esr.
 */
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const firefox = process.env.FIREFOX || 'firefox-esr';
// Keeps a new profile from asking questions and from calling home.
const preferences = {
  'app.update.enabled': false,
  'browser.aboutwelcome.enabled': false,
  'browser.shell.checkDefaultBrowser': false,
  'datareporting.policy.dataSubmissionEnabled': false,
  'network.captive-portal-service.enabled': false,
  'network.connectivity-service.enabled': false,
  'services.settings.server': 'data:,',
  'toolkit.telemetry.enabled': false,
};

/** Checks that the browser and the X server are there. Returns the browser's version. */
export function firefoxVersion() {
  for (const program of [firefox, 'xvfb-run']) {
    const found = execFileSync('sh', ['-c', 'command -v "$1" || true', 'sh', program], { encoding: 'utf8' });
    assert.ok(found !== '', `no ${program}: apt-get install -y firefox-esr xvfb xauth, or name a browser in FIREFOX`);
  }
  return execFileSync(firefox, ['--version'], { encoding: 'utf8' }).trim();
}

/**
 * Opens an address in a Firefox of its own with a fresh profile. `close` ends it with all its
 * processes. `ended` gives the reason if it ends by itself.
 */
export function open(address) {
  const profile = mkdtempSync(join(tmpdir(), 'firefox-'));
  writeFileSync(
    join(profile, 'user.js'),
    Object.entries(preferences)
      .map(([key, value]) => `user_pref(${JSON.stringify(key)}, ${JSON.stringify(value)});\n`)
      .join(''),
  );
  const child = spawn('xvfb-run', ['-a', firefox, '--no-remote', '--profile', profile, address], {
    stdio: ['ignore', 'ignore', 'pipe'],
    detached: true,
    env: { ...process.env, HOME: profile },
  });
  let said = '';
  child.stderr.on('data', (part) => {
    said += part;
  });
  const ended = new Promise((resolve) => {
    child.on('error', (error) => resolve(error.message));
    child.on('exit', (code) => resolve(`exit code ${code}: ${said.slice(-2000)}`));
  });
  const close = async () => {
    try {
      process.kill(-child.pid, 'SIGTERM');
      await Promise.race([ended, new Promise((late) => setTimeout(late, 3000))]);
      process.kill(-child.pid, 'SIGKILL');
    } catch {
      // It has ended already.
    }
    rmSync(profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  };
  return { ended, close };
}
