/** The tables of a report: numbers of the curves, layers, facts. */
import { shown } from '../../arguments.js';
import { show } from '../../errors.js';
import type { EpochRecord } from '../run.js';
import { metricsOf, mostMetrics, thinned } from './charts.js';
import type { ReportData, ReportLayer, ReportLoss } from './data.js';
import { formatCount, formatNumber, formatSeconds } from './format.js';
import { html, type Markup } from './html.js';

/** The largest numbers of rows of the tables. */
const mostEpochRows = 200;
const mostStepRows = 64;
const mostSettings = 200;
/** The depth to which the objects of a configuration become rows. */
const mostDepth = 4;
const mostTextLength = 400;

/** A table that scrolls by itself where the screen is narrow. It can be reached by the keyboard. */
const scrolling = (name: string, table: Markup): Markup =>
  html`<div class="scroll" role="region" tabindex="0" aria-label="${name}">${table}</div>
`;

const orDash = (value: number | undefined): string => (value === undefined ? '–' : formatNumber(value));

function renderEpochs(history: readonly EpochRecord[], rows: readonly EpochRecord[]): Markup {
  const metrics = metricsOf(history).slice(0, mostMetrics);
  const hasValidation = history.some(({ valLoss }) => valLoss !== undefined);
  const heads = ['loss', ...(hasValidation ? ['validation'] : []), ...metrics, 'learning rate', 'time'];
  return html`<table><caption>Epochs${rows.length < history.length && ` (${rows.length} of ${history.length})`}</caption>
<thead><tr><th scope="col">epoch</th><th scope="col" class="number">step</th>${heads.map(
    (name) => html`<th scope="col" class="number">${name}</th>`,
  )}</tr></thead>
<tbody>${rows.map(
    (record) => html`<tr><th scope="row">${record.epoch}</th><td class="number">${formatCount(record.step)}</td>${[
      orDash(record.loss),
      ...(hasValidation ? [orDash(record.valLoss)] : []),
      ...metrics.map((name) => orDash(record.metrics[name])),
      orDash(record.lr),
      formatSeconds(record.seconds),
    ].map((text) => html`<td class="number">${text}</td>`)}</tr>
`,
  )}</tbody></table>`;
}

/** Some of the points of the losses. A point of one step has one number. */
function renderSteps(losses: readonly ReportLoss[]): Markup {
  const rows = thinned(losses, mostStepRows);
  const isSingle = losses.every(({ least, greatest }) => least === greatest);
  const heads = [...(isSingle ? ['loss'] : ['mean loss', 'least', 'greatest']), 'learning rate'];
  const some = rows.length < losses.length && ` (${rows.length} of ${losses.length})`;
  return html`<table><caption>${isSingle ? 'Steps' : 'Steps, each row up to the step that it names'}${some}</caption>
<thead><tr><th scope="col">step</th>${heads.map((name) => html`<th scope="col" class="number">${name}</th>`)}</tr></thead>
<tbody>${rows.map(
    ({ step, mean, least, greatest, lr }) => html`<tr><th scope="row">${formatCount(step)}</th>${[
      mean,
      ...(isSingle ? [] : [least, greatest]),
      lr,
    ].map((value) => html`<td class="number">${orDash(value)}</td>`)}</tr>
`,
  )}</tbody></table>`;
}

/** The numbers of the curves, as the text alternative of the charts. */
export function renderNumbers({ history, losses = [] }: ReportData): Markup {
  const rows = thinned(history, mostEpochRows);
  return html`<details id="numbers"><summary>Numbers of the curves</summary>
${history.length > 0 && scrolling('Numbers of the epochs', renderEpochs(history, rows))}${
  losses.length > 0 && scrolling('Numbers of the steps', renderSteps(losses))
}</details>`;
}

/** The layers in the order in which they are called. */
export function renderLayers(layers: readonly ReportLayer[]): Markup {
  const total = (of: (layer: ReportLayer) => number): string => formatCount(layers.reduce((n, l) => n + of(l), 0));
  const knowsWork = layers.some(({ multiplyAdds }) => multiplyAdds > 0);
  const work = (text: string): Markup | false => knowsWork && html`<td class="number optional">${text}</td>`;
  return scrolling(
    'Table of the layers',
    html`<table class="layers">
<thead><tr><th scope="col">layer</th><th scope="col">output</th><th scope="col" class="number">parameters</th>${
      knowsWork && html`<th scope="col" class="number optional">multiply-adds</th>`
    }</tr></thead>
<tbody>${layers.map(
      ({ name, type, called, output, parameters, multiplyAdds }) =>
        html`<tr><th scope="row">${name || type} ${name && html`<small>${type}</small>`}${
          !called && html` <small>(not called)</small>`
        }</th><td>${output === undefined ? '–' : show(output)}</td><td class="number">${formatCount(parameters)}</td>${work(
          formatCount(multiplyAdds),
        )}</tr>
`,
    )}</tbody>
<tfoot><tr><th scope="row">total</th><td></td><td class="number">${total((l) => l.parameters)}</td>${work(
      total((l) => l.multiplyAdds),
    )}</tr></tfoot></table>`,
  );
}

const isPlain = (value: unknown): value is object => {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
};

/** A value of a configuration as text. */
function textOf(value: unknown, depth: number): string {
  if (typeof value === 'string') return value;
  if (!Array.isArray(value) || depth >= mostDepth) return shown(value);
  const items = value.map((item) =>
    isPlain(item)
      ? settingsOf(item, '', depth + 1)
          .map(([name, text]) => `${name} ${text}`)
          .join(', ')
      : textOf(item, depth + 1),
  );
  return items.join(value.some(isPlain) ? '; ' : ', ');
}

/** A configuration as rows: the names of nested objects are joined by dots. */
export function settingsOf(config: object, prefix = '', depth = 1): readonly (readonly [string, string])[] {
  return Object.entries(config)
    .filter(([, value]) => value !== undefined)
    .flatMap(([name, value]): readonly (readonly [string, string])[] => {
      if (!isPlain(value) || depth >= mostDepth) return [[prefix + name, textOf(value, depth)]];
      const inner = settingsOf(value, `${prefix}${name}.`, depth + 1);
      return inner.length > 0 ? inner : [[prefix + name, '{}']];
    });
}

const shortened = (text: string): string => (text.length > mostTextLength ? `${text.slice(0, mostTextLength)}…` : text);

/** Names and values, one row each. */
export const renderFacts = (facts: readonly (readonly [name: string, text: string])[]): Markup =>
  html`<table class="facts"><tbody>${facts.slice(0, mostSettings).map(
    ([name, text]) => html`<tr><th scope="row">${shortened(name)}</th><td>${shortened(text)}</td></tr>
`,
  )}</tbody></table>${facts.length > mostSettings && html`<p class="note">There are ${facts.length} in all.</p>`}
`;
