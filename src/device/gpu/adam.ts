/**
 * One Adam step of all parameters in one launch. Parameters and moments lie in one array, the
 * state. It contains all p, then all m, all v and, for amsgrad, the largest v so far. A step
 * computes the next state from the last one and the gradients. The host computes the bias
 * corrections, in double precision.
 */
import type { AdamAttrs } from '../device.js';
import { retained, type View } from './arrays.js';
import { inputs, type Launch, launch } from './launch.js';
import type { LaunchLists } from './launch-lists.js';
import type { Launcher } from './launcher.js';
import { mostArrays } from './movement.js';

/** Code that sets `value` to element `at` of the concatenation of several arrays. */
const readConcatenated = (value: string, at: string, names: readonly string[], sizes: readonly number[]): string => {
  let start = 0;
  const choices = names.map((name, k) => {
    const choice = `if (${at} >= ${start} && ${at} < ${start + sizes[k]}) { ${value} = ${name}[${at} - ${start}]; }`;
    start += sizes[k];
    return choice;
  });
  return `let ${value} = 0; ${choices.join(' ')}`;
};
const named = (prefix: string, sizes: readonly number[]): string[] => sizes.map((_, k) => `${prefix}${k}`);

/** Concatenates arrays. */
function concatenate(sizes: readonly number[]): Launch {
  const names = named('a', sizes);
  return launch(
    sizes.reduce((a, b) => a + b, 0),
    inputs(...names),
    readConcatenated('r', 'i', names, sizes),
    'r',
  );
}

/**
 * The launch that computes the next state. Its inputs are gradients of these sizes and the state.
 */
function adamStep(
  gradients: readonly number[],
  { form, lr, beta1, beta2, eps, weightDecay, decoupled, amsgrad, step }: AdamAttrs,
): Launch {
  const size = gradients.reduce((a, b) => a + b, 0);
  const corrections = [1 - beta1 ** step, Math.sqrt(1 - beta2 ** step)];
  // In the torch form √v is divided by its correction. In the tf form the rate contains both
  // corrections.
  const [rate, scale] =
    form === 'torch' ? [lr / corrections[0], 1 / corrections[1]] : [(lr * corrections[1]) / corrections[0], 1];
  const names = named('g', gradients);
  const most = amsgrad ? `const w = Math.max(v, s[${3 * size} + j]);` : 'const w = v;';
  const parts = amsgrad ? 4 : 3;
  const starts = Array.from({ length: parts - 1 }, (_, k) => `if (i >= ${(k + 1) * size}) { part = ${k + 1}; }`);
  const body = `let part = 0; ${starts.join(' ')} const j = i - part * ${size};
    ${readConcatenated('g', 'j', names, gradients)}
    const p = s[j]; const t = g + d * p;
    const m = b * s[${size} + j] + c * t;
    const v = q * s[${2 * size} + j] + o * t * t; ${most}
    let r = p * k - n * m / (Math.sqrt(w) * h + e);
    if (part === 1) { r = m; } if (part === 2) { r = v; } ${amsgrad ? 'if (part === 3) { r = w; }' : ''}`;
  return launch(
    parts * size,
    {
      ...inputs(...names, 's'),
      d: decoupled ? 0 : weightDecay,
      b: beta1,
      c: 1 - beta1,
      q: beta2,
      o: 1 - beta2,
      k: decoupled ? 1 - lr * weightDecay : 1,
      n: rate,
      h: scale,
      e: eps,
    },
    body,
    'r',
  );
}

/**
 * Runs a step. `inputs` are p, g, m, v, vmax? of each parameter in turn. Returns retained views of
 * p, m, v, vmax? of each in turn. Arrays that are not contiguous yet are concatenated first.
 */
export function runAdam(launcher: Launcher, lists: LaunchLists, inputs: readonly View[], attrs: AdamAttrs): View[] {
  const parts = attrs.amsgrad ? 4 : 3;
  const count = inputs.length / (parts + 1);
  const inputOf = (parameter: number, k: number): View => inputs[parameter * (parts + 1) + k];
  const parameters = Array.from({ length: count }, (_, n) => n);
  const gradients = merged(
    launcher,
    lists,
    parameters.map((n) => inputOf(n, 1)),
    mostArrays - 1,
  );
  const order = Array.from({ length: parts }, (_, part) =>
    parameters.map((n) => inputOf(n, part === 0 ? 0 : part + 1)),
  ).flat();
  const [state] = merged(launcher, lists, order, 1);
  const views = [...gradients, state];
  const sizes = gradients.map((g) => g.size);
  const array = launcher.execute({ kernel: 'adam', launches: [adamStep(sizes, attrs)], views });
  for (const view of views) view.array.release();
  array.retain(parts * count - 1);
  const partSize = array.size / parts;
  let start = 0;
  return parameters.flatMap((n) => {
    const { size } = inputOf(n, 0);
    const results = Array.from({ length: parts }, (_, part) => ({ array, offset: part * partSize + start, size }));
    start += size;
    return results;
  });
}

/**
 * Returns the same elements in at most `most` views, retained. Adjacent views of one array are
 * merged. If that does not suffice, the first arrays are concatenated into a new one.
 */
function merged(launcher: Launcher, lists: LaunchLists, parts: readonly View[], most: number): View[] {
  const views: View[] = [];
  for (const part of parts) {
    const last = views[views.length - 1];
    if (last?.array === part.array && last.offset + last.size === part.offset)
      views[views.length - 1] = { ...last, size: last.size + part.size };
    else views.push(part);
  }
  for (const view of views) retained(view);
  while (views.length > most) {
    const some = views.splice(0, Math.min(mostArrays, views.length - most + 1));
    const sizes = some.map((v) => v.size);
    const launches = lists.of(`concatenate ${sizes}`, () => [concatenate(sizes)]);
    const array = launcher.execute({ kernel: 'adam', launches, views: some });
    for (const view of some) view.array.release();
    views.unshift(array.all);
  }
  return views;
}
