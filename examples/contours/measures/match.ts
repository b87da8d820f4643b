/**
 * Pairs of pixels of two maps that lie near each other: a matching in a bipartite graph. Not here:
 * what is counted over thresholds and annotators (evaluate.ts).
 */
import { ValueError } from 'cedargrad';
import { checkMap, checkSameSize, type PixelMap } from './maps.js';

/** The pairs that `match` found. */
export interface Matching {
  /** How many pairs there are. */
  readonly count: number;
  /** For each pixel of `a` the index of its partner in `b`, or −1. @shape [height·width] */
  readonly a: Int32Array;
  /** For each pixel of `b` the index of its partner in `a`, or −1. @shape [height·width] */
  readonly b: Int32Array;
}

/** The steps [row, column] of at most `tolerance` pixels, the shortest first. */
function stepsWithin(tolerance: number): (readonly [number, number])[] {
  const reach = Math.floor(tolerance);
  const steps: (readonly [number, number])[] = [];
  for (let dy = -reach; dy <= reach; dy++)
    for (let dx = -reach; dx <= reach; dx++) if (dy * dy + dx * dx <= tolerance * tolerance) steps.push([dy, dx]);
  return steps.sort(([y1, x1], [y2, x2]) => y1 * y1 + x1 * x1 - y2 * y2 - x2 * x2);
}

/** The indices of the nonzero numbers. */
function indicesOf(data: PixelMap['data']): Int32Array {
  const indices = new Int32Array(data.length);
  let count = 0;
  for (let i = 0; i < data.length; i++) if (data[i] !== 0) indices[count++] = i;
  return indices.subarray(0, count);
}

/**
 * A bipartite graph. Nodes of the left side are 0 … starts.length − 2, and the neighbours of node u
 * are targets[starts[u]] … targets[starts[u + 1] − 1].
 */
interface Graph {
  readonly starts: Int32Array;
  readonly targets: Int32Array;
}

/** Pairs each node with a nearest free neighbour, all pairs of a shorter distance first. */
function pairNearest(
  { starts, targets }: Graph,
  ranks: Uint16Array,
  rankCount: number,
  left: Int32Array,
  right: Int32Array,
): void {
  // The neighbours of a node are sorted by rank, so each has one position to continue from.
  const next = starts.slice(0, left.length);
  for (let rank = 0; rank < rankCount; rank++)
    for (let u = 0; u < left.length; u++) {
      let at = next[u];
      for (; left[u] < 0 && at < starts[u + 1] && ranks[at] === rank; at++) {
        const v = targets[at];
        if (right[v] >= 0) continue;
        left[u] = v;
        right[v] = u;
      }
      next[u] = at;
    }
}

/**
 * The algorithm of Hopcroft and Karp: it makes `left` and `right`, a matching, a largest one. Nodes
 * that had a partner keep one.
 */
function augment({ starts, targets }: Graph, left: Int32Array, right: Int32Array): void {
  const count = left.length;
  const level = new Int32Array(count);
  const queue = new Int32Array(count);
  const next = new Int32Array(count);
  const path = new Int32Array(count);
  for (;;) {
    // Breadth first: the level of a node is the length of the shortest alternating path to it.
    let end = 0;
    for (let u = 0; u < count; u++) {
      level[u] = left[u] < 0 ? 0 : -1;
      if (left[u] < 0) queue[end++] = u;
    }
    let isFound = false;
    for (let head = 0; head < end; head++) {
      const u = queue[head];
      for (let at = starts[u]; at < starts[u + 1]; at++) {
        const w = right[targets[at]];
        if (w < 0) isFound = true;
        else if (level[w] < 0) {
          level[w] = level[u] + 1;
          queue[end++] = w;
        }
      }
    }
    if (!isFound) return;
    // Depth first along rising levels: paths that share no node. Nodes behind are not tried again.
    next.set(starts.subarray(0, count));
    for (let root = 0; root < count; root++) {
      if (left[root] >= 0) continue;
      let depth = 0;
      path[0] = root;
      while (depth >= 0) {
        const u = path[depth];
        if (next[u] === starts[u + 1]) {
          // A dead end. The node before goes on to its next neighbour.
          depth--;
          if (depth >= 0) next[path[depth]]++;
          continue;
        }
        const w = right[targets[next[u]]];
        if (w >= 0 && level[w] !== level[u] + 1) next[u]++;
        else if (w >= 0) path[++depth] = w;
        else {
          // A free partner. Each node of the path gets the neighbour that it came to.
          for (; depth >= 0; depth--) {
            const node = path[depth];
            left[node] = targets[next[node]++];
            right[left[node]] = node;
          }
        }
      }
    }
  }
}

/**
 * Pairs pixels of `a` with pixels of `b`, each with at most one. No matching has more pairs.
 *
 * The benchmark's correspondPixels.m solves an assignment: a pair costs its distance, and a pixel
 * without partner costs 100 times the tolerance. So the number of pairs is the largest one, and the
 * sum of distances the least among these matchings. Here the number is the same. Pairs are
 * first made by distance, the nearest first, and then changed only as far as more pairs need it, so
 * the sum of distances is near the least, but it can be larger.
 *
 * @param a every nonzero number is a pixel of the set
 * @param b as `a`, and of the same size
 * @param tolerance @units pixels, Euclidean; a pair may be exactly this far apart
 * @throws ShapeError if the maps' sizes are wrong or differ
 * @throws ValueError if the tolerance is negative or larger than 100, or a number is not finite
 * @source J. E. Hopcroft and R. M. Karp, An n^(5/2) algorithm for maximum matchings in bipartite
 * graphs, SIAM Journal on Computing 2 (1973); BSDS500 bench/source/match.cc
 */
export function match(a: PixelMap, b: PixelMap, tolerance: number): Matching {
  checkMap('match', 'a', a);
  checkMap('match', 'b', b);
  checkSameSize('match', 'a', a, 'b', b);
  if (!(tolerance >= 0 && tolerance <= 100))
    throw new ValueError('match', 'tolerance must be 0 … 100 pixels', `tolerance=${tolerance}`);
  const { height, width } = a;
  const fromA = indicesOf(a.data);
  const fromB = indicesOf(b.data);
  const steps = stepsWithin(tolerance);
  // The nodes of b by their places, with an empty border as wide as the longest step. So a step is
  // one number to add, and it never leaves the array.
  const reach = Math.floor(tolerance);
  const stride = width + 2 * reach;
  const placeOf = (pixel: number): number => (Math.floor(pixel / width) + reach) * stride + (pixel % width) + reach;
  const nodes = new Int32Array((height + 2 * reach) * stride).fill(-1);
  fromB.forEach((pixel, v) => {
    nodes[placeOf(pixel)] = v;
  });
  const offsets = Int32Array.from(steps, ([dy, dx]) => dy * stride + dx);

  const starts = new Int32Array(fromA.length + 1);
  let targets = new Int32Array(8 * fromA.length + steps.length);
  let ranks = new Uint16Array(targets.length);
  let length = 0;
  for (let u = 0; u < fromA.length; u++) {
    if (length + steps.length > targets.length) {
      const [old, oldRanks] = [targets, ranks];
      targets = new Int32Array(2 * old.length);
      targets.set(old);
      ranks = new Uint16Array(targets.length);
      ranks.set(oldRanks);
    }
    const place = placeOf(fromA[u]);
    for (let s = 0; s < offsets.length; s++) {
      const v = nodes[place + offsets[s]];
      if (v < 0) continue;
      targets[length] = v;
      ranks[length++] = s;
    }
    starts[u + 1] = length;
  }

  const left = new Int32Array(fromA.length).fill(-1);
  const right = new Int32Array(fromB.length).fill(-1);
  const graph = { starts, targets };
  pairNearest(graph, ranks, steps.length, left, right);
  augment(graph, left, right);

  const partners = { a: new Int32Array(height * width).fill(-1), b: new Int32Array(height * width).fill(-1) };
  let count = 0;
  left.forEach((v, u) => {
    if (v < 0) return;
    partners.a[fromA[u]] = fromB[v];
    partners.b[fromB[v]] = fromA[u];
    count++;
  });
  return { count, ...partners };
}
