/** The parts of the fuzzing by name: each a property over everything that can be drawn. */
import type fc from 'fast-check';

type Property = fc.IAsyncProperty<unknown[]>;
export const parts: Readonly<Record<string, () => Promise<Property>>> = {
  calls: async () => (await import('./calls.js')).calls as unknown as Property,
  broken: async () => (await import('./calls.js')).brokenCalls as unknown as Property,
  programs: async () => (await import('./programs.js')).programs as unknown as Property,
  steps: async () => (await import('./programs.js')).steps as unknown as Property,
  files: async () => (await import('./files.js')).files as unknown as Property,
};
