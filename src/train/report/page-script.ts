/**
 * The script of the page: values at the cursor, reloading, and what a reload must keep. The page
 * shows everything without it. It is plain JavaScript as text, because a function that a build
 * step has changed would not have the hash that the page allows.
 */

/**
 * The hash of `pageScript` in the page's content security policy. A test computes it again and
 * prints the right one.
 */
export const pageScriptHash = 'sha256-yhI01G+P/FudrzvOkv31VQc/Sm46RY1lFUIJpWoVdQc=';

export const pageScript = `(() => {
'use strict';
const find = (id) => document.getElementById(id);
const data = JSON.parse(find('data').textContent);

// ---- values at the cursor

const format = (v) => {
  const size = Math.abs(v);
  const short = Number(v.toPrecision(4));
  const text = size !== 0 && (size < 1e-3 || size >= 1e6) ? short.toExponential().replace('e+', 'e') : String(short);
  return text.replaceAll('-', '\\u2212');
};
const grouped = (v) => String(v).replace(/\\B(?=(\\d{3})+$)/g, '\\u202f');
const epochAt = (step) => {
  const record = data.epochs.find((e) => e[1] >= step);
  return record ? record[0] : data.epochs.length > 0 ? data.epochs[data.epochs.length - 1][0] + 1 : 1;
};
/** The index of the item nearest to v in an ascending list. */
const nearest = (list, v) => {
  let low = 0;
  let high = list.length - 1;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (list[middle] < v) low = middle;
    else high = middle;
  }
  return Math.abs(list[low] - v) <= Math.abs(list[high] - v) ? low : high;
};
const draw = (parent, name, attributes) => {
  const element = document.createElementNS('http://www.w3.org/2000/svg', name);
  for (const key in attributes) element.setAttribute(key, attributes[key]);
  parent.append(element);
  return element;
};
for (const chart of data.charts) {
  const figure = find(chart.id);
  const scrub = figure.querySelector('.scrub');
  const texts = [figure.querySelector('.at'), ...figure.querySelectorAll('.value')];
  const last = texts.map((t) => t.textContent);
  const steps = [...new Set(chart.curves.flatMap((c) => c.x))].sort((a, b) => a - b);
  const [left, right] = chart.xRange;
  const frames = [...figure.querySelectorAll('.plot')].map((plot, i) => ({
    plot,
    scale: chart.scales[i],
    line: draw(plot, 'line', { class: 'cursor', y1: 0, y2: '100%' }),
    marks: chart.curves.map((c) => draw(plot, 'circle', { class: 'mark ' + c.look, r: 4.5 })),
  }));
  const hide = () => {
    figure.classList.remove('pointed');
    texts.forEach((t, i) => { t.textContent = last[i]; });
  };
  const show = (index) => {
    const step = steps[index];
    const hits = chart.curves.map((c) => {
      const i = nearest(c.x, step);
      return [c.x[i], c.y[i]];
    });
    const values = hits.map(([, y]) => (y === null ? '\\u2013' : format(y)));
    const where = 'step ' + grouped(step) + ', epoch ' + epochAt(step);
    [where, ...values].forEach((t, i) => { texts[i].textContent = t; });
    scrub.value = index;
    scrub.setAttribute('aria-valuetext', where + ': ' + chart.curves.map((c, i) => c.label + ' ' + values[i]).join(', '));
    const across = (x) => ((x - left) / (right - left || 1)) * 100 + '%';
    for (const { scale, line, marks } of frames) {
      line.setAttribute('x1', across(step));
      line.setAttribute('x2', across(step));
      hits.forEach(([x, y], i) => {
        const isShown = y !== null && !(scale.log && y <= 0);
        marks[i].setAttribute('visibility', isShown ? 'inherit' : 'hidden');
        if (!isShown) return;
        marks[i].setAttribute('cx', across(x));
        const level = scale.log ? Math.log10(y) : y;
        marks[i].setAttribute('cy', (1 - (level - scale.low) / (scale.high - scale.low)) * 100 + '%');
      });
    }
    figure.classList.add('pointed');
  };
  if (steps.length === 0) continue;
  scrub.hidden = false;
  scrub.max = steps.length - 1;
  scrub.value = steps.length - 1;
  scrub.setAttribute('aria-valuetext', last[0]);
  scrub.addEventListener('input', () => show(Number(scrub.value)));
  scrub.addEventListener('focus', () => show(Number(scrub.value)));
  scrub.addEventListener('blur', hide);
  for (const { plot } of frames) {
    const point = (event) => {
      const box = plot.getBoundingClientRect();
      show(nearest(steps, left + ((event.clientX - box.left) / box.width) * (right - left)));
    };
    plot.addEventListener('pointerdown', point);
    plot.addEventListener('pointermove', point);
    plot.addEventListener('pointerleave', (event) => { if (event.pointerType === 'mouse') hide(); });
  }
}

// ---- reloading

const kept = (history.state && history.state.report) || { checked: [], open: [], top: null };
const switches = [...document.querySelectorAll('input[type=checkbox]')];
const folds = [...document.querySelectorAll('details')];
for (const s of switches) if (kept.checked.includes(s.id)) s.checked = true;
for (const f of folds) if (kept.open.includes(f.id)) f.open = true;
if (kept.top !== null) scrollTo(0, kept.top);
const keep = (top) => {
  const report = {
    checked: switches.filter((s) => s.checked).map((s) => s.id),
    open: folds.filter((f) => f.open).map((f) => f.id),
    top,
  };
  try {
    history.replaceState({ report }, '');
  } catch {
    // Some sandboxes have no history. A reload then forgets these.
  }
};
for (const s of switches) s.addEventListener('change', () => keep(null));
for (const f of folds) f.addEventListener('toggle', () => keep(null));
const live = find('live');
if (live !== null && location.protocol !== 'about:') {
  live.closest('label').hidden = false;
  let touched = 0;
  const touch = () => { touched = Date.now(); };
  for (const type of ['pointermove', 'pointerdown', 'keydown', 'wheel', 'touchmove'])
    addEventListener(type, touch, { passive: true });
  setInterval(() => {
    if (!live.checked || document.hidden || Date.now() - touched < 4000) return;
    keep(scrollY);
    location.reload();
  }, 10000);
}

// ---- the age of a report that is still being written

const age = find('age');
const tell = () => {
  const minutes = Math.floor((Date.now() - Date.parse(data.updated)) / 60000);
  if (minutes >= 1) age.textContent = ', ' + (minutes < 120 ? minutes + ' min' : Math.floor(minutes / 60) + ' h') + ' ago';
};
if (age !== null) {
  tell();
  setInterval(tell, 15000);
}
})();
`;
