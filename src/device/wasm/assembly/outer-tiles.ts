/**
 * The innermost loops of the weight gradient. They multiply factors by columns and keep the sums in
 * registers. All steps are in bytes.
 */
import { madd, storeLanes } from './tiles';

/**
 * Adds the products of two factors and 16 columns, summed over rows × count pixels, to to[2][16].
 * The factors are `aNext` apart.
 */
export function outer2x16(
  a: usize,
  aNext: usize,
  aStep: usize,
  aRow: usize,
  b: usize,
  bStep: usize,
  bRow: usize,
  rows: i32,
  count: i32,
  to: usize,
  toNext: usize,
): void {
  let s0 = v128.load(to);
  let s1 = v128.load(to, 16);
  let s2 = v128.load(to, 32);
  let s3 = v128.load(to, 48);
  let t0 = v128.load(to + toNext);
  let t1 = v128.load(to + toNext, 16);
  let t2 = v128.load(to + toNext, 32);
  let t3 = v128.load(to + toNext, 48);
  for (let r = 0; r < rows; r++, a += aRow, b += bRow) {
    let p = a;
    let q = b;
    const end = q + <usize>count * bStep;
    for (; q < end; p += aStep, q += bStep) {
      const f = v128.load32_splat(p);
      const g = v128.load32_splat(p + aNext);
      let v = v128.load(q);
      s0 = madd(f, v, s0);
      t0 = madd(g, v, t0);
      v = v128.load(q, 16);
      s1 = madd(f, v, s1);
      t1 = madd(g, v, t1);
      v = v128.load(q, 32);
      s2 = madd(f, v, s2);
      t2 = madd(g, v, t2);
      v = v128.load(q, 48);
      s3 = madd(f, v, s3);
      t3 = madd(g, v, t3);
    }
  }
  v128.store(to, s0);
  v128.store(to, s1, 16);
  v128.store(to, s2, 32);
  v128.store(to, s3, 48);
  v128.store(to + toNext, t0);
  v128.store(to + toNext, t1, 16);
  v128.store(to + toNext, t2, 32);
  v128.store(to + toNext, t3, 48);
}

/** As outer2x16, for one factor. */
export function outer1x16(
  a: usize,
  aStep: usize,
  aRow: usize,
  b: usize,
  bStep: usize,
  bRow: usize,
  rows: i32,
  count: i32,
  to: usize,
): void {
  let s0 = v128.load(to);
  let s1 = v128.load(to, 16);
  let s2 = v128.load(to, 32);
  let s3 = v128.load(to, 48);
  for (let r = 0; r < rows; r++, a += aRow, b += bRow) {
    let p = a;
    let q = b;
    const end = q + <usize>count * bStep;
    for (; q < end; p += aStep, q += bStep) {
      const f = v128.load32_splat(p);
      s0 = madd(f, v128.load(q), s0);
      s1 = madd(f, v128.load(q, 16), s1);
      s2 = madd(f, v128.load(q, 32), s2);
      s3 = madd(f, v128.load(q, 48), s3);
    }
  }
  v128.store(to, s0);
  v128.store(to, s1, 16);
  v128.store(to, s2, 32);
  v128.store(to, s3, 48);
}

/**
 * As outer2x16, for 1 to 4 factors and up to 4 columns. Columns past `lanes` are read, but not
 * stored.
 */
export function outer4x4(
  a: usize,
  aNext: usize,
  factors: i32,
  aStep: usize,
  aRow: usize,
  b: usize,
  bStep: usize,
  bRow: usize,
  rows: i32,
  count: i32,
  to: usize,
  toNext: usize,
  lanes: i32,
): void {
  let s0 = f32x4.splat(0);
  let s1 = s0;
  let s2 = s0;
  let s3 = s0;
  const a1 = factors > 1 ? aNext : 0;
  const a2 = factors > 2 ? aNext * 2 : 0;
  const a3 = factors > 3 ? aNext * 3 : 0;
  for (let r = 0; r < rows; r++, a += aRow, b += bRow) {
    let p = a;
    let q = b;
    const end = q + <usize>count * bStep;
    for (; q < end; p += aStep, q += bStep) {
      const v = v128.load(q);
      s0 = madd(v128.load32_splat(p), v, s0);
      s1 = madd(v128.load32_splat(p + a1), v, s1);
      s2 = madd(v128.load32_splat(p + a2), v, s2);
      s3 = madd(v128.load32_splat(p + a3), v, s3);
    }
  }
  storeLanes(to, f32x4.add(s0, v128.load(to)), lanes);
  if (factors > 1) storeLanes(to + toNext, f32x4.add(s1, v128.load(to + toNext)), lanes);
  if (factors > 2) storeLanes(to + toNext * 2, f32x4.add(s2, v128.load(to + toNext * 2)), lanes);
  if (factors > 3) storeLanes(to + toNext * 3, f32x4.add(s3, v128.load(to + toNext * 3)), lanes);
}
