// What the checks in Chromium share: counting, and patience that ends.

export const counts = { passed: 0, failed: 0 };

/** Counts a check as failed and says why. */
export function fail(name, why) {
  counts.failed++;
  console.log(`FAIL ${name}\n${why}`);
}

/** Runs one check and says how it went; a string that it returns goes with its name. Whether it passed. */
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

/** Rejects when `promise` takes too long: a page whose thread never comes back answers nothing. */
export function within(ms, what, promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: no answer within ${ms / 1000} s`)), ms);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}
