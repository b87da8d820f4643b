/** What the sparse convolution and its weight gradient share. */
import { madd } from './tiles';

/** Whether any of `count` floats is infinite or NaN. */
export function hasSpecial(at: usize, count: i32): bool {
  const exponent = i32x4.splat(0x7f800000);
  const end = at + ((<usize>count) << 2);
  for (; at + 16 <= end; at += 16)
    if (v128.any_true(i32x4.eq(v128.and(v128.load(at), exponent), exponent))) return true;
  for (; at < end; at += 4) if ((load<i32>(at) & 0x7f800000) == 0x7f800000) return true;
  return false;
}

/** to[32] += Σ value × row over a list. `Entry` says how an entry of the list is read. */
export function sums32<Entry>(e: usize, end: usize, x: usize, rows: usize, to: usize): void {
  let s0 = v128.load(to);
  let s1 = v128.load(to, 16);
  let s2 = v128.load(to, 32);
  let s3 = v128.load(to, 48);
  let s4 = v128.load(to, 64);
  let s5 = v128.load(to, 80);
  let s6 = v128.load(to, 96);
  let s7 = v128.load(to, 112);
  for (; e < end; e += changetype<Entry>(<usize>0).size()) {
    const q = changetype<Entry>(<usize>0).row(e, rows);
    const v = changetype<Entry>(<usize>0).value(e, x);
    s0 = madd(v, v128.load(q), s0);
    s1 = madd(v, v128.load(q, 16), s1);
    s2 = madd(v, v128.load(q, 32), s2);
    s3 = madd(v, v128.load(q, 48), s3);
    s4 = madd(v, v128.load(q, 64), s4);
    s5 = madd(v, v128.load(q, 80), s5);
    s6 = madd(v, v128.load(q, 96), s6);
    s7 = madd(v, v128.load(q, 112), s7);
  }
  v128.store(to, s0);
  v128.store(to, s1, 16);
  v128.store(to, s2, 32);
  v128.store(to, s3, 48);
  v128.store(to, s4, 64);
  v128.store(to, s5, 80);
  v128.store(to, s6, 96);
  v128.store(to, s7, 112);
}
