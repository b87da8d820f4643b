// The page's script. It runs the checks on the device that run.mjs put into the address, and posts
// every result at once.
import * as api from 'cedargrad';
import { dropping } from '../browser/alive-page.mjs';
import golden from '../fixtures/cedn-golden.json';
import { checks } from '../helpers/conformance.ts';
import { goldenChecks } from '../helpers/golden.ts';

const post = (report) => fetch('/report', { method: 'POST', body: JSON.stringify(report) });
addEventListener('error', ({ message }) => post({ problem: message }));
addEventListener('unhandledrejection', ({ reason }) => post({ problem: String(reason) }));

try {
  const { name, options, goldenSteps, every = 1 } = JSON.parse(new URLSearchParams(location.search).get('trial'));
  const reference = await api.device('reference');
  const on = await api.device(name, options);
  await post({ opened: String(on), isolated: crossOriginIsolated });
  const some = checks.filter((_, i) => i % every === 0);
  for (const check of [...some, ...goldenChecks(golden, goldenSteps)]) {
    let error = null;
    try {
      await check.run(on, reference);
    } catch (thrown) {
      error = String(thrown.message);
    }
    await post({ check: check.name, error });
  }
  if (on.name === 'wasm') {
    const most = await dropping(api, { bytes: 25 * 2 ** 20, count: 100 });
    await post({
      check: 'batches of 25 MB that are dropped are collected',
      error: most < 1e9 ? null : `${most} bytes held`,
    });
  }
  await on.close();
  await post({ done: true });
} catch (error) {
  await post({ problem: String(error) });
}
