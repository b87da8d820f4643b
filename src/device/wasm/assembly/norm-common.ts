/** What the normalisation kernels share. */
import { splat } from './math';

/** The maximum number of rows, or of vectors of a row, that are summed in single precision. */
export const shortRun = 64;

export const largest: f32 = 3.4028234663852886e38;

@inline
export function upper(v: v128): v128 {
  return f64x2.promote_low_f32x4(v128.shuffle<i32>(v, v, 2, 3, 2, 3));
}

/** Adds four floats to four doubles. */
@inline
export function addTo(at: usize, v: v128): void {
  v128.store(at, f64x2.add(v128.load(at), f64x2.promote_low_f32x4(v)));
  v128.store(at, f64x2.add(v128.load(at, 16), upper(v)), 16);
}

/** The sum of four floats as a double. */
@inline
export function total(v: v128): f64 {
  const pair = f64x2.add(f64x2.promote_low_f32x4(v), upper(v));
  return f64x2.extract_lane(pair, 0) + f64x2.extract_lane(pair, 1);
}

@inline
export function finite(x: f32): f32 {
  return abs(x) <= largest ? x : 0;
}

@inline
export function finite4(x: v128): v128 {
  return v128.and(x, f32x4.le(f32x4.abs(x), splat(largest)));
}

@inline
export function wideOf(columns: i32): i32 {
  return (columns + 3) & ~3;
}

/** An element of a list, or `other` if there is no list. */
@inline
export function element(list: usize, i: i32, other: f32): f32 {
  return list == 0 ? other : load<f32>(list + ((<usize>i) << 2));
}

@inline
export function four(list: usize, offset: usize, other: v128): v128 {
  return list == 0 ? other : v128.load(list + offset);
}
