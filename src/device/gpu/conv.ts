/**
 * Convolution and its gradients. One thread computes a whole sum, or a fixed share of it, so the
 * order of summation never varies.
 */
import { type Shape, sizeOf } from '../../values/shape.js';
import type { Conv2dGeometry, WindowAxis } from '../../values/window.js';
import type { Spec } from '../device.js';
import {
  type Arg,
  floorDiv,
  input,
  inputs,
  integer,
  type Launch,
  type LaunchRules,
  launch,
  packed,
  unpacked,
  unravel,
  type Vectors,
} from './launch.js';

/** Code for `y`, the input position of window `o` at tap `k`. It may be outside the input. */
const inputPosition = (y: string, o: string, k: string, a: WindowAxis): string =>
  `const ${y} = ${o} * ${a.stride} + ${k} * ${a.dilation} - ${a.before};`;
const inRange = (y: string, size: number): string => `${y} >= 0 && ${y} < ${size}`;

/**
 * The number of elements in a vector. It is also the maximum number of products in one statement.
 */
const four = 4;

/** One of the two arrays whose elements a sum of products multiplies. */
interface Factor {
  readonly name: string;
  /** Distance from one channel to the next, and from one lane to the next. */
  readonly channel: number;
  readonly lane: number;
  /**
   * The axis along which four neighbours are read as one vector. Null if single numbers are read.
   */
  readonly vector: 'channels' | 'lanes' | null;
}
/** Converts an index into a factor to the unit in which it is read (numbers or vectors). */
const unit = ({ vector }: Factor, index: string): string => (vector === null ? index : `(${index}) * 0.25`);

/**
 * Code that adds Σ first·second over the channels to acc0, acc1, …, one sum per lane. The variables
 * p and q are the positions in the two arrays. They begin at the first channel and are advanced.
 */
function channelSum(channels: number, lanes: number, first: Factor, second: Factor): string {
  const step = [four, 3, 2, 1].find((n) => channels % n === 0) as number;
  const each = (n: number, code: (k: number) => string): string =>
    Array.from({ length: n }, (_, k) => code(k)).join(' ');
  const at = (base: string, offset: number): string => (offset === 0 ? base : `${base} + ${offset}`);
  /**
   * Code that reads the elements of one step into variables, and the expression for each element by
   * channel and lane.
   */
  const read = (
    { name, channel, lane, vector }: Factor,
    base: string,
    variable: string,
  ): { code: string; element: (c: number, l: number) => string } => {
    if (vector === 'channels')
      return lane === 0
        ? { code: `const ${variable} = ${name}[${base}];`, element: (c) => `${variable}[${c}]` }
        : {
            code: each(lanes, (l) => `const ${variable}${l} = ${name}[${at(base, (l * lane) / four)}];`),
            element: (c, l) => `${variable}${l}[${c}]`,
          };
    if (vector === 'lanes')
      return {
        code: each(step, (c) => `const ${variable}${c} = ${name}[${at(base, (c * channel) / four)}];`),
        element: (c, l) => `${variable}${c}[${l}]`,
      };
    return lane === 0
      ? {
          code: each(step, (c) => `const ${variable}${c} = ${name}[${at(base, c * channel)}];`),
          element: (c) => `${variable}${c}`,
        }
      : { code: '', element: (c, l) => `${name}[${at(base, c * channel + l * lane)}]` };
  };
  const [v, w] = [read(first, 'p', 'v'), read(second, 'q', 'w')];
  const sums = each(
    lanes,
    (l) =>
      `acc${l} += ${Array.from({ length: step }, (_, c) => `${v.element(c, l)} * ${w.element(c, l)}`).join(' + ')};`,
  );
  const once = `${v.code} ${w.code} ${sums}`;
  if (step === channels) return `${once} p++; q++;`;
  const move = ({ channel, vector }: Factor): number => (step * channel) / (vector === null ? 1 : four);
  return `for (let c = 0; c < ${channels / step}; c++) { ${once}
    p += ${move(first)}; q += ${move(second)}; } p++; q++;`;
}

/**
 * A launch over named operands, some of which are read as vectors and whose result may be vectors.
 * Adds the launches that convert to vectors before it and back to numbers after it.
 */
function withVectors(
  made: Launch,
  operands: Readonly<Record<string, Spec>>,
  factors: readonly Factor[],
  vectors: Vectors,
): Launch[] {
  const before: Launch[] = [];
  const args: Record<string, Arg> = { ...made.args };
  Object.entries(operands).forEach(([name, spec], k) => {
    if (!factors.some((f) => f.name === name && f.vector !== null)) return;
    args[name] = { result: before.length };
    before.push(packed(sizeOf(spec.shape), input(k)));
  });
  const alwaysShifted = made.alwaysShifted?.filter((name) => args[name] === made.args[name]);
  const launches = [...before, { ...made, args, alwaysShifted }];
  return vectors === 'textures' && made.values.length > 1
    ? [...launches, unpacked(made.size, { result: before.length })]
    : launches;
}

/** Code that initialises the sums, and their names. */
function sums(lanes: number, start: (lane: number) => string): { begin: string; values: string[] } {
  const values = Array.from({ length: lanes }, (_, lane) => `acc${lane}`);
  return { begin: values.map((name, lane) => `let ${name} = ${start(lane)};`).join(' '), values };
}
/**
 * Code that splits `from`, the index of a thread, over a shape whose last axis is computed in
 * lanes. c3 is the channel of the first lane.
 */
const unravelLanes = (shape: Shape, lanes: number, from = 'i'): string => {
  const [n, h, w, c] = shape;
  return lanes === 1
    ? unravel(shape, 'c', from)
    : `${unravel([n, h, w, c / lanes], 'lane', from)}
      const c0 = lane0; const c1 = lane1; const c2 = lane2; const c3 = lane3 * ${lanes};`;
};
/** The number of lanes that fits all of these channel counts. */
const fitting = (vectors: Vectors, ...channels: readonly number[]): number =>
  vectors !== 'none' && channels.every((n) => n % four === 0) ? four : 1;

/**
 * Code that runs a body for each window `o` that covers cell `c`, with the tap `k` of the kernel
 * that lies on the cell. No iteration is spent on taps that the stride skips, unless there is a
 * dilation.
 */
function overTaps(c: string, o: string, k: string, a: WindowAxis, body: string): string {
  const reached = `const ${o}Far = ${c} + ${a.before}`;
  if (a.dilation > 1)
    return `for (let ${k} = 0; ${k} < ${a.kernel}; ${k}++) {
      ${reached} - ${k} * ${a.dilation}; const ${o} = ${floorDiv(`${o}Far`, a.stride)};
      if (${inRange(o, a.output)} && ${o} * ${a.stride} === ${o}Far) { ${body} } }`;
  return `${reached}; const ${o}Last = ${floorDiv(`${o}Far`, a.stride)};
    const ${k}First = ${o}Far - ${o}Last * ${a.stride};
    for (let ${k}Step = 0; ${k}Step < ${Math.ceil(a.kernel / a.stride)}; ${k}Step++) {
      const ${k} = ${k}First + ${k}Step * ${a.stride}; const ${o} = ${o}Last - ${k}Step;
      if (${k} < ${a.kernel} && ${inRange(o, a.output)}) { ${body} } }`;
}

const forward = (
  operands: readonly Spec[],
  { height: h, width: w, inChannels, outChannels, groups }: Conv2dGeometry,
  y: Spec,
  vectors: Vectors,
): Launch[] => {
  const [groupIn, groupOut] = [inChannels / groups, outChannels / groups];
  const lanes = fitting(vectors, groupOut);
  const x: Factor = {
    name: 'x',
    channel: 1,
    lane: 0,
    vector: vectors === 'textures' && groupIn % four === 0 ? 'channels' : null,
  };
  const k: Factor = {
    name: 'k',
    channel: outChannels,
    lane: 1,
    vector: vectors === 'textures' && lanes > 1 ? 'lanes' : null,
  };
  const { begin, values } = sums(lanes, (lane) => (operands.length > 2 ? `b[c3 + ${lane}]` : '0'));
  const firstChannel = groups === 1 ? '0' : `${floorDiv('c3', groupOut)} * ${groupIn}`;
  const pixel = `((c0 * ${h.input} + py) * ${w.input} + px) * ${inChannels}`;
  const tap = `(ky * ${w.kernel} + kx) * ${groupIn * outChannels}`;
  const body = `${unravelLanes(y.shape, lanes)} const first = ${firstChannel}; ${begin}
    for (let ky = 0; ky < ${h.kernel}; ky++) { ${inputPosition('py', 'c1', 'ky', h)} if (${inRange('py', h.input)}) {
      for (let kx = 0; kx < ${w.kernel}; kx++) { ${inputPosition('px', 'c2', 'kx', w)} if (${inRange('px', w.input)}) {
        ${integer('p', unit(x, `${pixel} + first`))} ${integer('q', unit(k, `${tap} + c3`))}
        ${channelSum(groupIn, lanes, x, k)} } } } }`;
  return convolution('x', operands, [x, k], y, body, values, vectors);
};

const inputGrad = (
  operands: readonly Spec[],
  { height: h, width: w, inChannels, outChannels, groups }: Conv2dGeometry,
  x: Spec,
  vectors: Vectors,
): Launch[] => {
  const [groupIn, groupOut] = [inChannels / groups, outChannels / groups];
  const lanes = fitting(vectors, groupIn);
  const vector = vectors === 'textures' && groupOut % four === 0 ? 'channels' : null;
  const g: Factor = { name: 'g', channel: 1, lane: 0, vector };
  const k: Factor = { name: 'k', channel: 1, lane: outChannels, vector };
  const { begin, values } = sums(lanes, (lane) => (operands.length > 2 ? `b[c3 + ${lane}]` : '0'));
  const pixel = `((c0 * ${h.output} + oy) * ${w.output} + ox) * ${outChannels}`;
  const row = `((ky * ${w.kernel} + kx) * ${groupIn} + own) * ${outChannels}`;
  const tap = `${integer('p', unit(g, `${pixel} + first`))} ${integer('q', unit(k, `${row} + first`))}
    ${channelSum(groupOut, lanes, g, k)}`;
  const body = `${unravelLanes(x.shape, lanes)} const group = ${groups === 1 ? '0' : floorDiv('c3', groupIn)};
    const first = group * ${groupOut}; const own = c3 - group * ${groupIn};
    ${begin} ${overTaps('c1', 'oy', 'ky', h, overTaps('c2', 'ox', 'kx', w, tap))}`;
  return convolution('g', operands, [g, k], x, body, values, vectors);
};

/**
 * The launches of a convolution or a transposed convolution. The operands are named `images`, k
 * (weight), and b (bias, if given).
 */
function convolution(
  images: string,
  operands: readonly Spec[],
  factors: readonly Factor[],
  result: Spec,
  body: string,
  values: readonly string[],
  vectors: Vectors,
): Launch[] {
  const names = [images, 'k', 'b'].slice(0, operands.length);
  const made = { ...launch(sizeOf(result.shape), inputs(...names), body, ...values), alwaysShifted: names.slice(1) };
  return withVectors(made, Object.fromEntries(names.map((name, k) => [name, operands[k]])), factors, vectors);
}

/**
 * The minimum number of threads that keeps a GPU busy. If there are fewer weights, several threads
 * share the pixels of each weight.
 */
const enoughThreads = 16384;
/** The maximum number of pixels that one thread should sum. */
const enoughPixels = 16384;

/**
 * The gradients of weight and bias: for each weight the sum of x·g over all pixels, and for each
 * bias the sum of x or g.
 */
function parameterGrads(
  { batch, height: h, width: w, inChannels, outChannels, groups }: Conv2dGeometry,
  weight: Spec,
  biasFrom: 'x' | 'g' | null,
  operands: readonly Spec[],
  vectors: Vectors,
): Launch[] {
  const [groupIn, groupOut] = [inChannels / groups, outChannels / groups];
  const weights = sizeOf(weight.shape);
  const fromX = biasFrom === 'x';
  const [biases, biasRows, biasColumns] =
    biasFrom === null
      ? [0, 0, 0]
      : fromX
        ? [inChannels, batch * h.input, w.input]
        : [outChannels, batch * h.output, w.output];
  const lanes = fitting(vectors, groupOut, biases);
  const g: Factor = { name: 'g', channel: 0, lane: 1, vector: vectors === 'textures' && lanes > 1 ? 'lanes' : null };
  const size = weights + biases;
  const rows = batch * h.output;
  const shares = Math.max(
    1,
    Math.min(
      Math.max(Math.floor((enoughThreads * lanes) / size), Math.ceil((rows * w.output) / enoughPixels)),
      Math.ceil(rows / 2),
    ),
  );
  const { begin, values } = sums(lanes, () => '0');
  const each = (code: (lane: number) => string): string => values.map((_, lane) => code(lane)).join(' ');
  /** Code for part0, part1, … += `factor` times the neighbouring elements of g from q on. */
  const takeG = (factor: string): string =>
    g.vector === null
      ? each((lane) => `part${lane} += ${factor}g[q + ${lane}];`)
      : `const w = g[q]; ${each((lane) => `part${lane} += ${factor}w[${lane}];`)}`;
  const stepG = outChannels / (g.vector === null ? 1 : four);
  /** Code that runs a body for each row of one share. Each row has its own partial sum. */
  const overRows = (count: number, body: string): string => {
    const some = Math.ceil(count / shares);
    return `for (let t = 0; t < ${some}; t++) { const row = share * ${some} + t; if (row < ${count}) {
      ${each((lane) => `let part${lane} = 0;`)} ${body} ${each((lane) => `acc${lane} += part${lane};`)} } }`;
  };
  const firstChannel = groups === 1 ? '' : `${floorDiv('c3', groupOut)} * ${groupIn} + `;
  const pixel = `((n * ${h.input} + py) * ${w.input} + px) * ${inChannels}`;
  const weightSum = `${unravelLanes(weight.shape, lanes, 'own')} const ci = ${firstChannel}c2;
    ${overRows(
      rows,
      `const n = ${floorDiv('row', h.output)}; const oy = row - n * ${h.output};
      ${inputPosition('py', 'oy', 'c0', h)} if (${inRange('py', h.input)}) {
        ${integer('px', `c1 * ${w.dilation} - ${w.before}`)} ${integer('p', `${pixel} + ci`)}
        ${integer('q', unit(g, `row * ${w.output * outChannels} + c3`))}
        for (let ox = 0; ox < ${w.output}; ox++) { if (${inRange('px', w.input)}) { const v = x[p]; ${takeG('v * ')} }
          px += ${w.stride}; p += ${w.stride * inChannels}; q += ${stepG}; } px++; p++; q++; }`,
    )}`;
  const biasAt = `row * ${biasColumns * biases} + own * ${lanes} - ${weights}`;
  const biasSum = fromX
    ? overRows(
        biasRows,
        `${integer('p', biasAt)} for (let ox = 0; ox < ${biasColumns}; ox++) {
          ${each((lane) => `part${lane} += x[p + ${lane}];`)} p += ${biases}; } p++;`,
      )
    : overRows(
        biasRows,
        `${integer('q', unit(g, biasAt))} for (let ox = 0; ox < ${biasColumns}; ox++) {
          ${takeG('')} q += ${stepG}; } q++;`,
      );
  const sum = biases === 0 ? weightSum : `if (own < ${weights / lanes}) { ${weightSum} } else { ${biasSum} }`;
  const body = `${unravel([shares, size / lanes], 's')} const share = s0; const own = s1; ${begin} ${sum}`;
  const parts = withVectors(
    launch(shares * size, inputs('x', 'g'), body, ...values),
    { x: operands[0], g: operands[1] },
    [g],
    shares === 1 ? vectors : 'none',
  );
  return shares === 1 ? parts : [...parts, sumOfShares(shares, size, g.vector !== null, { result: parts.length - 1 })];
}

/** Adds the shares of each sum. If they are stored as vectors, the launch reads vectors. */
function sumOfShares(shares: number, size: number, inVectors: boolean, from: Arg): Launch {
  if (!inVectors)
    return launch(
      size,
      { a: from },
      `${integer('p', 'i')} let acc = 0; for (let k = 0; k < ${shares}; k++) { acc += a[p]; p += ${size}; } p++;`,
      'acc',
    );
  const last = unpacked(size, from);
  const body = `const q = Math.floor(i * 0.25); const r = i - q * 4; let acc = 0;
    for (let k = 0; k < ${shares}; k++) { const v = a[q + k * ${size / four}]; acc += ${last.values[0]}; }`;
  return { ...last, body, values: ['acc'] };
}

export const conv: LaunchRules<'conv2d' | 'conv2dInputGrad' | 'conv2dWeightGrad' | 'conv2dParameterGrads'> = {
  conv2d: (operands, { geometry }, [y], vectors) => forward(operands, geometry, y, vectors),
  conv2dInputGrad: (operands, { geometry }, [x], vectors) => inputGrad(operands, geometry, x, vectors),
  conv2dWeightGrad: (operands, { geometry }, [weight], vectors) =>
    parameterGrads(geometry, weight, null, operands, vectors),
  conv2dParameterGrads: (operands, { geometry, biasFrom }, [weight], vectors) =>
    parameterGrads(geometry, weight, biasFrom, operands, vectors),
};
