/**
 * Random outlines of objects: discs, ellipses, rounded rectangles, polygons and blobs. Not here:
 * their pixels (coverage.ts).
 */
import type { RandomGenerator } from 'cedargrad';
import type { Point } from './coverage.js';

/** A kind of outline. */
export type OutlineKind = 'disc' | 'ellipse' | 'rectangle' | 'polygon' | 'blob';
/** All kinds of outlines. */
export const outlineKinds: readonly OutlineKind[] = ['disc', 'ellipse', 'rectangle', 'polygon', 'blob'];

/**
 * The corners of a polygon that stands for a closed curve. A polygon of 256 corners is within 1/100
 * pixel of a circle with a radius of 100.
 */
const pointsOfCurve = 256;

const curve = (at: (angle: number) => Point): Point[] =>
  Array.from({ length: pointsOfCurve }, (_, i) => at((2 * Math.PI * i) / pointsOfCurve));

/**
 * A rectangle about the origin whose corners are quarters of circles.
 * @shape → [n,2]
 * @units pixels
 */
export function roundedRectangle(halfHeight: number, halfWidth: number, radius: number): Point[] {
  return curve((angle) => {
    const [sin, cos] = [Math.sin(angle), Math.cos(angle)];
    return [
      radius * sin + Math.sign(sin) * (halfHeight - radius),
      radius * cos + Math.sign(cos) * (halfWidth - radius),
    ];
  });
}

/** An outline about the origin that reaches as far as `radius`, or nearly. */
function aboutOrigin(kind: OutlineKind, radius: number, random: RandomGenerator): Point[] {
  const between = (low: number, high: number): number => low + (high - low) * random.random();
  if (kind === 'disc') return curve((angle) => [radius * Math.sin(angle), radius * Math.cos(angle)]);
  if (kind === 'ellipse') {
    const shorter = radius * between(0.4, 0.9);
    return curve((angle) => [shorter * Math.sin(angle), radius * Math.cos(angle)]);
  }
  if (kind === 'rectangle') {
    const [halfHeight, halfWidth] = [radius * between(0.3, 0.75), radius * between(0.5, 0.75)];
    return roundedRectangle(halfHeight, halfWidth, Math.min(halfHeight, halfWidth) * between(0, 0.7));
  }
  if (kind === 'polygon') {
    const count = 3 + Math.floor(between(0, 6));
    return Array.from({ length: count }, (_, i): Point => {
      const [angle, distance] = [(2 * Math.PI * (i + between(0, 0.6))) / count, radius * between(0.45, 1)];
      return [distance * Math.sin(angle), distance * Math.cos(angle)];
    });
  }
  // The waves sum to less than 0.4 of the mean radius, so the outline does not cross itself.
  const waves = [2, 3, 4, 5].map((frequency) => {
    const [height, phase] = [between(0, 0.3) / frequency, between(0, 2 * Math.PI)];
    return (angle: number) => height * Math.cos(frequency * angle + phase);
  });
  return curve((angle) => {
    const distance = 0.75 * radius * (1 + waves.reduce((sum, wave) => sum + wave(angle), 0));
    return [distance * Math.sin(angle), distance * Math.cos(angle)];
  });
}

/**
 * A random outline of a kind, turned by a random angle. It does not cross itself.
 * @shape → [n,2]
 * @units pixels
 */
export function drawOutline(kind: OutlineKind, center: Point, radius: number, random: RandomGenerator): Point[] {
  const turn = 2 * Math.PI * random.random();
  const [sin, cos] = [Math.sin(turn), Math.cos(turn)];
  return aboutOrigin(kind, radius, random).map(([y, x]) => [
    center[0] + cos * y + sin * x,
    center[1] - sin * y + cos * x,
  ]);
}
