/** A pad to draw a digit on, and what the network rebuilds from it. */
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { Part } from './page.js';
import { exampleDigit, type Point, side, stroke } from './pen.js';
import { Figures, Pixels } from './pixels.js';

const directions: Readonly<Record<string, Point>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

/** White ink on black, as the training data are. */
function pixelsOf(ink: Float32Array): Uint8ClampedArray<ArrayBuffer> {
  const pixels = new Uint8ClampedArray(4 * ink.length).fill(255);
  for (const [i, value] of ink.entries()) pixels.fill(255 * value, 4 * i, 4 * i + 3);
  return pixels;
}

interface PadProps {
  readonly ink: Float32Array;
  readonly change: (ink: Float32Array) => void;
}

function Pad({ ink, change }: PadProps) {
  const [pen, setPen] = useState<Point>([side / 2, side / 2]);
  const [isDown, setDown] = useState(false);
  const last = useRef<Point | null>(null);
  // Several events may come before the pad is drawn again, and each adds to the ink of the one before.
  const current = useRef(ink);
  useLayoutEffect(() => {
    current.current = ink;
  }, [ink]);
  const line = (from: Point, to: Point): void => {
    const next = current.current.slice();
    stroke(next, from, to);
    current.current = next;
    change(next);
  };
  const placeOf = (event: PointerEvent): Point => {
    const { left, top, width, height } = (event.currentTarget as HTMLElement).getBoundingClientRect();
    return [((event.clientX - left) / width) * side, ((event.clientY - top) / height) * side];
  };
  const begin = (event: PointerEvent): void => {
    if (event.button !== 0) return;
    (event.currentTarget as HTMLElement).setPointerCapture(event.pointerId);
    last.current = placeOf(event);
    line(last.current, last.current);
  };
  const move = (event: PointerEvent): void => {
    if (last.current === null) return;
    const place = placeOf(event);
    line(last.current, place);
    last.current = place;
  };
  const end = (): void => {
    last.current = null;
  };
  const key = (event: KeyboardEvent): void => {
    const direction = directions[event.key];
    if (event.key === ' ') {
      setDown(!isDown);
      if (!isDown) line(pen, pen);
    } else if (direction !== undefined) {
      const inside = (value: number): number => Math.min(side - 0.5, Math.max(0.5, value));
      const next: Point = [inside(pen[0] + direction[0]), inside(pen[1] + direction[1])];
      if (isDown) line(pen, next);
      setPen(next);
    } else return;
    event.preventDefault();
  };
  return (
    <>
      <div
        class="pad"
        role="application"
        aria-label="Pad to draw a digit on"
        aria-describedby="pad-help"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: the keyboard moves a pen on it
        tabIndex={0}
        onPointerDown={begin}
        onPointerMove={move}
        onPointerUp={end}
        onPointerCancel={end}
        onKeyDown={key}
        onBlur={() => setDown(false)}
      >
        <Pixels picture={{ width: side, height: side, pixels: pixelsOf(ink) }} />
        <span
          class={`pen${isDown ? ' down' : ''}`}
          style={{ left: `${(100 * pen[0]) / side}%`, top: `${(100 * pen[1]) / side}%` }}
        />
      </div>
      <p class="hidden" role="status">
        {isDown ? 'The pen is down and draws.' : 'The pen is up.'}
      </p>
    </>
  );
}

export function Draw({ state: { ink, drawing }, actions }: Part) {
  const [examples, setExamples] = useState(0);
  const isEmpty = ink.every((value) => value === 0);
  return (
    <section aria-labelledby="draw-title" class="card">
      <h2 id="draw-title">Draw a digit</h2>
      <div class="drawing">
        <div class="drawing-parts">
          <div class="pad-column">
            <Pad ink={ink} change={actions.draw} />
            <div class="buttons">
              <button
                type="button"
                onClick={() => {
                  actions.draw(exampleDigit(examples));
                  setExamples(examples + 1);
                }}
              >
                Example digit
              </button>
              <button type="button" disabled={isEmpty} onClick={() => actions.draw(new Float32Array(side * side))}>
                Clear
              </button>
            </div>
          </div>
          {!isEmpty && drawing.length > 0 && <Figures rows={drawing} />}
        </div>
      </div>
      <p class="help" id="pad-help">
        Draw with mouse, pen or finger. On the keyboard, the arrow keys move the pen, and the space bar puts it down and
        lifts it.
      </p>
    </section>
  );
}
