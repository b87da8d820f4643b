/**
 * What a pool passes to its unpooling, on the picture: the windows, and a mark at each maximum. Not
 * here: the places of windows and maxima (windows.ts).
 */
import type { ComponentChildren } from 'preact';
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { Picture, Unpooling } from '../protocol.js';
import type { Part } from './page.js';
import { Pixels } from './pixels.js';
import { type Cell, cellAt, describe, maximumAt, type Rectangle, windowAt } from './windows.js';

/** The canvas is about this wide, so that lines and dots are sharp. @units pixels */
const canvasWidth = 640;

/** Draws the windows and a dot at each maximum. Windows of few pixels get no lines. */
function drawMask(canvas: HTMLCanvasElement, level: Unpooling): void {
  const context = canvas.getContext('2d')!;
  const [scaleX, scaleY] = [canvas.width / level.width, canvas.height / level.height];
  context.clearRect(0, 0, canvas.width, canvas.height);
  const isWide = level.stride[1] * scaleX >= 10;
  for (let row = 0; row < level.rows; row++)
    for (let column = 0; column < level.columns; column++) {
      if (isWide) {
        const { x, y, width, height } = windowAt(level, { row, column });
        context.strokeStyle = 'rgb(128 128 128 / 0.55)';
        context.lineWidth = 1.5;
        context.strokeRect(x * scaleX, y * scaleY, width * scaleX, height * scaleY);
      }
      const { x, y } = maximumAt(level, { row, column });
      context.fillStyle = 'white';
      context.strokeStyle = 'black';
      if (scaleX < 5) context.fillRect(x * scaleX, y * scaleY, Math.max(1, scaleX * 0.6), Math.max(1, scaleY * 0.6));
      else {
        context.lineWidth = 2;
        context.beginPath();
        context.arc((x + 0.5) * scaleX, (y + 0.5) * scaleY, Math.min(7, scaleX * 0.28), 0, 2 * Math.PI);
        context.stroke();
        context.fill();
      }
    }
}

/** A frame around a part of a picture. */
function Frame({ part, width, height }: { part: Rectangle; width: number; height: number }) {
  const percent = (value: number, of: number): string => `${(100 * value) / of}%`;
  return (
    <span
      class="frame"
      style={{
        left: percent(part.x, width),
        top: percent(part.y, height),
        width: percent(part.width, width),
        height: percent(part.height, height),
      }}
    />
  );
}

interface MapProps {
  readonly title: string;
  readonly picture: Picture;
  readonly children: ComponentChildren;
}

function SmallMap({ title, picture, children }: MapProps) {
  return (
    <figure>
      <div class="framed">
        <Pixels picture={picture} label={title} />
        {children}
      </div>
      <figcaption>{title}</figcaption>
    </figure>
  );
}

interface MaskProps {
  readonly level: Unpooling;
  readonly cell: Cell;
  readonly choose: (cell: Cell) => void;
}

const moves: Readonly<Record<string, readonly [rows: number, columns: number]>> = {
  ArrowLeft: [0, -1],
  ArrowRight: [0, 1],
  ArrowUp: [-1, 0],
  ArrowDown: [1, 0],
};

/** The input picture with the mask on it. */
function Mask({ level, cell, choose }: MaskProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const { input } = level;
  const scale = Math.max(1, Math.round(canvasWidth / input.width));
  useLayoutEffect(() => drawMask(canvas.current!, level), [level]);
  const point = (event: PointerEvent): void => {
    const { left, top, width, height } = (event.currentTarget as HTMLElement).getBoundingClientRect();
    const x = ((event.clientX - left) / width) * level.width;
    const y = ((event.clientY - top) / height) * level.height;
    choose(cellAt(level, x, y));
  };
  const key = (event: KeyboardEvent): void => {
    const move = moves[event.key];
    if (move === undefined) return;
    event.preventDefault();
    choose({
      row: Math.min(level.rows - 1, Math.max(0, cell.row + move[0])),
      column: Math.min(level.columns - 1, Math.max(0, cell.column + move[1])),
    });
  };
  return (
    <div
      class="framed mask"
      role="application"
      aria-label="The picture with the pool’s windows and their maxima"
      aria-describedby="mask-help"
      // biome-ignore lint/a11y/noNoninteractiveTabindex: the arrow keys go from window to window
      tabIndex={0}
      onPointerMove={point}
      onPointerDown={point}
      onKeyDown={key}
    >
      <Pixels picture={input} />
      <canvas ref={canvas} class="marks" width={input.width * scale} height={input.height * scale} aria-hidden />
      <Frame part={windowAt(level, cell)} width={level.width} height={level.height} />
    </div>
  );
}

interface PickerProps {
  readonly id: string;
  readonly label: string;
  readonly options: readonly string[];
  readonly value: number;
  readonly choose: (value: number) => void;
}

function Picker({ id, label, options, value, choose }: PickerProps) {
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <select id={id} value={value} onChange={(event) => choose(Number(event.currentTarget.value))}>
        {options.map((option, i) => (
          <option key={option} value={i} selected={i === value}>
            {option}
          </option>
        ))}
      </select>
    </div>
  );
}

const counted = (count: number): string[] => Array.from({ length: count }, (_, i) => String(i + 1));

/** There must be at least one level. */
export function UnpoolView({ state: { levels }, actions }: Part) {
  const [chosen, setChosen] = useState(0);
  const [cell, setCell] = useState<Cell>({ row: 0, column: 0 });
  const level = levels[Math.min(chosen, levels.length - 1)];
  // What was asked for. The level that is shown follows when the worker has answered.
  const [asked, setAsked] = useState({ index: level.index, channel: level.channel });
  const inspect = (changed: Partial<typeof asked>): void => {
    const next = { ...asked, ...changed };
    setAsked(next);
    actions.inspect(next.index, next.channel);
  };
  const inside = { row: Math.min(cell.row, level.rows - 1), column: Math.min(cell.column, level.columns - 1) };
  const whole = { width: level.width, height: level.height };
  const window = windowAt(level, inside);
  return (
    <section aria-labelledby="unpool-title" class="card">
      <h2 id="unpool-title">Unpooling</h2>
      <div class="fields three">
        <Picker id="level" label="Pool" options={levels.map(({ title }) => title)} value={chosen} choose={setChosen} />
        <Picker
          id="picture"
          label="Picture"
          options={counted(level.pictures)}
          value={asked.index}
          choose={(index) => inspect({ index })}
        />
        <Picker
          id="channel"
          label="Channel"
          options={counted(level.channels)}
          value={Math.min(asked.channel, level.channels - 1)}
          choose={(channel) => inspect({ channel })}
        />
      </div>
      <div class="unpooling">
        <Mask level={level} cell={inside} choose={setCell} />
        <div class="maps">
          <SmallMap title="before the pool" picture={level.before}>
            <Frame part={window} {...whole} />
          </SmallMap>
          <SmallMap title="pooled" picture={level.pooled}>
            <Frame
              part={{ x: inside.column, y: inside.row, width: 1, height: 1 }}
              width={level.columns}
              height={level.rows}
            />
          </SmallMap>
          <SmallMap title="unpooled" picture={level.unpooled}>
            <Frame part={window} {...whole} />
          </SmallMap>
        </div>
      </div>
      <p class="fact">{describe(level, inside)}</p>
      <p class="help" id="mask-help">
        White dots: where each window’s maximum was. The decoder puts values back exactly there, so edges stay where
        they were. Point at a window, or go from window to window with the arrow keys.
      </p>
    </section>
  );
}
