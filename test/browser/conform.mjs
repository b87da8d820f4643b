// A page's script: the checks of test/helpers, which gpu.mjs calls for. Bundled with the built package.
import { device } from 'cedargrad';
import { checks } from '../helpers/conformance.ts';
import { goldenChecks, launchCheck, mostLaunches } from '../helpers/golden.ts';

/** Runs the golden steps, and with `all` every check, on a device by name: what is wrong with each, if anything, and what the device says it is. */
globalThis.conform = async ({ name, golden, steps, all }) => {
  const tested = await device(name);
  const reference = await device('reference');
  const results = [];
  for (const { name: title, run } of [...(all ? [...checks, launchCheck(mostLaunches[name])] : []), ...goldenChecks(golden, steps)])
    results.push({
      name: title,
      problem: await run(tested, reference).then(
        () => null,
        (error) => error.stack,
      ),
    });
  const text = String(tested);
  await tested.close();
  return { text, results };
};
globalThis.loaded = true;
