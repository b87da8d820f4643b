/** The types of bytes that the decoders and the writer of files accept. */
import { shown } from '../arguments.js';
import { ValueError } from '../errors.js';

/** Bytes of a file. A Buffer is a Uint8Array, and fetch returns an ArrayBuffer. */
export type Bytes = Uint8Array | ArrayBuffer | SharedArrayBuffer;

/** The bytes of an argument, without a copy. @throws ValueError for anything else */
export function bytesFrom(op: string, value: Bytes, rule = 'bytes must be a Uint8Array or an ArrayBuffer'): Uint8Array {
  // Compares names, because an array from another frame or context is not an instance of a class of
  // this one.
  const kind = Object.prototype.toString.call(value);
  if (kind === '[object Uint8Array]') return value as Uint8Array;
  if (kind === '[object ArrayBuffer]' || kind === '[object SharedArrayBuffer]')
    return new Uint8Array(value as ArrayBuffer);
  const hints: Readonly<Record<string, string>> = {
    '[object Promise]': 'await it first',
    '[object Response]': 'pass await response.arrayBuffer()',
    '[object Blob]': 'pass await blob.arrayBuffer()',
    '[object File]': 'pass await file.arrayBuffer()',
    '[object String]': "read the file first: await readFile(path) of 'node:fs/promises'",
  };
  throw new ValueError(op, rule, shown(value), hints[kind]);
}
