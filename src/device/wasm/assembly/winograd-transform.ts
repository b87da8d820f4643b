/**
 * The transforms of Winograd's F(4×4, 3×3). A polynomial product is evaluated at 0, ±a, ±b and
 * infinity. With a = 5/8 and b = 3/2 all coefficients are exact, and the error is half of what the
 * usual points 1 and 2 give.
 *
 * y = Aᵀ[(G w Gᵀ) ⊙ (Bᵀ x B)]A for a tile y of 4×4 pixels and a tile x of 6×6. The gradient of w is
 * Gᵀ[(Bᵀ x B) ⊙ (A g Aᵀ)]G, summed over the tiles. The functions apply one matrix to vectors that
 * are `step` bytes apart, for four channels.
 * @source Lavin and Gray 2016, "Fast Algorithms for Convolutional Neural Networks"
 */

const a: f32 = 0.625;
const b: f32 = 1.5;
const aa: f32 = a * a;
const bb: f32 = b * b;
const zeroScale: f32 = 1 / (aa * bb);
const aScale: f32 = 1 / (2 * aa * (aa - bb));
const bScale: f32 = 1 / (2 * bb * (bb - aa));

/** The greater of `greatest` and the bits of |v|, in each lane. */
@inline
export function larger(greatest: v128, v: v128): v128 {
  return i32x4.max_s(greatest, v128.and(v, i32x4.splat(0x7fffffff)));
}

/** Stores the values at ±p from the even and the odd part of a polynomial. */
@inline
function storePair(to: usize, step: usize, even: v128, odd: v128): void {
  v128.store(to, f32x4.add(even, odd));
  v128.store(to + step, f32x4.sub(even, odd));
}

/** Bᵀ: six inputs to six values. Returns the greatest bits of an input. */
@inline
export function inputTransform(from: usize, fromStep: usize, to: usize, toStep: usize, greatest: v128): v128 {
  const x0 = v128.load(from);
  const x1 = v128.load(from + fromStep);
  const x2 = v128.load(from + fromStep * 2);
  const x3 = v128.load(from + fromStep * 3);
  const x4 = v128.load(from + fromStep * 4);
  const x5 = v128.load(from + fromStep * 5);
  const a2 = f32x4.splat(aa);
  const b2 = f32x4.splat(bb);
  const even = f32x4.sub(x4, f32x4.mul(b2, x2));
  const odd = f32x4.sub(x3, f32x4.mul(b2, x1));
  v128.store(to, f32x4.sub(even, f32x4.mul(a2, f32x4.sub(x2, f32x4.mul(b2, x0)))));
  storePair(to + toStep, toStep, even, f32x4.mul(f32x4.splat(a), odd));
  storePair(
    to + toStep * 3,
    toStep,
    f32x4.sub(x4, f32x4.mul(a2, x2)),
    f32x4.mul(f32x4.splat(b), f32x4.sub(x3, f32x4.mul(a2, x1))),
  );
  v128.store(to + toStep * 5, f32x4.sub(f32x4.sub(x5, f32x4.mul(b2, x3)), f32x4.mul(a2, odd)));
  return larger(larger(larger(larger(larger(larger(greatest, x0), x1), x2), x3), x4), x5);
}

/** A: four gradients to six values. Returns the greatest bits of a gradient. */
@inline
export function gradientTransform(from: usize, fromStep: usize, to: usize, toStep: usize, greatest: v128): v128 {
  const g0 = v128.load(from);
  const g1 = v128.load(from + fromStep);
  const g2 = v128.load(from + fromStep * 2);
  const g3 = v128.load(from + fromStep * 3);
  const a2 = f32x4.splat(aa);
  const b2 = f32x4.splat(bb);
  v128.store(to, g0);
  storePair(
    to + toStep,
    toStep,
    f32x4.add(g0, f32x4.mul(a2, g2)),
    f32x4.mul(f32x4.splat(a), f32x4.add(g1, f32x4.mul(a2, g3))),
  );
  storePair(
    to + toStep * 3,
    toStep,
    f32x4.add(g0, f32x4.mul(b2, g2)),
    f32x4.mul(f32x4.splat(b), f32x4.add(g1, f32x4.mul(b2, g3))),
  );
  v128.store(to + toStep * 5, g3);
  return larger(larger(larger(larger(greatest, g0), g1), g2), g3);
}

/** G: three weights to six values. */
@inline
export function weightTransform(from: usize, fromStep: usize, to: usize, toStep: usize): void {
  const w0 = v128.load(from);
  const w1 = v128.load(from + fromStep);
  const w2 = v128.load(from + fromStep * 2);
  v128.store(to, f32x4.mul(f32x4.splat(zeroScale), w0));
  storePair(
    to + toStep,
    toStep,
    f32x4.mul(f32x4.splat(aScale), f32x4.add(w0, f32x4.mul(f32x4.splat(aa), w2))),
    f32x4.mul(f32x4.splat(a * aScale), w1),
  );
  storePair(
    to + toStep * 3,
    toStep,
    f32x4.mul(f32x4.splat(bScale), f32x4.add(w0, f32x4.mul(f32x4.splat(bb), w2))),
    f32x4.mul(f32x4.splat(b * bScale), w1),
  );
  v128.store(to + toStep * 5, w2);
}

/** Aᵀ: six values to four outputs. */
@inline
export function outputTransform(from: usize, fromStep: usize, to: usize, toStep: usize): void {
  const m1 = v128.load(from + fromStep);
  const m2 = v128.load(from + fromStep * 2);
  const m3 = v128.load(from + fromStep * 3);
  const m4 = v128.load(from + fromStep * 4);
  const a2 = f32x4.splat(aa);
  const b2 = f32x4.splat(bb);
  const evenA = f32x4.add(m1, m2);
  const evenB = f32x4.add(m3, m4);
  const oddA = f32x4.mul(f32x4.splat(a), f32x4.sub(m1, m2));
  const oddB = f32x4.mul(f32x4.splat(b), f32x4.sub(m3, m4));
  v128.store(to, f32x4.add(f32x4.add(v128.load(from), evenA), evenB));
  v128.store(to + toStep, f32x4.add(oddA, oddB));
  v128.store(to + toStep * 2, f32x4.add(f32x4.mul(a2, evenA), f32x4.mul(b2, evenB)));
  v128.store(
    to + toStep * 3,
    f32x4.add(f32x4.add(f32x4.mul(a2, oddA), f32x4.mul(b2, oddB)), v128.load(from + fromStep * 5)),
  );
}

/** Gᵀ: six values to three gradients of weights. */
@inline
export function weightGradTransform(from: usize, fromStep: usize, to: usize, toStep: usize): void {
  const m1 = v128.load(from + fromStep);
  const m2 = v128.load(from + fromStep * 2);
  const m3 = v128.load(from + fromStep * 3);
  const m4 = v128.load(from + fromStep * 4);
  const evenA = f32x4.mul(f32x4.splat(aScale), f32x4.add(m1, m2));
  const evenB = f32x4.mul(f32x4.splat(bScale), f32x4.add(m3, m4));
  const oddA = f32x4.mul(f32x4.splat(a * aScale), f32x4.sub(m1, m2));
  const oddB = f32x4.mul(f32x4.splat(b * bScale), f32x4.sub(m3, m4));
  v128.store(
    to,
    f32x4.add(f32x4.add(f32x4.mul(f32x4.splat(zeroScale), v128.load(from)), evenA), evenB),
  );
  v128.store(to + toStep, f32x4.add(oddA, oddB));
  v128.store(
    to + toStep * 2,
    f32x4.add(
      f32x4.add(f32x4.mul(f32x4.splat(aa), evenA), f32x4.mul(f32x4.splat(bb), evenB)),
      v128.load(from + fromStep * 5),
    ),
  );
}
