/** Calls with bad arguments, and what their refusals must be. */
import * as assert from 'uvu/assert';
import { CedarError } from '../../src/errors.js';

/** The beginning of the message up to its rule, the call, the class, and a part of the message. */
export type Row<Given = void> = readonly [
  op: string,
  call: (given: Given) => unknown,
  error: new (...args: never[]) => CedarError,
  says: RegExp,
];

/** A call as the name of a test. */
export const written = (call: (given: never) => unknown): string => String(call).replace(/^\(\w*\) => /, '');

/** Checks that a call throws, or rejects with, what its row says. */
export async function refuses<Given>([op, call, error, says]: Row<Given>, given: Given): Promise<void> {
  let thrown: unknown;
  try {
    await call(given);
  } catch (e) {
    thrown = e;
  }
  assert.instance(thrown, error, `got ${thrown}`);
  assert.match((thrown as Error).message, says);
  assert.ok((thrown as Error).message.startsWith(`${op}: `), (thrown as Error).message);
}

/** Checks that a call throws, or rejects with, an error of the library whose message matches. */
export async function throws(call: () => unknown, says: RegExp): Promise<void> {
  let thrown: unknown;
  try {
    await call();
  } catch (e) {
    thrown = e;
  }
  assert.instance(thrown, CedarError, `got ${thrown}`);
  assert.match((thrown as Error).message, says);
}
