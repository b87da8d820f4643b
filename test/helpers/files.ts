/** The files under test/fixtures/files, and what is in them (test/fixtures/gen_files.py). */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** An array; numbers that JSON lacks are text. */
export interface Numbers {
  readonly shape: readonly number[];
  readonly values: readonly (number | string)[];
}
/** An input and the output of PyTorch's model, channels last. */
export interface Outputs {
  readonly x: Numbers;
  readonly y: Numbers;
}
interface Rounded {
  readonly values: readonly (number | string)[];
  readonly bits: readonly number[];
}
export type TorchCase = 'image' | 'image-f16' | 'image-bf16' | 'image-f64' | 'decoder' | 'series';

type Expected = Readonly<Record<TorchCase, Outputs>> & {
  readonly every: Readonly<Record<string, Numbers>>;
  readonly float16: Rounded;
  readonly bfloat16: Rounded;
  readonly npy: Readonly<Record<string, Numbers>>;
  readonly refused: Readonly<Record<string, string>>;
};

export const filesPath = (name: string): string => fileURLToPath(new URL(`../fixtures/files/${name}`, import.meta.url));
export const filesFixture = (name: string): Buffer => readFileSync(filesPath(name));
export const filesExpected: Expected = JSON.parse(readFileSync(filesPath('expected.json'), 'utf8'));
