/** Convolution and its gradients: each output element gathers its sum, so that the order never varies. */
import { sizeOf } from '../../tensor/shape.js';
import type { Conv2dGeometry, WindowAxis } from '../../tensor/window.js';
import type { Spec } from '../device.js';
import { floorDiv, inputs, type Launch, launch, type Planners, split } from './launch.js';

/** Code: `y` from window `o` and tap `k`, inside the input or not. */
const inside = (y: string, o: string, k: string, a: WindowAxis): string => `const ${y} = ${o} * ${a.stride} + ${k} * ${a.dilation} - ${a.before};`;
const within = (y: string, size: number): string => `${y} >= 0 && ${y} < ${size}`;

/** Products of one statement: loops over channels are unrolled by the largest of these that divides them. */
const unrolled = [16, 8, 4, 2];

/** Code: acc += Σ over `channels` of first[p + c·strideP]·second[q + c·strideQ]. */
function channelSum(channels: number, first: string, strideP: number, second: string, strideQ: number): string {
  const at = (base: string, offset: number): string => (offset === 0 ? base : `${base} + ${offset}`);
  const product = (c: number, p: string, q: string): string => `${first}[${at(p, c * strideP)}] * ${second}[${at(q, c * strideQ)}]`;
  const together = (n: number, p: string, q: string): string => `acc += ${Array.from({ length: n }, (_, c) => product(c, p, q)).join(' + ')};`;
  const step = channels <= unrolled[0] ? channels : (unrolled.find((n) => channels % n === 0) ?? 1);
  if (step === channels) return together(channels, 'p', 'q');
  return `for (let c = 0; c < ${channels / step}; c++) { const pc = p + c * ${step * strideP}; const qc = q + c * ${step * strideQ}; ${together(step, 'pc', 'qc')} }`;
}

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

const forward = (operands: readonly Spec[], { height: h, width: w, inChannels, outChannels, groups }: Conv2dGeometry, y: Spec): Launch => {
  const [groupIn, groupOut] = [inChannels / groups, outChannels / groups];
  const body = `${split(y.shape, 'c')} const first = ${groups === 1 ? '0' : `${floorDiv('c3', groupOut)} * ${groupIn}`}; let acc = ${operands.length > 2 ? 'b[c3]' : '0'};
    for (let ky = 0; ky < ${h.kernel}; ky++) { ${inside('py', 'c1', 'ky', h)} if (${within('py', h.input)}) {
      for (let kx = 0; kx < ${w.kernel}; kx++) { ${inside('px', 'c2', 'kx', w)} if (${within('px', w.input)}) {
        const p = ((c0 * ${h.input} + py) * ${w.input} + px) * ${inChannels} + first; const q = (ky * ${w.kernel} + kx) * ${groupIn * outChannels} + c3;
        ${channelSum(groupIn, 'x', 1, 'k', outChannels)} } } } }`;
  return launch(sizeOf(y.shape), inputs(...['x', 'k', 'b'].slice(0, operands.length)), body, 'acc');
};

const transposed = (operands: readonly Spec[], { height: h, width: w, inChannels, outChannels, groups }: Conv2dGeometry, x: Spec): Launch => {
  const [groupIn, groupOut] = [inChannels / groups, outChannels / groups];
  const tap = `const p = ((c0 * ${h.output} + oy) * ${w.output} + ox) * ${outChannels} + first; const q = ((ky * ${w.kernel} + kx) * ${groupIn} + own) * ${outChannels} + first;
    ${channelSum(groupOut, 'g', 1, 'k', 1)}`;
  const body = `${split(x.shape, 'c')} const group = ${groups === 1 ? '0' : floorDiv('c3', groupIn)}; const first = group * ${groupOut}; const own = c3 - group * ${groupIn};
    let acc = ${operands.length > 2 ? 'b[c3]' : '0'}; ${overTaps('c1', 'oy', 'ky', h, overTaps('c2', 'ox', 'kx', w, tap))}`;
  return launch(sizeOf(x.shape), inputs(...['g', 'k', 'b'].slice(0, operands.length)), body, 'acc');
};

/** Threads that a GPU should have at least: where there are fewer weights, several share the pixels of each. */
const enoughThreads = 16384;

/** Σ over pixels: of x·g for each weight, and of x or g for each bias. */
function parameterGrads({ batch, height: h, width: w, inChannels, outChannels, groups }: Conv2dGeometry, weight: Spec, biasFrom: 'x' | 'g' | null): Launch[] {
  const [groupIn, groupOut] = [inChannels / groups, outChannels / groups];
  const weights = sizeOf(weight.shape);
  const fromX = biasFrom === 'x';
  const [biases, biasRows, biasColumns] =
    biasFrom === null ? [0, 0, 0] : fromX ? [inChannels, batch * h.input, w.input] : [outChannels, batch * h.output, w.output];
  const size = weights + biases;
  const rows = batch * h.output;
  const shares = Math.max(1, Math.min(Math.floor(enoughThreads / size), Math.ceil(rows / 2)));
  /** Code: a share's rows. */
  const overRows = (count: number, body: string): string => {
    const each = Math.ceil(count / shares);
    return `for (let t = 0; t < ${each}; t++) { const row = share * ${each} + t; if (row < ${count}) { let part = 0; ${body} acc += part; } }`;
  };
  const weightSum = `${split(weight.shape, 'c', 'own')} const ci = ${groups === 1 ? '' : `${floorDiv('c3', groupOut)} * ${groupIn} + `}c2;
    ${overRows(
      rows,
      `const n = ${floorDiv('row', h.output)}; const oy = row - n * ${h.output}; ${inside('py', 'oy', 'c0', h)} if (${within('py', h.input)}) {
        const p = (n * ${h.input} + py) * ${w.input}; const q = row * ${w.output * outChannels} + c3;
        for (let ox = 0; ox < ${w.output}; ox++) { ${inside('px', 'ox', 'c1', w)} if (${within('px', w.input)}) { part += x[(p + px) * ${inChannels} + ci] * g[q + ox * ${outChannels}]; } } }`,
    )}`;
  const biasSum = overRows(
    biasRows,
    `const p = row * ${biasColumns * biases} + own - ${weights}; for (let ox = 0; ox < ${biasColumns}; ox++) { part += ${fromX ? 'x' : 'g'}[p + ox * ${biases}]; }`,
  );
  const body = `${split([shares, size], 's')} const share = s0; const own = s1; let acc = 0; ${biases === 0 ? weightSum : `if (own < ${weights}) { ${weightSum} } else { ${biasSum} }`}`;
  const sums = launch(shares * size, inputs('x', 'g'), body, 'acc');
  if (shares === 1) return [sums];
  return [sums, launch(size, { a: { result: 0 } }, `let acc = 0; for (let k = 0; k < ${shares}; k++) { acc += a[k * ${size} + i]; }`, 'acc')];
}

export const conv: Planners<'conv2d' | 'conv2dInputGrad' | 'conv2dWeightGrad' | 'conv2dParameterGrads'> = {
  conv2d: (operands, { geometry }, [y]) => [forward(operands, geometry, y)],
  conv2dInputGrad: (operands, { geometry }, [x]) => [transposed(operands, geometry, x)],
  conv2dWeightGrad: (_, { geometry }, [weight]) => parameterGrads(geometry, weight, null),
  conv2dParameterGrads: (_, { geometry, biasFrom }, [weight]) => parameterGrads(geometry, weight, biasFrom),
};
