/**
 * What the checks in Chromium share: they count passed and failed checks, put a time limit on
 * answers, and end.
 */

export const counts = { passed: 0, failed: 0 };

/** Counts a check as failed and says why. */
export function fail(name, why) {
  counts.failed++;
  console.log(`FAIL ${name}\n${why}`);
}

/**
 * Runs one check, and prints its result with the note that it returns, if any. Returns whether it
 * passed.
 */
export async function check(name, fn) {
  try {
    const note = await fn();
    counts.passed++;
    console.log(`ok   ${name}${note ? `: ${note}` : ''}`);
    return true;
  } catch (error) {
    fail(name, `${error.stdout ?? ''}${error.stack}`);
    return false;
  }
}

/**
 * Rejects when `promise` takes longer than `ms` milliseconds. A page whose thread is blocked would
 * never answer.
 */
export function within(ms, what, promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: no answer within ${ms / 1000} s`)), ms);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** Closes the browser and the server of the checks, and prints the counts. */
export async function finish({ browser, server }) {
  await within(10_000, 'closing the browser', browser?.close() ?? Promise.resolve()).catch((error) =>
    console.log(error.message),
  );
  server?.closeAllConnections();
  server?.close();
  console.log(`${counts.passed} passed, ${counts.failed} failed`);
  process.exitCode = counts.failed > 0 ? 1 : 0;
}
