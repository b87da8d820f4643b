/**
 * Pooling, unpooling by indices, and the gather that is the gradient of unpooling. An index is y·W
 * + x in the plane of one image and channel.
 */
import type { Pool2dGeometry, WindowAxis } from '../../values/window.js';
import type { Family } from './array.js';

/** The input positions of the window of output `o` along an axis, without the padding. */
function windowCells({ input, kernel, stride, dilation, before }: WindowAxis, o: number): number[] {
  const cells: number[] = [];
  const start = o * stride - before;
  // Skips the padding in one step, because there may be far more of it than cells.
  const first = Math.max(0, Math.ceil(-start / dilation));
  for (let k = first, i = start + first * dilation; k < kernel && i < input; k++, i += dilation) cells.push(i);
  return cells;
}

/**
 * Visits every window in row-major order. `visit` gets the offsets of its cells in the plane
 * (row-major, too), the offset of the image, and the offset of its first channel in the output.
 */
function eachWindow(
  { batch, height, width, channels }: Pool2dGeometry,
  visit: (cells: readonly number[], image: number, to: number) => void,
): void {
  const columns = Array.from({ length: width.output }, (_, ox) => windowCells(width, ox));
  const windows = Array.from({ length: height.output }, (_, oy) => {
    const rows = windowCells(height, oy);
    return columns.map((xs) => rows.flatMap((y) => xs.map((x) => y * width.input + x)));
  }).flat();
  for (let n = 0; n < batch; n++)
    for (let w = 0; w < windows.length; w++)
      visit(windows[w], n * height.input * width.input, (n * windows.length + w) * channels);
}

export const pool: Family<'maxPool2d' | 'maxUnpool2d' | 'planeGather' | 'unpoolPick' | 'avgPool2d' | 'avgPool2dGrad'> =
  {
    maxPool2d([{ data: x }], { geometry, nan }, [{ data: values }, { data: indices }]) {
      const { channels } = geometry;
      eachWindow(geometry, (cells, image, to) => {
        for (let c = 0; c < channels; c++) {
          let best = x[(image + cells[0]) * channels + c];
          if (nan === 'ignore' && Number.isNaN(best)) best = -Infinity;
          let index = cells[0];
          for (let j = 1; j < cells.length; j++) {
            const value = x[(image + cells[j]) * channels + c];
            // A comparison with NaN is false, so nothing replaces a NaN, except a later NaN if NaN
            // propagates.
            if (value > best || (nan === 'propagate' && Number.isNaN(value))) {
              best = value;
              index = cells[j];
            }
          }
          values[to + c] = best;
          indices[to + c] = index;
        }
      });
    },

    maxUnpool2d([{ data: values, shape }, { data: indices }], _attrs, [y]) {
      const [batch, height, width, channels] = y.shape;
      const perImage = shape[1] * shape[2] * channels;
      const sums = new Float64Array(y.data.length);
      for (let n = 0, i = 0; n < batch; n++) {
        const image = n * height * width;
        for (const end = i + perImage; i < end; i++)
          if (indices[i] >= 0 && indices[i] < height * width)
            sums[(image + indices[i]) * channels + (i % channels)] += values[i];
      }
      y.data.set(sums);
    },

    planeGather([x, { data: indices, shape }], _attrs, [{ data: y }]) {
      const [batch, height, width, channels] = x.shape;
      const perImage = shape[1] * shape[2] * channels;
      for (let n = 0, i = 0; n < batch; n++) {
        const image = n * height * width;
        for (const end = i + perImage; i < end; i++)
          if (indices[i] >= 0 && indices[i] < height * width)
            y[i] = x.data[(image + indices[i]) * channels + (i % channels)];
      }
    },

    unpoolPick([{ data: values, shape }, { data: indices }], { pick, pixels }, [{ data: taken }]) {
      const [batch, height, width, channels] = shape;
      const perImage = height * width * channels;
      for (let n = 0; n < batch; n++) {
        /** For each cell and channel, the position of the value picked so far. */
        const winner = new Int32Array(pixels * channels).fill(-1);
        for (let i = n * perImage; i < (n + 1) * perImage; i++) {
          const cell = indices[i] * channels + (i % channels);
          const rival = winner[cell];
          const larger =
            rival >= 0 && !Number.isNaN(values[rival]) && (Number.isNaN(values[i]) || values[i] > values[rival]);
          if (rival < 0 || pick === 'last' || (pick === 'max' && larger)) winner[cell] = i;
        }
        for (const i of winner) if (i >= 0) taken[i] = 1;
      }
    },

    avgPool2d([{ data: x }], { geometry, divisor }, [{ data: y }]) {
      const { channels } = geometry;
      eachWindow(geometry, (cells, image, to) => {
        const count = divisor === 0 ? cells.length : divisor;
        for (let c = 0; c < channels; c++) {
          let sum = 0;
          for (const cell of cells) sum += x[(image + cell) * channels + c];
          y[to + c] = sum / count;
        }
      });
    },

    avgPool2dGrad([{ data: g }], { geometry, divisor }, [{ data: x }]) {
      const { channels } = geometry;
      const sums = new Float64Array(x.length);
      eachWindow(geometry, (cells, image, from) => {
        const count = divisor === 0 ? cells.length : divisor;
        for (const cell of cells)
          for (let c = 0; c < channels; c++) sums[(image + cell) * channels + c] += g[from + c] / count;
      });
      x.set(sums);
    },
  };
