/** Convolution and its gradients: each output element gathers its sum, so that the order never varies. */
import { type Shape, sizeOf } from '../../tensor/shape.js';
import type { Conv2dGeometry, WindowAxis } from '../../tensor/window.js';
import type { Spec } from '../device.js';
import { floorDiv, inputs, type Launch, launch, type Planners, split, whole } from './launch.js';

/** Code: `y` from window `o` and tap `k`, inside the input or not. */
const inside = (y: string, o: string, k: string, a: WindowAxis): string => `const ${y} = ${o} * ${a.stride} + ${k} * ${a.dilation} - ${a.before};`;
const within = (y: string, size: number): string => `${y} >= 0 && ${y} < ${size}`;

/** Products of one statement at most. */
const unrolled = 4;

/**
 * Code: acc0, acc1, … += Σ over `channels` of first[p + c·strideP]·second[q + c·strideQ + lane·strideLane], from integers p and q that it moves.
 */
function channelSum(channels: number, lanes: number, first: string, strideP: number, second: string, strideQ: number, strideLane: number): string {
  const at = (base: string, offset: number): string => (offset === 0 ? base : `${base} + ${offset}`);
  const step = [unrolled, 3, 2, 1].find((n) => channels % n === 0) as number;
  const taken = Array.from({ length: step }, (_, c) => c);
  const reads = taken.map((c) => `const v${c} = ${first}[${at('p', c * strideP)}];`).join(' ');
  const sums = Array.from(
    { length: lanes },
    (_, lane) => `acc${lane} += ${taken.map((c) => `v${c} * ${second}[${at('q', c * strideQ + lane * strideLane)}]`).join(' + ')};`,
  );
  const once = `${reads} ${sums.join(' ')}`;
  return step === channels
    ? `${once} p++; q++;`
    : `for (let c = 0; c < ${channels / step}; c++) { ${once} p += ${step * strideP}; q += ${step * strideQ}; } p++; q++;`;
}

/** Code that begins the sums, and their names. */
function sums(lanes: number, start: (lane: number) => string): { begin: string; values: string[] } {
  const values = Array.from({ length: lanes }, (_, lane) => `acc${lane}`);
  return { begin: values.map((name, lane) => `let ${name} = ${start(lane)};`).join(' '), values };
}
/** Code that splits `from`, the index of a thread, over a shape whose last axis is made in lanes; c3 is the first lane's. */
const splitLanes = (shape: Shape, lanes: number, from = 'i'): string => {
  const [n, h, w, c] = shape;
  return lanes === 1
    ? split(shape, 'c', from)
    : `${split([n, h, w, c / lanes], 'lane', from)} const c0 = lane0; const c1 = lane1; const c2 = lane2; const c3 = lane3 * ${lanes};`;
};
/** Lanes that fit a number of channels. */
const fitting = (lanes: number, ...channels: readonly number[]): number => (channels.every((n) => n % lanes === 0) ? lanes : 1);

/** Code around a body that sees the taps `k` of cell `c` and their windows `o`, where these exist: the taps that a stride steps over are left out. */
function overTaps(c: string, o: string, k: string, a: WindowAxis, body: string): string {
  const reached = `const ${o}Far = ${c} + ${a.before}`;
  if (a.dilation > 1)
    return `for (let ${k} = 0; ${k} < ${a.kernel}; ${k}++) { ${reached} - ${k} * ${a.dilation}; const ${o} = ${floorDiv(`${o}Far`, a.stride)};
      if (${within(o, a.output)} && ${o} * ${a.stride} === ${o}Far) { ${body} } }`;
  return `${reached}; const ${o}Last = ${floorDiv(`${o}Far`, a.stride)}; const ${k}First = ${o}Far - ${o}Last * ${a.stride};
    for (let ${k}Step = 0; ${k}Step < ${Math.ceil(a.kernel / a.stride)}; ${k}Step++) { const ${k} = ${k}First + ${k}Step * ${a.stride}; const ${o} = ${o}Last - ${k}Step;
      if (${k} < ${a.kernel} && ${within(o, a.output)}) { ${body} } }`;
}

const parameters = (operands: readonly Spec[]): string[] => ['k', 'b'].slice(0, operands.length - 1);

const forward = (operands: readonly Spec[], { height: h, width: w, inChannels, outChannels, groups }: Conv2dGeometry, y: Spec, most: number): Launch => {
  const [groupIn, groupOut] = [inChannels / groups, outChannels / groups];
  const lanes = fitting(most, groupOut);
  const { begin, values } = sums(lanes, (lane) => (operands.length > 2 ? `b[c3 + ${lane}]` : '0'));
  const body = `${splitLanes(y.shape, lanes)} const first = ${groups === 1 ? '0' : `${floorDiv('c3', groupOut)} * ${groupIn}`}; ${begin}
    for (let ky = 0; ky < ${h.kernel}; ky++) { ${inside('py', 'c1', 'ky', h)} if (${within('py', h.input)}) {
      for (let kx = 0; kx < ${w.kernel}; kx++) { ${inside('px', 'c2', 'kx', w)} if (${within('px', w.input)}) {
        ${whole('p', `((c0 * ${h.input} + py) * ${w.input} + px) * ${inChannels} + first`)} ${whole('q', `(ky * ${w.kernel} + kx) * ${groupIn * outChannels} + c3`)}
        ${channelSum(groupIn, lanes, 'x', 1, 'k', outChannels, 1)} } } } }`;
  return { ...launch(sizeOf(y.shape), inputs('x', ...parameters(operands)), body, ...values), moving: parameters(operands) };
};

const transposed = (operands: readonly Spec[], { height: h, width: w, inChannels, outChannels, groups }: Conv2dGeometry, x: Spec, most: number): Launch => {
  const [groupIn, groupOut] = [inChannels / groups, outChannels / groups];
  const lanes = fitting(most, groupIn);
  const { begin, values } = sums(lanes, (lane) => (operands.length > 2 ? `b[c3 + ${lane}]` : '0'));
  const tap = `${whole('p', `((c0 * ${h.output} + oy) * ${w.output} + ox) * ${outChannels} + first`)} ${whole('q', `((ky * ${w.kernel} + kx) * ${groupIn} + own) * ${outChannels} + first`)}
    ${channelSum(groupOut, lanes, 'g', 1, 'k', 1, outChannels)}`;
  const body = `${splitLanes(x.shape, lanes)} const group = ${groups === 1 ? '0' : floorDiv('c3', groupIn)}; const first = group * ${groupOut}; const own = c3 - group * ${groupIn};
    ${begin} ${overTaps('c1', 'oy', 'ky', h, overTaps('c2', 'ox', 'kx', w, tap))}`;
  return { ...launch(sizeOf(x.shape), inputs('g', ...parameters(operands)), body, ...values), moving: parameters(operands) };
};

/** Threads that a GPU should have at least: where there are fewer weights, several share the pixels of each. */
const enoughThreads = 16384;

/** Σ over pixels: of x·g for each weight, and of x or g for each bias. */
function parameterGrads(
  { batch, height: h, width: w, inChannels, outChannels, groups }: Conv2dGeometry,
  weight: Spec,
  biasFrom: 'x' | 'g' | null,
  most: number,
): Launch[] {
  const [groupIn, groupOut] = [inChannels / groups, outChannels / groups];
  const weights = sizeOf(weight.shape);
  const fromX = biasFrom === 'x';
  const [biases, biasRows, biasColumns] =
    biasFrom === null ? [0, 0, 0] : fromX ? [inChannels, batch * h.input, w.input] : [outChannels, batch * h.output, w.output];
  const lanes = fitting(most, groupOut, biases);
  const size = weights + biases;
  const rows = batch * h.output;
  const shares = Math.max(1, Math.min(Math.floor((enoughThreads * lanes) / size), Math.ceil(rows / 2)));
  const { begin, values } = sums(lanes, () => '0');
  const each = (code: (lane: number) => string): string => values.map((_, lane) => code(lane)).join(' ');
  /** Code: a share's rows, each a sum of its own. */
  const overRows = (count: number, body: string): string => {
    const some = Math.ceil(count / shares);
    return `for (let t = 0; t < ${some}; t++) { const row = share * ${some} + t; if (row < ${count}) { ${each((lane) => `let part${lane} = 0;`)} ${body} ${each((lane) => `acc${lane} += part${lane};`)} } }`;
  };
  const weightSum = `${splitLanes(weight.shape, lanes, 'own')} const ci = ${groups === 1 ? '' : `${floorDiv('c3', groupOut)} * ${groupIn} + `}c2;
    ${overRows(
      rows,
      `const n = ${floorDiv('row', h.output)}; const oy = row - n * ${h.output}; ${inside('py', 'oy', 'c0', h)} if (${within('py', h.input)}) {
        ${whole('px', `c1 * ${w.dilation} - ${w.before}`)} ${whole('p', `((n * ${h.input} + py) * ${w.input} + px) * ${inChannels} + ci`)} ${whole('q', `row * ${w.output * outChannels} + c3`)}
        for (let ox = 0; ox < ${w.output}; ox++) { if (${within('px', w.input)}) { const v = x[p]; ${each((lane) => `part${lane} += v * g[q + ${lane}];`)} }
          px += ${w.stride}; p += ${w.stride * inChannels}; q += ${outChannels}; } px++; p++; q++; }`,
    )}`;
  const biasSum = overRows(
    biasRows,
    `${whole('p', `row * ${biasColumns * biases} + own * ${lanes} - ${weights}`)}
      for (let ox = 0; ox < ${biasColumns}; ox++) { ${each((lane) => `part${lane} += ${fromX ? 'x' : 'g'}[p + ${lane}];`)} p += ${biases}; } p++;`,
  );
  const body = `${split([shares, size / lanes], 's')} const share = s0; const own = s1; ${begin} ${biases === 0 ? weightSum : `if (own < ${weights / lanes}) { ${weightSum} } else { ${biasSum} }`}`;
  const parts = launch(shares * size, inputs('x', 'g'), body, ...values);
  if (shares === 1) return [parts];
  return [
    parts,
    launch(size, { a: { result: 0 } }, `${whole('p', 'i')} let acc = 0; for (let k = 0; k < ${shares}; k++) { acc += a[p]; p += ${size}; } p++;`, 'acc'),
  ];
}

export const conv: Planners<'conv2d' | 'conv2dInputGrad' | 'conv2dWeightGrad' | 'conv2dParameterGrads'> = {
  conv2d: (operands, { geometry }, [y], lanes) => [forward(operands, geometry, y, lanes)],
  conv2dInputGrad: (operands, { geometry }, [x], lanes) => [transposed(operands, geometry, x, lanes)],
  conv2dWeightGrad: (_, { geometry }, [weight], lanes) => parameterGrads(geometry, weight, null, lanes),
  conv2dParameterGrads: (_, { geometry, biasFrom }, [weight], lanes) => parameterGrads(geometry, weight, biasFrom, lanes),
};
