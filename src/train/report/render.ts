/**
 * The page of a report: one HTML file that loads nothing. Its content security policy allows its
 * own style sheet, its own script and its own pictures, and no connection. Not here: the curves
 * (curves.ts), the tables (tables.ts), the style and the script of the page.
 */
import { rank4 } from '../../values/shape.js';
import { version } from '../../version.js';
import { chartsOf, metricsOf, mostMetrics, mostRecords, thinned } from './charts.js';
import { checkReportData } from './check.js';
import { type ChartSpec, chartData, renderChart } from './curves.js';
import type { ReportData, ReportFilters, ReportPictures, ReportSamples } from './data.js';
import { formatCount, formatDate, formatNumber, formatSeconds } from './format.js';
import { html, jsonScript, type Markup, raw } from './html.js';
import { pageScript, pageScriptHash } from './page-script.js';
import { pageStyle, pageStyleHash } from './page-style.js';
import { renderFacts, renderLayers, renderNumbers, settingsOf } from './tables.js';

/** Images with a shorter side than this are enlarged without smoothing. @units pixels */
const coarseSide = 48;
const mostWarnings = 50;

const section = (id: string, title: string, content: Markup): Markup =>
  html`<section aria-labelledby="${id}"><h2 id="${id}">${title}</h2>
${content}</section>
`;

/** One fact in large type. */
const tile = (name: string, value: string, note?: string): Markup =>
  html`<div><dt>${name}</dt><dd>${value}${note && html`<small>${note}</small>`}</dd></div>`;

function renderTiles({ history, epochs, best, step, losses = [] }: ReportData): Markup {
  const last = history.at(-1);
  const loss = last?.loss ?? losses.at(-1)?.mean;
  const seconds = history.reduce((sum, record) => sum + record.seconds, 0);
  const validation = last?.valLoss;
  const monitor = best?.monitor === 'valLoss' ? 'validation loss' : best?.monitor;
  return html`<dl class="tiles">
${tile('Epochs', `${last?.epoch ?? 0} of ${formatCount(epochs)}`, `${formatCount(step)} steps`)}
${loss !== undefined && tile('Training loss', formatNumber(loss), last && `epoch ${last.epoch}`)}
${validation !== undefined && tile('Validation loss', formatNumber(validation), `epoch ${last?.epoch}`)}
${best && tile('Best', formatNumber(best.value), `${monitor}, epoch ${best.epoch}`)}
${Object.entries(last?.metrics ?? {})
  .slice(0, 3)
  .map(([name, value]) => tile(name, formatNumber(value), 'validation'))}
${seconds > 0 && tile('Time', formatSeconds(seconds), `${formatSeconds(seconds / history.length)} an epoch`)}
</dl>
`;
}

function renderHeader(data: ReportData, title: string): Markup {
  const { status, stopReason, started, updated, resumed = [] } = data;
  const isRunning = status === 'running';
  return html`<header>
<div class="title"><h1>${title}</h1><span class="status ${status}">${
    status === 'stopped' ? 'stopped early' : status
  }</span></div>
<p class="when"><span>started <time datetime="${started}">${formatDate(started)}</time></span>
<span>updated <time datetime="${updated}">${formatDate(updated)}</time>${isRunning && html`<span id="age"></span>`}</span>
${resumed.length > 0 && html`<span>resumed after step ${resumed.slice(-8).map(formatCount).join(', ')}</span>`}
${
  isRunning &&
  html`<label class="switch" hidden><input type="checkbox" id="live"> reload every 10 s while it runs</label>`
}</p>
${status === 'stopped' && stopReason && html`<p class="when">It stopped early: ${stopReason}</p>`}
${renderTiles(data)}</header>
`;
}

const renderWarnings = (warnings: readonly string[]): Markup =>
  html`<section class="warnings" aria-labelledby="warnings"><h2 id="warnings">Warnings</h2>
<ul>${warnings.slice(-mostWarnings).map((warning) => html`<li>${warning.slice(0, 600)}</li>`)}</ul>
${warnings.length > mostWarnings && html`<p>These are the last ${mostWarnings} of ${warnings.length}.</p>`}</section>
`;

function renderCharts(data: ReportData, charts: readonly ChartSpec[]): Markup {
  if (charts.length === 0) return html`<p class="note">There is no step yet.</p>`;
  const count = metricsOf(data.history).length;
  const [first, second] = data.losses ?? [];
  const each = first && second ? first.step : 1;
  return html`<div class="charts">${charts.map(renderChart)}</div>
<p class="note">${
    each > 1 &&
    `A point of “each step” is the mean of ${each} steps, and the band reaches from the least to the greatest. `
  }${count > mostMetrics && `There are ${count} metrics, of which the first ${mostMetrics} are drawn. `}</p>
${renderNumbers(data)}
`;
}

/**
 * The pictures of one row: what the model should make, or what it made. Lines that it made are
 * drawn over those that it should have made, which are `behind`.
 */
function renderStrip(pictures: ReportPictures, what: string, look: 'wanted' | 'made', behind?: ReportPictures): Markup {
  const { kind, width, height, items } = pictures;
  if (kind === 'line') {
    const under = behind?.kind === 'line' ? behind.items : [];
    const box = raw(`viewBox="0 0 ${width} ${height}" preserveAspectRatio="none"`);
    return html`<div class="strip wide">${items.map(
      (item, i) =>
        html`<svg role="img" aria-label="${what} ${i + 1}" ${box}>${
          under[i] && html`<path class="wanted" d="${under[i]}"/>`
        }<path class="${look}" d="${item}"/></svg>`,
    )}</div>`;
  }
  const looks = `${items.length <= 6 ? ' few' : ''}${Math.min(width, height) < coarseSide ? ' coarse' : ''}`;
  return html`<div class="strip${looks}">${items.map(
    (item, i) =>
      html`<img src="data:image/png;base64,${item}" width="${width}" height="${height}" alt="${what} ${i + 1}">`,
  )}</div>`;
}

function renderSamples({ inputs, targets, outputs }: ReportSamples, best: number | undefined): Markup {
  const last = outputs.at(-1)?.epoch;
  const wanted = targets ?? inputs;
  const row = (name: string, note: string, strip: Markup, isFirst = false): Markup =>
    html`<figure class="row${isFirst && ' first'}"><figcaption>${name} ${
      note !== '' && html`<small>${note}</small>`
    }</figcaption>${strip}</figure>
`;
  const noteOf = (epoch: number): string =>
    [epoch === best ? 'best' : '', epoch === last && outputs.length > 1 ? 'latest' : ''].filter(Boolean).join(', ');
  const rows = outputs.map(({ epoch, pictures }, i) => {
    const strip = renderStrip(pictures, `Output after epoch ${epoch} for sample`, 'made', wanted);
    return row(`Epoch ${epoch}`, noteOf(epoch), strip, i === 0 && wanted !== undefined);
  });
  const isLine = outputs.some(({ pictures }) => pictures.kind === 'line') && wanted?.kind === 'line';
  return html`<div class="samples">
${inputs && row(targets ? 'Input' : 'Input and target', '', renderStrip(inputs, 'Input of sample', 'wanted'))}${
  targets && row('Target', '', renderStrip(targets, 'Target of sample', 'wanted'))
}${rows}</div>
<p class="note">${
    outputs.length === 0
      ? 'Outputs are drawn at the end of each epoch.'
      : 'The same samples after some of the epochs: the first, the best, the last and some between.'
  }${isLine && ' Outputs (orange) are drawn over targets (blue).'}</p>
`;
}

function renderFilters({ layer, shape, pictures }: ReportFilters): Markup {
  const [height, width, inputs, count] = rank4('renderReport', 'filters.shape', shape, '[H,W,C,O]');
  const { items } = pictures;
  const some = items.length < count ? `The first ${items.length} of ${count}` : `All ${count}`;
  const channels =
    inputs === 1
      ? 'one input channel'
      : inputs === 3
        ? 'three input channels, shown as red, green and blue'
        : `${inputs} input channels, of which the mean is shown`;
  return html`<p class="note">${some} filters of ${height} × ${width} of the layer ${layer}, over ${
    channels
  }. Each is scaled to its own range, from its least weight (dark) to its greatest (bright).</p>
<div class="filters" role="img" aria-label="${items.length} filters of the layer ${layer} as small pictures">${items.map(
    (item) =>
      html`<img src="data:image/png;base64,${item}" width="${pictures.width}" height="${pictures.height}" alt="">`,
  )}</div>
`;
}

/**
 * A report as one HTML page. It loads nothing, and needs no server: a browser opens the file. The
 * text of `data` is escaped.
 * @throws ValueError that names the first field of `data` that is unknown or wrong
 * @source Keras's TensorBoard callback and PyTorch's torch.utils.tensorboard show the same, with a
 * server
 */
export function renderReport(data: ReportData): string {
  checkReportData('renderReport', data);
  const { title = 'Training report', samples, filters, layers = [], config, environment, warnings = [] } = data;
  const charts = chartsOf(data);
  const policy =
    `default-src 'none'; img-src data:; style-src '${pageStyleHash}'; script-src '${pageScriptHash}'; ` +
    "base-uri 'none'; form-action 'none'";
  const script = {
    updated: data.updated,
    epochs: thinned(data.history, mostRecords).map(({ epoch, step }) => [epoch, step]),
    charts: charts.map(chartData),
  };
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${raw(policy)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="generator" content="cedargrad ${version}">
<title>${title}</title>
<link rel="icon" href="data:,">
<style>${raw(pageStyle)}</style>
</head>
<body>
${renderHeader(data, title)}<main>
${warnings.length > 0 && renderWarnings(warnings)}${section('curves', 'Curves', renderCharts(data, charts))}${
  samples && section('samples', 'Samples', renderSamples(samples, data.best?.epoch))
}${filters && section('filters', 'Filters of the first convolution', renderFilters(filters))}${
  layers.length > 0 && section('layers', 'Layers', renderLayers(layers))
}<div class="pair">
${config && section('config', 'Configuration', renderFacts(settingsOf(config)))}${
  environment && section('environment', 'Environment', renderFacts(Object.entries(environment)))
}</div>
</main>
<footer>Written by cedargrad ${version}. This page is one file and loads nothing from a network.</footer>
<script type="application/json" id="data">${jsonScript(script)}</script>
<script>${raw(pageScript)}</script>
</body>
</html>
`;
  return page.text;
}
