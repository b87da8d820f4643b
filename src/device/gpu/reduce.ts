/**
 * Reductions. One thread per output reads its elements in order. Several threads share a long
 * reduction, and a second launch reduces their results.
 */
import { aroundAxis, reduceWalk, sizeOf } from '../../values/shape.js';
import type { KernelAttrs, Spec } from '../device.js';
import {
  dot,
  inputs,
  isNumber,
  type Launch,
  type LaunchRules,
  launch,
  loops,
  type Program,
  unravel,
} from './launch.js';

type Fn = KernelAttrs['reduce']['fn'];

/**
 * The length of the partial sums that make up a sum. In float32 one long running sum loses a digit
 * for every factor of ten in its length.
 */
const block = 512;
/** Several threads share a longer reduction if there are fewer outputs than `fewOutputs`. */
const longWalk = 1024;
const fewOutputs = 4096;

/** Code that folds `v` into `acc`. */
const fold = (fn: Fn, v: string): string =>
  fn === 'sum'
    ? `acc += ${v};`
    : `const v = ${v}; if (v ${fn === 'max' ? '>' : '<'} acc || !${isNumber('v')}) { acc = v; }`;

/** The launch that reduces each row of `length` numbers to one. */
function reduceRows(fn: Fn, rows: number, length: number, from: Launch['args'][string]): Launch {
  const start = fn === 'sum' ? '0' : `a[i * ${length}]`;
  return launch(
    rows,
    { a: from },
    `let acc = ${start}; for (let k = 0; k < ${length}; k++) { ${fold(fn, `a[i * ${length} + k]`)} }`,
    'acc',
  );
}

/**
 * The launches that reduce long axes with several threads per output. `element` gives the code for
 * an element by its index. The variables of that code must not begin with `walk`.
 */
function shared(
  fn: Fn,
  args: Launch['args'],
  element: (index: string) => Program,
  outputs: number,
  base: string,
  length: number,
  stride: number,
): Launch[] {
  const parts = Math.ceil(Math.sqrt(length));
  const each = Math.ceil(length / parts);
  const [body, value] = element(`walkBase + walkAt * ${stride}`);
  const [firstBody, first] = fn === 'sum' ? ['', '0'] : element(`walkBase + walk1 * ${stride}`);
  const text = `${unravel([outputs, parts], 'walk')} ${base} ${firstBody} let acc = ${first};
    for (let walkStep = 0; walkStep < ${each}; walkStep++) {
      const walkAt = walkStep * ${parts} + walk1; if (walkAt < ${length}) { ${body} ${fold(fn, value)} } }`;
  return [launch(outputs * parts, args, text, 'acc'), reduceRows(fn, outputs, parts, { result: 0 })];
}

/** Sums all elements that an elementwise launch would compute, without storing them. */
export function sumOfAll(elements: Launch): Launch[] {
  const own = (text: string): string => text.replaceAll(/\bi\b/g, 'walkI');
  const element = (index: string): Program => [
    `const walkI = ${index}; ${own(elements.body)}`,
    own(elements.values[0]),
  ];
  return shared('sum', elements.args, element, 1, 'const walkBase = 0;', elements.size, 1);
}

function reduceAxes([x]: readonly Spec[], { fn, axes }: KernelAttrs['reduce'], [y]: readonly Spec[]): Launch[] {
  const { kept, reduced } = reduceWalk(x.shape, axes);
  const outputs = sizeOf(y.shape);
  const last = reduced.sizes.length - 1;
  const size = reduced.sizes[last];
  if (last === 0 && size > longWalk && outputs < fewOutputs) {
    const base = `${unravel(kept.sizes, 'c', 'walk0')} const walkBase = ${dot('c', kept.strides)};`;
    return shared(fn, inputs('a'), (index) => ['', `a[${index}]`], outputs, base, size, reduced.strides[0]);
  }
  const blocks = [...reduced.sizes.slice(0, last), Math.ceil(size / block)];
  const blockAt = `base + ${dot('r', reduced.strides.slice(0, last))}`;
  const blockSum = `let part = 0; for (let k = 0; k < ${Math.min(block, size)}; k++) {
      const t = r${last} * ${block} + k;
      if (t < ${size}) { part += a[${blockAt} + t * ${reduced.strides[last]}]; } } acc += part;`;
  const walk =
    fn === 'sum'
      ? `let acc = 0; ${loops(blocks, 'r', blockSum)}`
      : `let acc = a[base]; ${loops(reduced.sizes, 'r', fold(fn, `a[base + ${dot('r', reduced.strides)}]`))}`;
  return [
    launch(outputs, inputs('a'), `${unravel(kept.sizes, 'c')} const base = ${dot('c', kept.strides)}; ${walk}`, 'acc'),
  ];
}

export const reduce: LaunchRules<'reduce' | 'argReduce'> = {
  reduce: reduceAxes,
  argReduce: ([x], { fn, axis }, [y]) => {
    const { outer, length, inner } = aroundAxis(x.shape, axis);
    const better = `v ${fn === 'argmax' ? '>' : '<'} best || !${isNumber('v')}`;
    const body = `${unravel([outer, inner], 'c')} const base = c0 * ${length * inner} + c1;
      let best = a[base]; let k = 0;
      for (let j = 1; j < ${length}; j++) { const v = a[base + j * ${inner}];
        if (${isNumber('best')} && (${better})) { best = v; k = j; } }`;
    return [{ ...launch(sizeOf(y.shape), inputs('a'), body, 'k'), iterations: length }];
  },
};
