/**
 * The style sheet of the page: dark and light, phone, desktop and print. Text has a contrast of at
 * least 4.5, lines and controls of at least 3. Not here: the markup (render.ts, curves.ts).
 */

/** The hash of `pageStyle` in the page's content security policy. A test computes it again. */
export const pageStyleHash = 'sha256-/Mnu+lcv64ic7FhOKHBP5dEQq6DNockhinoDvwp43DE=';

const light = `
--back: #f5f6f8; --card: #ffffff; --ink: #1a1f26; --soft: #57606b; --edge: #d9dee4; --grid: #e8ebef;
--steps: #3f86bd; --training: #0b5a97; --validation: #b84a00; --band: #3f86bd5c;
--good: #0f6b3c; --good-back: #dff3e7; --busy: #0b5a97; --busy-back: #e1effa; --warn: #8a4200; --warn-back: #fdf0e0;
--focus: #0b5a97;`;

const dark = `
--back: #0f1317; --card: #181d23; --ink: #e7ebef; --soft: #a3adb8; --edge: #323a44; --grid: #262d35;
--steps: #5b9bd0; --training: #8cc8ff; --validation: #ffa36b; --band: #5b9bd06b;
--good: #7fdcab; --good-back: #16362a; --busy: #8cc8ff; --busy-back: #17324a; --warn: #ffc38a; --warn-back: #3d2a17;
--focus: #8cc8ff;`;

export const pageStyle = `
:root { color-scheme: light dark; ${light} }
@media (prefers-color-scheme: dark) { :root { ${dark} } }
@media print { :root { ${light} --back: #ffffff; } }
*, ::before, ::after { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
body { margin: 0; overflow-wrap: anywhere; background: var(--back); color: var(--ink);
  font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Noto Sans", sans-serif; }
main, header, footer { max-width: 70rem; margin: 0 auto; padding: 0 1rem; }
header { padding-top: 1.75rem; }
h1 { margin: 0; font-size: 1.6rem; line-height: 1.25; letter-spacing: -.01em; }
h2 { margin: 0 0 .85rem; font-size: 1.1rem; line-height: 1.3; }
h3 { margin: 0; font-size: .95rem; }
p { margin: 0 0 .75rem; }
.note { color: var(--soft); font-size: .875rem; max-width: 46rem; }
section { background: var(--card); border: 1px solid var(--edge); border-radius: .65rem; padding: 1.1rem 1.25rem;
  margin: 1rem 0; min-width: 0; }
.title { display: flex; flex-wrap: wrap; align-items: center; gap: .4rem .75rem; }
.status { font-size: .8rem; font-weight: 600; padding: .12rem .65rem; border-radius: 1rem; white-space: nowrap; }
.status.finished { color: var(--good); background: var(--good-back); }
.status.running { color: var(--busy); background: var(--busy-back); }
.status.stopped { color: var(--warn); background: var(--warn-back); }
.when { display: flex; flex-wrap: wrap; gap: .15rem 1.25rem; margin: .35rem 0 0; color: var(--soft); font-size: .875rem; }
.switch { display: inline-flex; align-items: center; gap: .4rem; color: var(--soft); font-size: .875rem; cursor: pointer;
  min-height: 1.5rem; }
.switch[hidden] { display: none; }
.switch input { margin: 0; width: 1rem; height: 1rem; accent-color: var(--training); }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(8.5rem, 1fr)); gap: .75rem; margin: 1.1rem 0 0; }
.tiles div { background: var(--card); border: 1px solid var(--edge); border-radius: .65rem; padding: .65rem .9rem; min-width: 0; }
.tiles dt { color: var(--soft); font-size: .8rem; }
.tiles dd { margin: 0; font-size: 1.3rem; font-weight: 600; font-variant-numeric: tabular-nums; line-height: 1.35; }
.tiles small { display: block; font-size: .8rem; font-weight: 400; color: var(--soft); }
.warnings { border-color: var(--warn); background: var(--warn-back); color: var(--warn); }
.warnings ul { margin: 0; padding-left: 1.2rem; }

.charts { display: grid; grid-template-columns: minmax(0, 1fr); gap: 1.5rem 2rem; }
.chart { margin: 0; min-width: 0; --tall: 12rem; }
#chart-loss { --tall: 17rem; }
.head { display: flex; justify-content: space-between; align-items: center; gap: .25rem 1rem; }
.legend { display: flex; flex-wrap: wrap; gap: .1rem 1.1rem; margin: .25rem 0 .5rem; font-size: .85rem; color: var(--soft);
  font-variant-numeric: tabular-nums; }
.legend b { color: var(--ink); font-weight: 600; }
.key { display: inline-flex; align-items: center; gap: .35rem; min-width: 0; }
.swatch { width: 1.5rem; height: .65rem; flex: none; }
.frame { display: grid; grid-template-columns: 3.4rem minmax(0, 1fr); padding-right: .6rem; }
.frame.log, .chart:has(.use-log:checked) .frame.linear { display: none; }
.chart:has(.use-log:checked) .frame.log { display: grid; }
.frame svg { display: block; overflow: visible; }
.frame text { fill: var(--soft); font-size: .75rem; font-variant-numeric: tabular-nums; }
.plot { width: 100%; height: var(--tall); touch-action: pan-y; cursor: crosshair; }
.plot > svg { overflow: hidden; }
.y-axis { width: 100%; height: var(--tall); }
.y-axis text { text-anchor: end; }
.x-axis { grid-column: 2; width: 100%; height: 1.5rem; }
.x-axis text { text-anchor: middle; }
.x-label { padding-left: 3.4rem; text-align: center; color: var(--soft); font-size: .75rem; line-height: 1.2; }
.grid line { stroke: var(--grid); stroke-width: 1; shape-rendering: crispEdges; }
.line { fill: none; stroke-width: 2; stroke-linejoin: round; stroke-linecap: round; vector-effect: non-scaling-stroke; }
.line.steps { stroke: var(--steps); stroke-width: 1.25; }
.line.training { stroke: var(--training); }
.line.validation { stroke: var(--validation); stroke-dasharray: 6 4; }
.band { fill: var(--band); stroke: none; }
.dot, .mark { stroke-width: 1.75; }
.dot.training, .mark.training { fill: var(--training); stroke: var(--training); }
.dot.validation, .mark.validation { fill: var(--card); stroke: var(--validation); }
.mark.steps { fill: var(--card); stroke: var(--steps); }
.cursor { stroke: var(--soft); stroke-width: 1; }
.cursor, .mark { display: none; pointer-events: none; }
.pointed .cursor, .pointed .mark { display: inline; }
.scrub { display: block; width: calc(100% - 4rem); margin: -1.05rem .6rem 0 3.4rem; height: 1.2rem; opacity: 0;
  accent-color: var(--training); }
.chart:has(.scrub:focus-visible) .x-label { visibility: hidden; }
.scrub[hidden] { display: none; }
:focus-visible { outline: 2px solid var(--focus); outline-offset: 2px; border-radius: .2rem; }
.scrub:focus-visible { opacity: 1; outline-offset: 0; }

.samples { display: grid; gap: .35rem; margin-bottom: 1rem; }
#samples ~ .samples:has(.wide) { gap: 1.25rem; }
section > :last-child { margin-bottom: 0; }
.charts + .note { margin-top: 1rem; }
.charts + .note:empty { display: none; }
.row { display: grid; grid-template-columns: 7.5rem minmax(0, 1fr); align-items: center; gap: .15rem .75rem; margin: 0; }
.row.first { margin-top: .6rem; padding-top: .95rem; border-top: 1px solid var(--edge); }
.row figcaption { font-size: .9rem; font-weight: 600; line-height: 1.3; }
.row small { display: block; font-weight: 400; color: var(--soft); font-size: .8rem; }
.strip { display: grid; grid-template-columns: repeat(8, minmax(0, 6.2rem)); gap: .35rem; }
.strip.wide { grid-template-columns: repeat(4, minmax(0, 1fr)); }
.strip img, .filters img { display: block; width: 100%; height: auto; background: var(--grid); }
.strip img, .strip svg { border-radius: .2rem; outline: 1px solid var(--edge); outline-offset: -1px; }
.strip svg { display: block; width: 100%; height: auto; background: var(--card); }
.coarse img { image-rendering: pixelated; }
.strip path { fill: none; stroke: var(--validation); stroke-width: 1.5; vector-effect: non-scaling-stroke;
  stroke-linejoin: round; }
.strip path.wanted { stroke: var(--steps); }
.filters { display: grid; grid-template-columns: repeat(auto-fill, minmax(2.4rem, 3.4rem)); gap: .35rem; }
.filters img { image-rendering: pixelated; border-radius: .15rem; outline: 1px solid var(--edge); outline-offset: -1px; }

.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; overflow-wrap: normal; font-size: .875rem; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .3rem .9rem .3rem 0; border-bottom: 1px solid var(--edge); vertical-align: top; }
tr > :last-child { padding-right: 0; }
thead th { color: var(--soft); font-weight: 600; white-space: nowrap; }
tbody th { font-weight: 400; }
tbody tr:last-child > *, tfoot tr > * { border-bottom: 0; }
tfoot th, tfoot td { border-top: 2px solid var(--edge); font-weight: 600; }
.number { text-align: right; white-space: nowrap; }
.facts { table-layout: fixed; }
.facts th { width: 38%; color: var(--soft); overflow-wrap: anywhere; }
.facts td { overflow-wrap: anywhere; }
.layers th { overflow-wrap: anywhere; min-width: 6rem; }
.layers small { color: var(--soft); font-size: .8rem; }
details { margin-top: 1rem; }
details .scroll { max-height: 28rem; overflow: auto; }
summary { cursor: pointer; color: var(--soft); font-size: .9rem; width: fit-content; padding: .15rem 0; }
caption { text-align: left; font-weight: 600; padding: .75rem 0 .35rem; }
.pair { display: grid; grid-template-columns: minmax(0, 1fr); gap: 0 1rem; align-items: start; }
.pair section { margin-top: 0; }
footer { color: var(--soft); font-size: .8rem; padding-top: .25rem; padding-bottom: 2rem; }

@media (min-width: 52rem) {
  .charts { grid-template-columns: repeat(2, minmax(0, 1fr)); }
  #chart-loss, .charts > :last-child:nth-child(even) { grid-column: 1 / -1; }
  .pair { grid-template-columns: repeat(2, minmax(0, 1fr)); }
}
@media (max-width: 40rem) {
  header { padding-top: 1.1rem; }
  main, header, footer { padding-left: .75rem; padding-right: .75rem; }
  section { padding: .9rem .85rem; }
  .tiles { grid-template-columns: repeat(2, minmax(0, 1fr)); gap: .5rem; }
  .tiles > :last-child:nth-child(odd) { grid-column: 1 / -1; }
  #chart-loss { --tall: 13rem; }
  .chart { --tall: 10rem; }
  .row { grid-template-columns: minmax(0, 1fr); }
  .row small { display: inline; margin-left: .4rem; }
  .samples { gap: .6rem; }
  .strip { gap: .2rem; grid-template-columns: repeat(8, minmax(0, 1fr)); }
  .strip.wide { grid-template-columns: repeat(2, minmax(0, 1fr)); }
  .strip.few { grid-template-columns: repeat(6, minmax(0, 1fr)); }
  .frame { grid-template-columns: 2.9rem minmax(0, 1fr); }
  .x-label { padding-left: 2.9rem; }
  .scrub { width: calc(100% - 3.5rem); margin-left: 2.9rem; }
  .optional { display: none; }
  th, td { padding-right: .6rem; }
}
@media print {
  section { break-inside: avoid; border-color: #bbbbbb; }
  .switch, .scrub, .cursor, .mark { display: none; }
  body { font-size: .85rem; }
}
@media (prefers-reduced-motion: no-preference) { .scrub { transition: opacity .15s; } }
@media (forced-colors: active) {
  .line, .dot, .mark, .cursor, .strip path { stroke: CanvasText; }
  .frame text { fill: CanvasText; }
  .status { border: 1px solid; }
}
`;
