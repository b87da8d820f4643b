/** The loss curve, drawn by uPlot. Not here: which points it has (losses.ts). */
import { useEffect, useRef, useState } from 'preact/hooks';
import uPlot from 'uplot';
import { type LossCurve, pointsOf } from './losses.js';

const height = 240;

/** The number of a loss, as short as it can be read. */
export const lossText = (loss: number | null | undefined): string =>
  loss === null || loss === undefined ? '–' : loss.toPrecision(4);

/** Colours come from the style sheet, so that the chart is dark and light like the page. */
function optionsOf(element: HTMLElement, isLog: boolean): uPlot.Options {
  const style = getComputedStyle(element);
  const color = (name: string): string => style.getPropertyValue(name).trim();
  const axis: uPlot.Axis = {
    stroke: color('--muted'),
    font: `12px ${style.fontFamily}`,
    grid: { stroke: color('--line'), width: 1 },
    ticks: { stroke: color('--line'), width: 1 },
  };
  return {
    width: Math.max(200, element.clientWidth),
    height,
    cursor: { drag: { x: false, y: false } },
    scales: { x: { time: false }, y: { distr: isLog ? 3 : 1 } },
    axes: [axis, { ...axis, size: 60 }],
    series: [
      { label: 'step', value: (_chart, step) => (step === null ? '–' : String(Math.round(step))) },
      { label: 'loss', stroke: color('--accent'), width: 2, value: (_chart, loss) => lossText(loss) },
    ],
  };
}

/** Whether the user's system is dark at present. */
function useDark(): boolean {
  const query = matchMedia('(prefers-color-scheme: dark)');
  const [isDark, setDark] = useState(query.matches);
  useEffect(() => {
    const listen = (): void => setDark(query.matches);
    query.addEventListener('change', listen);
    return () => query.removeEventListener('change', listen);
  }, []);
  return isDark;
}

export function LossChart({ curve, loss }: { readonly curve: LossCurve; readonly loss: number | null }) {
  const place = useRef<HTMLDivElement>(null);
  const chart = useRef<uPlot | null>(null);
  const [isLog, setLog] = useState(true);
  const isDark = useDark();

  // The colours change with isDark, and new data have an effect of their own.
  useEffect(() => {
    const element = place.current!;
    const made = new uPlot(optionsOf(element, isLog), pointsOf(curve), element);
    chart.current = made;
    const observer = new ResizeObserver(() => made.setSize({ width: Math.max(200, element.clientWidth), height }));
    observer.observe(element);
    return () => {
      observer.disconnect();
      made.destroy();
      chart.current = null;
    };
  }, [isLog, isDark]);
  useEffect(() => chart.current?.setData(pointsOf(curve)), [curve]);

  const { steps, means, binSize } = curve;
  const label =
    steps === 0 ? 'No steps yet.' : `From ${lossText(means[0])} to ${lossText(loss)} within ${steps} steps.`;
  return (
    <section aria-labelledby="loss-title" class="card">
      <div class="title-line">
        <h2 id="loss-title">Loss</h2>
        <label class="check">
          <input type="checkbox" checked={isLog} onChange={(event) => setLog(event.currentTarget.checked)} />
          logarithmic
        </label>
      </div>
      <div ref={place} class="chart" role="img" aria-label={`Curve of the loss. ${label}`} />
      <p class="help">
        {steps === 0 && 'The curve begins with the first step. '}
        The error of each step’s batch, which training makes smaller.
        {binSize > 1 && ` Each point is the mean of ${binSize} steps.`}
      </p>
    </section>
  );
}
