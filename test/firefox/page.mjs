// The page's script: runs the checks on the device that run.mjs put into the address, and posts every outcome as it comes.
import { device } from 'cedargrad';
import golden from '../fixtures/cedn-golden.json';
import { checks } from '../helpers/conformance.ts';
import { goldenChecks } from '../helpers/golden.ts';

const post = (report) => fetch('/report', { method: 'POST', body: JSON.stringify(report) });
addEventListener('error', ({ message }) => post({ problem: message }));
addEventListener('unhandledrejection', ({ reason }) => post({ problem: String(reason) }));

try {
  const { name, options, goldenSteps } = JSON.parse(new URLSearchParams(location.search).get('trial'));
  const reference = await device('reference');
  const on = await device(name, options);
  await post({ opened: String(on), isolated: crossOriginIsolated });
  for (const check of [...checks, ...goldenChecks(golden, goldenSteps)]) {
    let error = null;
    try {
      await check.run(on, reference);
    } catch (thrown) {
      error = String(thrown.message);
    }
    await post({ check: check.name, error });
  }
  await on.close();
  await post({ done: true });
} catch (error) {
  await post({ problem: String(error) });
}
