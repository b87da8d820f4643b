/** Convolution and its two gradients: each output element gathers its sum, so that the order never varies. */
import { sizeOf } from '../../tensor/shape.js';
import type { WindowAxis } from '../../tensor/window.js';
import { input, type Planners, source, split } from './launch.js';

/** Code: `y` from window `o` and tap `k`, inside the input or not. */
const inside = (y: string, o: string, k: string, a: WindowAxis): string => `const ${y} = ${o} * ${a.stride} + ${k} * ${a.dilation} - ${a.before};`;
const within = (y: string, size: number): string => `${y} >= 0 && ${y} < ${size}`;
/** Code: window `o` that sees `y` at tap `k`, where it is whole and exists. */
const window = (o: string, y: string, k: string, a: WindowAxis): string => `const ${o} = (${y} + ${a.before} - ${k} * ${a.dilation}) / ${a.stride};`;
const exists = (o: string, a: WindowAxis): string => `${o} >= 0 && ${o} < ${a.output} && ${o} === Math.floor(${o})`;

export const conv: Pick<Planners, 'conv2d' | 'conv2dInputGrad' | 'conv2dWeightGrad'> = {
  conv2d: (inputs, { geometry: { height: h, width: w, inChannels, outChannels, groups } }, [y]) => {
    const [groupIn, groupOut] = [inChannels / groups, outChannels / groups];
    const body = `${split(y.shape, 'c')} const first = Math.floor(c3 / ${groupOut}) * ${groupIn}; let acc = ${inputs.length > 2 ? 'b[c3]' : '0'};
      for (let ky = 0; ky < ${h.kernel}; ky++) { ${inside('py', 'c1', 'ky', h)} if (${within('py', h.input)}) {
        for (let kx = 0; kx < ${w.kernel}; kx++) { ${inside('px', 'c2', 'kx', w)} if (${within('px', w.input)}) {
          const p = ((c0 * ${h.input} + py) * ${w.input} + px) * ${inChannels} + first; const q = (ky * ${w.kernel} + kx) * ${groupIn * outChannels} + c3;
          for (let c = 0; c < ${groupIn}; c++) { acc += x[p + c] * k[q + c * ${outChannels}]; } } } } } return acc;`;
    return [{ source: source(inputs.length > 2 ? 'x, k, b' : 'x, k', body), size: sizeOf(y.shape), args: inputs.map((_, n) => input(n)) }];
  },
  conv2dInputGrad: (inputs, { geometry: { height: h, width: w, inChannels, outChannels, groups } }, [x]) => {
    const [groupIn, groupOut] = [inChannels / groups, outChannels / groups];
    const body = `${split(x.shape, 'c')} const first = Math.floor(c3 / ${groupIn}) * ${groupOut}; const own = c3 % ${groupIn}; let acc = ${inputs.length > 2 ? 'b[c3]' : '0'};
      for (let ky = 0; ky < ${h.kernel}; ky++) { ${window('oy', 'c1', 'ky', h)} if (${exists('oy', h)}) {
        for (let kx = 0; kx < ${w.kernel}; kx++) { ${window('ox', 'c2', 'kx', w)} if (${exists('ox', w)}) {
          const p = ((c0 * ${h.output} + oy) * ${w.output} + ox) * ${outChannels} + first; const q = ((ky * ${w.kernel} + kx) * ${groupIn} + own) * ${outChannels} + first;
          for (let c = 0; c < ${groupOut}; c++) { acc += g[p + c] * k[q + c]; } } } } } return acc;`;
    return [{ source: source(inputs.length > 2 ? 'g, k, b' : 'g, k', body), size: sizeOf(x.shape), args: inputs.map((_, n) => input(n)) }];
  },
  conv2dWeightGrad: (_, { geometry: { batch, height: h, width: w, inChannels, outChannels, groups } }, [k]) => {
    const [groupIn, groupOut] = [inChannels / groups, outChannels / groups];
    const body = `${split(k.shape, 'c')} const ci = Math.floor(c3 / ${groupOut}) * ${groupIn} + c2; let acc = 0;
      for (let n = 0; n < ${batch}; n++) { for (let oy = 0; oy < ${h.output}; oy++) { ${inside('py', 'oy', 'c0', h)} if (${within('py', h.input)}) { let part = 0;
        for (let ox = 0; ox < ${w.output}; ox++) { ${inside('px', 'ox', 'c1', w)} if (${within('px', w.input)}) {
          part += x[((n * ${h.input} + py) * ${w.input} + px) * ${inChannels} + ci] * g[((n * ${h.output} + oy) * ${w.output} + ox) * ${outChannels} + c3]; } } acc += part; } } } return acc;`;
    return [{ source: source('x, g', body), size: sizeOf(k.shape), args: [input(0), input(1)] }];
  },
};
