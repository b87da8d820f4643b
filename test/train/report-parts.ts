/**
 * The parts of a report: losses in bounded memory, arrays as pictures, the epochs that are kept.
 * Expected numbers are computed by hand.
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { decodePng } from '../../src/io/index.js';
import { formatNumber, formatSeconds } from '../../src/train/report/format.js';
import { LossTrace, mostPoints } from '../../src/train/report/losses.js';
import { leastUseful } from '../../src/train/report/samples.js';
import { isConstant } from '../../src/train/report/signs.js';
import { drawBatch, drawFilters, rangeOf, shrink } from '../../src/train/report/thumbnails.js';

const test = suite('parts of a report');

const decode = (item: string) => {
  const { width, height, channels, data } = decodePng(Uint8Array.from(Buffer.from(item, 'base64')));
  return { width, height, channels, data: [...data] };
};

test('each step is a point until there are too many', () => {
  const trace = new LossTrace();
  for (let step = 1; step <= mostPoints; step++) trace.add(step, step, 0.1);
  assert.is(trace.points().length, 1024);
  assert.equal(trace.points()[9], { step: 10, mean: 10, least: 10, greatest: 10, lr: 0.1 });
  trace.add(1025, 5, 0.2);
  assert.is(trace.points().length, 513);
  assert.equal(trace.points()[0], { step: 2, mean: 1.5, least: 1, greatest: 2, lr: 0.1 });
  assert.equal(trace.points()[512], { step: 1025, mean: 5, least: 5, greatest: 5, lr: 0.2 });
  trace.add(1026, 7, 0.3);
  assert.equal(trace.points()[512], { step: 1026, mean: 6, least: 5, greatest: 7, lr: 0.3 });
});

test('a million steps stay within the bound, and every loss counts', () => {
  const trace = new LossTrace();
  for (let step = 1; step <= 1_000_000; step++) trace.add(step, step % 2 === 0 ? 3 : 1, null);
  const points = trace.points();
  assert.ok(points.length > 512 && points.length <= 1024, `${points.length}`);
  assert.is(points.at(-1)?.step, 1_000_000);
  // 1024 points of 1024 steps would do for 1,048,576 steps.
  assert.is(points[0].step, 1024);
  assert.ok(
    points.every(({ mean, least, greatest }) => Math.abs((mean ?? 0) - 2) < 1e-9 && least === 1 && greatest === 3),
  );
});

test('losses that are not finite are left out and remembered', () => {
  const trace = new LossTrace();
  assert.is(trace.firstBad, null);
  [1, Number.NaN, Infinity, 3].forEach((loss, i) => void trace.add(i + 1, loss, null));
  assert.is(trace.firstBad, 2);
  assert.equal(
    trace.points().map(({ mean }) => mean),
    [1, undefined, undefined, 3],
  );
  for (let step = 5; step <= 1025; step++) trace.add(step, 2, null);
  assert.equal(trace.points().slice(0, 2), [
    { step: 2, mean: 1, least: 1, greatest: 1 },
    { step: 4, mean: 3, least: 3, greatest: 3 },
  ]);
});

test('a trace goes on from its state', () => {
  const [whole, first] = [new LossTrace(), new LossTrace()];
  const loss = (step: number): number => (step === 700 ? Number.NaN : Math.sin(step));
  for (let step = 1; step <= 3000; step++) whole.add(step, loss(step), step);
  for (let step = 1; step <= 1501; step++) first.add(step, loss(step), step);
  const second = new LossTrace();
  second.loadStateDict(JSON.parse(JSON.stringify(first.stateDict())));
  assert.is(second.step, 1501);
  for (let step = 1502; step <= 3000; step++) second.add(step, loss(step), step);
  assert.equal(second.stateDict(), whole.stateDict());
});

test('a smaller image has the means of the areas', () => {
  const grey = (height: number, width: number, values: number[]) =>
    ({ height, width, channels: 1, data: Float64Array.from(values) }) as const;
  assert.equal([...shrink(grey(2, 4, [1, 3, 5, 7, 3, 5, 7, 9]), 1, 2).data], [3, 7]);
  // A pixel covers one and a half pixels.
  const [left, right] = shrink(grey(1, 3, [3, 6, 12]), 1, 2).data;
  assert.ok(Math.abs(left - 4) < 1e-12 && Math.abs(right - 10) < 1e-12, `${left} ${right}`);
});

test('images are drawn within their range', () => {
  const values = [0, 0.5, 1, -1, 2, Number.NaN, 0.2, 0.8];
  const drawn = drawBatch(values, 2, [2, 2, 1], [0, 1], 1000);
  assert.equal([drawn?.kind, drawn?.width, drawn?.height], ['image', 2, 2]);
  assert.equal(decode(drawn?.items[0] ?? ''), { width: 2, height: 2, channels: 1, data: [0, 128, 255, 0] });
  assert.equal(decode(drawn?.items[1] ?? '').data, [255, 0, 51, 204]);
  assert.equal(decode(drawBatch([2, 4, 6, 8], 1, [2, 2, 1], [0, 8], 99)?.items[0] ?? '').data, [64, 128, 191, 255]);
  const color = drawBatch([0, 0.2, 1, 1, 0.4, 0], 1, [1 + 1, 1, 3], [0, 1], 1000);
  assert.equal(decode(color?.items[0] ?? ''), { width: 1, height: 2, channels: 3, data: [0, 51, 255, 255, 102, 0] });
  // Of two channels it is the mean.
  assert.equal(decode(drawBatch([0, 1, 1, 1], 1, [2, 1, 2], [0, 1], 1000)?.items[0] ?? '').data, [128, 255]);
});

test('images become as small as asked', () => {
  const photo = new Float32Array(300 * 400 * 3).fill(0.5);
  const drawn = drawBatch(photo, 1, [300, 400, 3], [0, 1], 30_000);
  // 10,000 pixels in the proportion 3 : 4 are 86.6 by 115.5.
  assert.equal([drawn?.height, drawn?.width], [86, 115]);
  const wide = drawBatch(new Float32Array(2 * 1000), 1, [2, 1000, 1], [0, 1], 1e6);
  assert.equal([wide?.height, wide?.width], [1, 128]);
});

test('series are drawn as lines, other shapes not at all', () => {
  const ramp = Array.from({ length: 8 }, (_, i) => i);
  const line = 'M0 48L14.3 41.4L28.6 34.9L42.9 28.3L57.1 21.7L71.4 15.1L85.7 8.6L100 2';
  const [expected] = drawBatch(ramp, 1, [8], [0, 7], 1)?.items ?? [];
  assert.is(expected, line);
  assert.is(drawBatch(ramp, 1, [8, 1], [0, 7], 1)?.items[0], line);
  assert.is(drawBatch(ramp, 1, [1, 8, 1], [0, 7], 1)?.items[0], line);
  const gap = ramp.map((v) => (v === 3 ? Number.NaN : v));
  assert.is(drawBatch(gap, 1, [8], [0, 7], 1)?.items[0], line.replace('L42.9 28.3L57.1', 'M57.1'));
  const two = ramp.flatMap((v) => [v, 7 - v]);
  assert.is(drawBatch(two, 1, [8, 2], [0, 7], 1)?.items[0].split('M').length, 3);
  assert.is(drawBatch([1, 2], 2, [], [0, 1], 1), undefined);
  assert.is(drawBatch([1, 2, 3], 1, [3], [0, 1], 1), undefined);
});

test('a long series keeps its peaks', () => {
  const values = new Float64Array(100_000);
  values[54_321] = 1;
  const [path] = drawBatch(values, 1, [100_000], [0, 1], 1)?.items ?? [];
  assert.match(path, / 2(?=L|$)/, 'the peak is at the top');
  assert.ok(path.split('L').length <= 160);
});

test('filters are drawn one by one, each in its own range', () => {
  // [2,1,1,2]: the first filter is 1, 3 and the second -4, 0.
  const { items, width, height } = drawFilters([1, -4, 3, 0], [2, 1, 1, 2], 64);
  assert.equal([height, width], [2, 1]);
  assert.equal(
    items.map((item) => decode(item).data),
    [
      [0, 255],
      [0, 255],
    ],
  );
  const color = drawFilters([0, 1, 2, 3, 4, 5], [2, 1, 3, 1], 64);
  assert.equal(decode(color.items[0]), { width: 1, height: 2, channels: 3, data: [0, 51, 102, 153, 204, 255] });
  assert.is(drawFilters(new Float32Array(9 * 100), [3, 3, 1, 100], 64).items.length, 64);
});

test('a range leaves out what is not finite', () => {
  assert.equal(rangeOf([3, Number.NaN, -2, Infinity]), [-2, 3]);
  assert.equal(rangeOf([Number.NaN]), [0, 1]);
});

test('the first, the best and the last epoch are kept', () => {
  // The ratios of the neighbours are 3, 2, 5/3 and 3/2; the last epoch has one neighbour.
  assert.is(leastUseful([1, 2, 3, 4, 5, 6], undefined), 4);
  assert.is(leastUseful([1, 2, 3, 4, 5, 6], 5), 3);
  let epochs: number[] = [];
  for (let epoch = 1; epoch <= 1000; epoch++) {
    epochs = [...epochs, epoch];
    if (epochs.length > 8) epochs.splice(leastUseful(epochs, 17), 1);
  }
  assert.is(epochs.length, 8);
  for (const kept of [1, 17, 1000]) assert.ok(epochs.includes(kept), `${epochs}`);
});

test('a constant model is one whose outputs do not follow the targets', () => {
  const values = (...data: number[]) => ({ data, shape: [2] });
  const seen = { inputs: values(0, 1, 1, 0), targets: undefined, count: 2 };
  assert.ok(isConstant({ ...seen, outputs: values(0.5, 0.5, 0.5001, 0.5) }));
  assert.not.ok(isConstant({ ...seen, outputs: values(0.4, 0.6, 0.6, 0.4) }));
  assert.not.ok(isConstant({ ...seen, inputs: values(1, 1, 1, 1), outputs: values(1, 1, 1, 1) }));
});

test('numbers and times are short', () => {
  assert.equal([0.0123456, -1.5, 0.00001234, 1234567, 0, Number.NaN].map(formatNumber), [
    ...['0.01235', '−1.5', '1.234e−5', '1.235e6', '0', 'NaN'],
  ]);
  assert.equal([0.1234, 42, 187, 7500, Number.NaN].map(formatSeconds), [
    ...['0.12 s', '42 s', '3 min 07 s', '2 h 05 min', '–'],
  ]);
});

test.run();
