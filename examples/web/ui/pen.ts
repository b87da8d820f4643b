/**
 * Drawing on a small picture of ink: a round brush, strokes, and digits to begin with. Not here:
 * the pad that the user draws on (draw.tsx).
 */

/** Height and width of a drawn digit. */
export const side = 28;

/** A place on the picture. @units pixels, from its upper left corner */
export type Point = readonly [x: number, y: number];

/** The brush's radius, which gives strokes as thick as those of the digits in the training data. */
const radius = 1.2;

/** Inks a disc with a soft edge. */
function dot(ink: Float32Array, [x, y]: Point): void {
  const reach = radius + 0.5;
  for (let row = Math.max(0, Math.floor(y - reach)); row <= Math.min(side - 1, y + reach); row++)
    for (let column = Math.max(0, Math.floor(x - reach)); column <= Math.min(side - 1, x + reach); column++) {
      const distance = Math.hypot(column + 0.5 - x, row + 0.5 - y);
      const at = row * side + column;
      ink[at] = Math.max(ink[at], Math.min(1, Math.max(0, reach - distance)));
    }
}

/** Inks a straight stroke. */
export function stroke(ink: Float32Array, [fromX, fromY]: Point, [toX, toY]: Point): void {
  const dots = Math.max(1, Math.ceil(2 * Math.hypot(toX - fromX, toY - fromY)));
  for (let i = 0; i <= dots; i++) dot(ink, [fromX + ((toX - fromX) * i) / dots, fromY + ((toY - fromY) * i) / dots]);
}

/** Digits as lines of points, written with one stroke each. */
const examples: readonly (readonly Point[])[] = [
  [
    [8, 9],
    [10, 6.5],
    [14, 5.5],
    [18, 7],
    [19, 10],
    [17, 13.5],
    [13, 17.5],
    [8.5, 22],
    [20, 22],
  ],
  [
    [8, 7],
    [12, 5.5],
    [17, 6.5],
    [18, 10],
    [15.5, 13],
    [12, 13.5],
    [16.5, 14.5],
    [19, 18],
    [16.5, 21.5],
    [12, 22.5],
    [8, 21],
  ],
  [
    [16.5, 22.5],
    [16.5, 5.5],
    [8, 17],
    [20, 17],
  ],
  [
    [18.5, 6],
    [10.5, 6],
    [9.5, 13],
    [13.5, 12],
    [18, 14],
    [18.5, 18.5],
    [15.5, 22],
    [9, 21.5],
  ],
  [
    [8, 6.5],
    [20, 6.5],
    [15.5, 14],
    [12.5, 22.5],
  ],
];

/** A written digit. `number` counts up without end, and the digits return. @shape [28 · 28] */
export function exampleDigit(number: number): Float32Array {
  const ink = new Float32Array(side * side);
  const points = examples[number % examples.length];
  for (let i = 1; i < points.length; i++) stroke(ink, points[i - 1], points[i]);
  return ink;
}
