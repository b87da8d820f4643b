/**
 * Numbers that every peer draws for itself by the same rule, where a file of them would be too
 * large. peers/networks.py has the same rule and gives the same bits.
 */

/** A rule: numbers in [-bound, bound), or ones with a chance and else zeros. */
export type Drawn = { readonly bound: number } | { readonly chance: number };

/**
 * A hash whose every bit depends on all bits of x.
 * @source Wellons, "Prospecting for Hash Functions", lowbias32
 */
function hash(x: number): number {
  x = Math.imul(x ^ (x >>> 16), 0x7feb352d);
  x = Math.imul(x ^ (x >>> 15), 0x846ca68b);
  return (x ^ (x >>> 16)) >>> 0;
}

/** The numbers of an array, whose first element is number `offset` of the workload. */
export function draw(rule: Drawn, offset: number, size: number): Float32Array<ArrayBuffer> {
  const numbers = new Float32Array(size);
  if ('chance' in rule) {
    for (let i = 0; i < size; i++) numbers[i] = hash(offset + i) < rule.chance * 2 ** 32 ? 1 : 0;
    return numbers;
  }
  // The upper 24 bits less the half of their range are exact in float32, and rounded once below.
  const bound = Math.fround(rule.bound);
  for (let i = 0; i < size; i++) numbers[i] = ((hash(offset + i) >>> 8) / 2 ** 23 - 1) * bound;
  return numbers;
}
