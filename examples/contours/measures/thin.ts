/**
 * Morphological thinning: it makes lines one pixel wide, and changes neither the number of
 * connected parts nor the number of holes. Not here: suppression, which uses the values of a map
 * of probabilities.
 */
import { type BinaryMap, checkMap, type PixelMap } from './maps.js';

/** The eight neighbours x1 … x8 of a pixel as [row, column], from the east on, counterclockwise. */
const neighbours = [
  [0, 1],
  [-1, 1],
  [-1, 0],
  [-1, -1],
  [0, -1],
  [1, -1],
  [1, 0],
  [1, 1],
] as const;

/**
 * Whether a subiteration removes a pixel with these neighbours. Bit i − 1 of `code` is x_i.
 * The conditions are those of Guo and Hall as MATLAB's page of bwmorph lists them.
 */
function isRemoved(code: number, isSecond: boolean): boolean {
  const x = (i: number): number => (code >> ((i - 1) % 8)) & 1;
  const pairs = [1, 2, 3, 4];
  const count = (holds: (k: number) => number | boolean): number => pairs.filter((k) => holds(k)).length;
  // G1: one connected part of neighbours, so that removing the pixel separates nothing.
  const parts = count((k) => x(2 * k - 1) === 0 && (x(2 * k) || x(2 * k + 1)));
  // G2: neither the end of a line nor a pixel inside.
  const n1 = count((k) => x(2 * k - 1) | x(2 * k));
  const n2 = count((k) => x(2 * k) | x(2 * k + 1));
  const least = Math.min(n1, n2);
  // G3, and in the second subiteration G3′, which is G3 turned by 180°.
  const isKept = isSecond ? (x(6) | x(7) | (1 - x(4))) & x(5) : (x(2) | x(3) | (1 - x(8))) & x(1);
  return parts === 1 && (least === 2 || least === 3) && isKept === 0;
}

const tables = [false, true].map((isSecond) =>
  Uint8Array.from({ length: 256 }, (_, code) => (isRemoved(code, isSecond) ? 1 : 0)),
);

/**
 * Thins a set of pixels until nothing changes, as MATLAB's `bwmorph(map, 'thin', Inf)`. Pixels
 * outside of the map are not in the set. The two subiterations alternate. Each removes all its
 * pixels at once. A pixel is looked at again only after a neighbour of it was removed, which does
 * not change the result.
 *
 * @param map every nonzero number is in the set
 * @throws ShapeError if the map's sizes are wrong
 * @throws ValueError if a number is not finite
 * @source Z. Guo and R. W. Hall, Parallel thinning with two-subiteration algorithms,
 * Communications of the ACM 32 (1989), algorithm A1
 */
export function thin(map: PixelMap): BinaryMap {
  checkMap('thin', 'map', map);
  const { height, width } = map;
  // A border of empty pixels makes every pixel of the map have eight neighbours.
  const stride = width + 2;
  const cells = new Uint8Array((height + 2) * stride);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) cells[(y + 1) * stride + x + 1] = map.data[y * width + x] === 0 ? 0 : 1;
  const steps = neighbours.map(([dy, dx]) => dy * stride + dx);

  /** The pixels that each subiteration has to look at, and whether a pixel is among them. */
  const pending: [number[], number[]] = [[], []];
  const isPending = [new Uint8Array(cells.length), new Uint8Array(cells.length)];
  const queue = (which: number, cell: number): void => {
    if (cells[cell] === 0 || isPending[which][cell] === 1) return;
    isPending[which][cell] = 1;
    pending[which].push(cell);
  };
  for (let cell = 0; cell < cells.length; cell++) for (const which of [0, 1]) queue(which, cell);

  for (let which = 0; pending[0].length + pending[1].length > 0; which = 1 - which) {
    const looked = pending[which];
    pending[which] = [];
    const removed: number[] = [];
    for (const cell of looked) {
      isPending[which][cell] = 0;
      if (cells[cell] === 0) continue;
      let code = 0;
      for (let i = 0; i < 8; i++) code |= cells[cell + steps[i]] << i;
      if (tables[which][code] === 1) removed.push(cell);
    }
    for (const cell of removed) cells[cell] = 0;
    for (const cell of removed)
      for (const step of steps) {
        queue(0, cell + step);
        queue(1, cell + step);
      }
  }
  const data = new Uint8Array(height * width);
  for (let y = 0; y < height; y++)
    data.set(cells.subarray((y + 1) * stride + 1, (y + 1) * stride + 1 + width), y * width);
  return { height, width, data };
}
