/** Whether an array is another library's, within rounding. */

export interface Tolerance {
  /** Of 1 + |want|. */
  readonly relative: number;
  /** Whether want is the largest of the whole array, as for sums of products whose terms cancel. */
  readonly ofLargest: boolean;
}

/** What is wrong, or null. Infinities must be equal, and NaN stands for NaN. */
export function difference(
  what: string,
  got: { readonly shape: readonly number[]; readonly data: ArrayLike<number> },
  want: { readonly shape: readonly number[]; readonly data: ArrayLike<number> },
  { relative, ofLargest }: Tolerance,
): string | null {
  if (got.shape.join() !== want.shape.join()) return `${what}: shape [${got.shape}], expected [${want.shape}]`;
  let largest = 0;
  if (ofLargest)
    for (let i = 0; i < want.data.length; i++)
      if (Number.isFinite(want.data[i])) largest = Math.max(largest, Math.abs(want.data[i]));
  for (let i = 0; i < want.data.length; i++) {
    const [g, w] = [got.data[i], want.data[i]];
    const scale = 1 + (ofLargest ? largest : Math.abs(w));
    const right = g === w || (Number.isNaN(g) && Number.isNaN(w)) || Math.abs(g - w) <= relative * scale;
    if (!right) return `${what}: element ${i} is ${g}, expected ${w}`;
  }
  return null;
}
