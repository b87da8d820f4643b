/** This library for the benchmark's page, every kernel timed by itself. */

export { open } from './ours.js';
export { kernelOf, takeTimes } from './profile.js';
