/** Float64 tensors from numbers as the specification writes them, and back. */
import { RandomState, type Shape, type Tensor, tensor } from '../../src/index.js';
import { closeTo } from './close.js';

export const sizeOf = (shape: Shape): number => shape.reduce((a, b) => a * b, 1);
export const range = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, i) => from + i);
export const f64 = (values: ArrayLike<number>, shape: Shape, requiresGrad = false): Tensor =>
  tensor(Float64Array.from(values), { shape, dtype: 'float64', requiresGrad });
export const randn = (seed: number, shape: Shape, requiresGrad = false): Tensor =>
  f64(new RandomState(seed).randn(sizeOf(shape)), shape, requiresGrad);
/** Spaces between columns, slashes between rows. */
export const rows = (text: string): number[] =>
  text
    .trim()
    .split(/[\s/]+/)
    .map(Number);
export const is = (got: Tensor, text: string, tolerance = 1e-12): void =>
  closeTo(got.dataSync(), rows(text), tolerance);
