/** Commands for pooling. Chunks write disjoint rows, so they can run in any order. */
import { sizeOf } from '../../values/shape.js';
import type { Pool2dGeometry, WindowAxis } from '../../values/window.js';
import { type Family, grainOf, type WasmOperand, worthSharing } from './commands.js';
import { Opcode } from './protocol/command.js';
import { NanCode, PickCode } from './protocol/functions.js';

/** A geometry as the words that the kernels read. */
function words({ batch, channels, height: h, width: w }: Pool2dGeometry): number[] {
  const sizes = [batch, h.input, w.input, channels, h.output, w.output];
  return [...sizes, h.kernel, w.kernel, h.stride, w.stride, h.dilation, w.dilation, h.before, w.before];
}

const visits = ({ batch, channels, height, width }: Pool2dGeometry): number =>
  batch * height.output * width.output * height.kernel * width.kernel * channels;

const rows = ({ batch, height }: Pool2dGeometry): number => batch * height.output;

/** Whether each window contains at least one cell, and no cell of another window. */
const apart = ({ input, output, kernel, stride, dilation, before }: WindowAxis): boolean =>
  dilation === 1 && stride >= kernel && before < kernel && output > 0 && (output - 1) * stride - before < input;

const pixels = ({ shape }: WasmOperand): number => shape[1] * shape[2];

export const pool: Family<'maxPool2d' | 'maxUnpool2d' | 'planeGather' | 'unpoolPick' | 'avgPool2d' | 'avgPool2dGrad'> =
  {
    maxPool2d(to, [x], { geometry, nan }, [values, indices]) {
      if (sizeOf(values.shape) === 0) return;
      const addresses = [x.buffer.address, values.buffer.address, indices.buffer.address];
      const tail = [...words(geometry), NanCode[nan]];
      to.emit(
        Opcode.maxPool2d,
        visits(geometry) > worthSharing,
        [...addresses, ...tail],
        grainOf(visits(geometry), rows(geometry)),
      );
    },

    maxUnpool2d(to, [values, indices], { geometry }, [y]) {
      const size = sizeOf(y.shape);
      if (size === 0) return;
      const addresses = [values.buffer.address, indices.buffer.address, y.buffer.address];
      const parallel = size + sizeOf(values.shape) > worthSharing;
      if (geometry !== null && apart(geometry.height) && apart(geometry.width))
        to.emit(Opcode.maxUnpool2d, parallel, [...addresses, ...words(geometry), 0], grainOf(size, rows(geometry)));
      else
        to.emit(Opcode.maxUnpool2dScatter, parallel && y.shape[0] > 1, [
          ...addresses,
          y.shape[0],
          pixels(y),
          y.shape[3],
          pixels(values),
        ]);
    },

    planeGather(to, [x, indices], _attrs, [y]) {
      const size = sizeOf(y.shape);
      if (size === 0) return;
      const channels = x.shape[3];
      const share = Math.max(1, Math.floor(8192 / channels));
      const sizes = [x.shape[0], pixels(x), channels, pixels(y), share];
      to.emit(Opcode.planeGather, size > worthSharing, [
        x.buffer.address,
        indices.buffer.address,
        y.buffer.address,
        ...sizes,
      ]);
    },

    unpoolPick(to, [values, indices], { pick, pixels: plane }, [taken]) {
      const size = sizeOf(values.shape);
      if (size === 0) return;
      const [batch, , , channels] = values.shape;
      const winners = to.temporary(batch * plane * channels * 4);
      const sizes = [batch, plane, channels, pixels(values), PickCode[pick]];
      const parallel = size + batch * plane * channels > worthSharing && batch > 1;
      to.emit(Opcode.unpoolPick, parallel, [
        values.buffer.address,
        indices.buffer.address,
        taken.buffer.address,
        winners,
        ...sizes,
      ]);
    },

    avgPool2d(to, [x], { geometry, divisor }, [y]) {
      if (sizeOf(y.shape) === 0) return;
      const head = [x.buffer.address, y.buffer.address, divisor];
      to.emit(
        Opcode.avgPool2d,
        visits(geometry) > worthSharing,
        [...head, ...words(geometry)],
        grainOf(visits(geometry), rows(geometry)),
      );
    },

    avgPool2dGrad(to, [g], { geometry, divisor }, [x]) {
      const size = sizeOf(x.shape);
      if (size === 0) return;
      const head = [g.buffer.address, x.buffer.address, divisor];
      to.emit(Opcode.avgPool2dGrad, size + visits(geometry) > worthSharing, [...head, ...words(geometry)]);
    },
  };
