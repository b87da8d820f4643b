/**
 * The innermost loops of convolution and matrix product, which keep sums in registers. A tile has
 * two or four pixels and 16, 4 or 1 columns. Two by 16 fits the registers that engines provide, and
 * needs three loads for four products. The order of a sum does not depend on the tile, so pixels
 * can be grouped freely.
 * The products of a tile are `rows` × `segments` × `count` pairs of an input element and a panel
 * row. All steps are in bytes.
 */

/** a·b + c. The relaxed build may fuse the two operations. */
@inline
export function madd(a: v128, b: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_madd(a, b, c);
  return f32x4.add(c, f32x4.mul(a, b));
}

/** Stores the first `lanes` elements of a vector. */
@inline
export function storeLanes(at: usize, v: v128, lanes: i32): void {
  if (lanes >= 4) {
    v128.store(at, v);
    return;
  }
  if (lanes >= 1) store<f32>(at, f32x4.extract_lane(v, 0));
  if (lanes >= 2) store<f32>(at, f32x4.extract_lane(v, 1), 4);
  if (lanes >= 3) store<f32>(at, f32x4.extract_lane(v, 2), 8);
}

/** Stores 16 sums plus their bias. */
@inline
function store16(y: usize, bias: usize, lanes: i32, s0: v128, s1: v128, s2: v128, s3: v128): void {
  s0 = f32x4.add(s0, v128.load(bias));
  s1 = f32x4.add(s1, v128.load(bias, 16));
  s2 = f32x4.add(s2, v128.load(bias, 32));
  s3 = f32x4.add(s3, v128.load(bias, 48));
  if (lanes == 16) {
    v128.store(y, s0);
    v128.store(y, s1, 16);
    v128.store(y, s2, 32);
    v128.store(y, s3, 48);
    return;
  }
  storeLanes(y, s0, lanes);
  storeLanes(y + 16, s1, lanes - 4);
  storeLanes(y + 32, s2, lanes - 8);
  storeLanes(y + 48, s3, lanes - 12);
}

/** One pixel by 16 columns. The bias has 16 floats. */
export function tile1x16(
  x: usize,
  w: usize,
  y: usize,
  bias: usize,
  lanes: i32,
  rows: i32,
  xRow: usize,
  wRow: usize,
  segments: i32,
  xSegment: usize,
  wSegment: usize,
  count: i32,
): void {
  let s0 = f32x4.splat(0);
  let s1 = s0;
  let s2 = s0;
  let s3 = s0;
  for (let r = 0; r < rows; r++) {
    for (let k = 0; k < segments; k++) {
      let p = x + <usize>r * xRow + <usize>k * xSegment;
      let q = w + <usize>r * wRow + <usize>k * wSegment;
      const end = p + ((<usize>count) << 2);
      for (; p < end; p += 4, q += 64) {
        const a = v128.load32_splat(p);
        s0 = madd(a, v128.load(q), s0);
        s1 = madd(a, v128.load(q, 16), s1);
        s2 = madd(a, v128.load(q, 32), s2);
        s3 = madd(a, v128.load(q, 48), s3);
      }
    }
  }
  store16(y, bias, lanes, s0, s1, s2, s3);
}

/** `pairs` times two pixels, by 16 columns. */
export function tiles2x16(
  pairs: i32,
  x: usize,
  xNext: usize,
  w: usize,
  y: usize,
  yNext: usize,
  bias: usize,
  lanes: i32,
  rows: i32,
  xRow: usize,
  wRow: usize,
  segments: i32,
  xSegment: usize,
  wSegment: usize,
  count: i32,
): void {
  for (; pairs > 0; pairs--, x += xNext << 1, y += yNext << 1) {
    let s0 = f32x4.splat(0);
    let s1 = s0;
    let s2 = s0;
    let s3 = s0;
    let t0 = s0;
    let t1 = s0;
    let t2 = s0;
    let t3 = s0;
    for (let r = 0; r < rows; r++) {
      for (let k = 0; k < segments; k++) {
        let p = x + <usize>r * xRow + <usize>k * xSegment;
        let q = w + <usize>r * wRow + <usize>k * wSegment;
        const end = p + ((<usize>count) << 2);
        for (; p < end; p += 4, q += 64) {
          const a = v128.load32_splat(p);
          const b = v128.load32_splat(p + xNext);
          let v = v128.load(q);
          s0 = madd(a, v, s0);
          t0 = madd(b, v, t0);
          v = v128.load(q, 16);
          s1 = madd(a, v, s1);
          t1 = madd(b, v, t1);
          v = v128.load(q, 32);
          s2 = madd(a, v, s2);
          t2 = madd(b, v, t2);
          v = v128.load(q, 48);
          s3 = madd(a, v, s3);
          t3 = madd(b, v, t3);
        }
      }
    }
    store16(y, bias, lanes, s0, s1, s2, s3);
    store16(y + yNext, bias, lanes, t0, t1, t2, t3);
  }
}

/**
 * `pixels` pixels, four at a time, by 4 columns. If fewer than four are left, the missing ones
 * repeat the first and are not stored.
 */
export function tiles4x4(
  pixels: i32,
  x: usize,
  xNext: usize,
  w: usize,
  y: usize,
  yNext: usize,
  bias: usize,
  lanes: i32,
  rows: i32,
  xRow: usize,
  wRow: usize,
  segments: i32,
  xSegment: usize,
  wSegment: usize,
  count: i32,
): void {
  const v = v128.load(bias);
  for (; pixels > 0; pixels -= 4, x += xNext << 2, y += yNext << 2) {
    let s0 = f32x4.splat(0);
    let s1 = s0;
    let s2 = s0;
    let s3 = s0;
    const x1 = pixels > 1 ? xNext : 0;
    const x2 = pixels > 2 ? xNext * 2 : 0;
    const x3 = pixels > 3 ? xNext * 3 : 0;
    for (let r = 0; r < rows; r++) {
      for (let k = 0; k < segments; k++) {
        let p = x + <usize>r * xRow + <usize>k * xSegment;
        let q = w + <usize>r * wRow + <usize>k * wSegment;
        const end = p + ((<usize>count) << 2);
        for (; p < end; p += 4, q += 16) {
          const u = v128.load(q);
          s0 = madd(v128.load32_splat(p), u, s0);
          s1 = madd(v128.load32_splat(p + x1), u, s1);
          s2 = madd(v128.load32_splat(p + x2), u, s2);
          s3 = madd(v128.load32_splat(p + x3), u, s3);
        }
      }
    }
    storeLanes(y, f32x4.add(s0, v), lanes);
    if (pixels > 1) storeLanes(y + yNext, f32x4.add(s1, v), lanes);
    if (pixels > 2) storeLanes(y + yNext * 2, f32x4.add(s2, v), lanes);
    if (pixels > 3) storeLanes(y + yNext * 3, f32x4.add(s3, v), lanes);
  }
}

@inline
function across(v: v128): f32 {
  return f32x4.extract_lane(v, 0) + f32x4.extract_lane(v, 1) + (f32x4.extract_lane(v, 2) + f32x4.extract_lane(v, 3));
}

/**
 * `pixels` pixels, four at a time, by one column. Vectors run along the products, and panel rows
 * are single floats.
 */
export function tiles4x1(
  pixels: i32,
  x: usize,
  xNext: usize,
  w: usize,
  y: usize,
  yNext: usize,
  bias: f32,
  rows: i32,
  xRow: usize,
  wRow: usize,
  segments: i32,
  xSegment: usize,
  wSegment: usize,
  count: i32,
): void {
  for (; pixels > 0; pixels -= 4, x += xNext << 2, y += yNext << 2) {
    let s0 = f32x4.splat(0);
    let s1 = s0;
    let s2 = s0;
    let s3 = s0;
    let f0: f32 = 0;
    let f1: f32 = 0;
    let f2: f32 = 0;
    let f3: f32 = 0;
    const x1 = pixels > 1 ? xNext : 0;
    const x2 = pixels > 2 ? xNext * 2 : 0;
    const x3 = pixels > 3 ? xNext * 3 : 0;
    for (let r = 0; r < rows; r++) {
      for (let k = 0; k < segments; k++) {
        let p = x + <usize>r * xRow + <usize>k * xSegment;
        let q = w + <usize>r * wRow + <usize>k * wSegment;
        const end = p + ((<usize>count) << 2);
        for (; p + 16 <= end; p += 16, q += 16) {
          const v = v128.load(q);
          s0 = madd(v128.load(p), v, s0);
          s1 = madd(v128.load(p + x1), v, s1);
          s2 = madd(v128.load(p + x2), v, s2);
          s3 = madd(v128.load(p + x3), v, s3);
        }
        for (; p < end; p += 4, q += 4) {
          const v = load<f32>(q);
          f0 += load<f32>(p) * v;
          f1 += load<f32>(p + x1) * v;
          f2 += load<f32>(p + x2) * v;
          f3 += load<f32>(p + x3) * v;
        }
      }
    }
    store<f32>(y, f0 + across(s0) + bias);
    if (pixels > 1) store<f32>(y + yNext, f1 + across(s1) + bias);
    if (pixels > 2) store<f32>(y + yNext * 2, f2 + across(s2) + bias);
    if (pixels > 3) store<f32>(y + yNext * 3, f3 + across(s3) + bias);
  }
}
