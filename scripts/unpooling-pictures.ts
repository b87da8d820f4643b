/**
 * Draws the pictures of docs/unpooling.md. The library computes every number in them. Forward
 * values are blue, indices and masks green, and gradients orange. Larger values are darker.
 * usage: npm run unpooling-pictures
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import {
  conv2dTranspose,
  type Duplicates,
  fixedUnpool2d,
  gatherNd,
  grad,
  type IndexConvention,
  maxPool2d,
  maxPool2dWithArgmaxAndMask,
  maxUnpool2d,
  ones,
  type PoolIndices,
  pixelShuffle,
  poolIndices,
  resize2d,
  type Shape,
  scatterNd,
  type Tensor,
  tensor,
  unpoolByMask,
  unpooling,
  upsample2d,
} from 'cedargrad';
import { type Color, Picture } from 'cedargrad/io';

type Rows = readonly (readonly number[])[];

interface Panel {
  readonly title: string;
  readonly rows: Rows;
  readonly hue: Color;
  /** What is drawn darkest; by default the panel's own largest magnitude. */
  readonly most?: number;
  /** Heavy lines around blocks of [h, w] cells. */
  readonly blocks?: readonly [number, number];
  /** 0 is a place like any other, not nothing. */
  readonly places?: boolean;
}
/** Side by side; a text stands between two panels. */
type Line = readonly (Panel | string)[];

const blue: Color = [0, 94, 160];
const green: Color = [0, 128, 92];
const orange: Color = [196, 78, 0];
const ink: Color = [40, 40, 40];
const frame: Color = [150, 150, 150];
const scale = 2;
const letter = 7 * scale;
const gap = 18;

const written = (v: number, digits: number): string =>
  Number.isNaN(v)
    ? 'NaN'
    : Number.isFinite(v)
      ? String(Number(v.toFixed(digits))).replace(/^(-?)0\./, '$1.')
      : v > 0
        ? 'inf'
        : '-inf';

function shade(v: number, most: number, hue: Color): Color {
  if (v === 0) return [246, 246, 246];
  const part = Number.isFinite(v) ? 0.12 + 0.88 * Math.min(Math.abs(v) / most, 1) : 0.06;
  return [0, 1, 2].map((i) => Math.round(255 + (hue[i] - 255) * part)) as unknown as Color;
}
const light = ([r, g, b]: Color): boolean => 0.3 * r + 0.59 * g + 0.11 * b > 140;
const largest = (rows: Rows): number =>
  Math.max(
    ...rows
      .flat()
      .filter(Number.isFinite)
      .map((v) => Math.abs(v)),
    1e-9,
  );

/**
 * Lays out lines of panels below one another. Every panel is at least as wide as its title, so that
 * titles do not overlap.
 */
function draw(lines: readonly Line[], digits = 2): Picture {
  const texts = lines
    .flat()
    .flatMap((item) =>
      typeof item === 'string' ? [] : item.rows.flat().map((v) => Picture.textWidth(written(v, digits), scale)),
    );
  const cell = { width: Math.max(...texts, 22) + 14, height: 30, digits };
  const size = (item: Panel | string) =>
    typeof item === 'string'
      ? { width: Picture.textWidth(item, scale), height: 0 }
      : {
          width: Math.max(item.rows[0].length * cell.width + 1, Picture.textWidth(item.title, scale)),
          height: letter + 8 + item.rows.length * cell.height + 1,
        };
  const widths = lines.map((line) => line.reduce((sum, item) => sum + size(item).width + gap, gap));
  const heights = lines.map((line) => Math.max(...line.map((item) => size(item).height)) + gap);
  const picture = new Picture(
    Math.max(...widths),
    heights.reduce((a, b) => a + b, gap),
  );
  let top = gap;
  for (const [i, line] of lines.entries()) {
    let left = gap;
    const least = Math.min(...line.map((item) => (typeof item === 'string' ? Infinity : item.rows.length)));
    for (const item of line) {
      if (typeof item === 'string')
        picture.text(left, top + letter + 8 + (least * cell.height - letter) / 2 + 1, item, { scale, color: ink });
      else panel(picture, left, top, item, cell);
      left += size(item).width + gap;
    }
    top += heights[i];
  }
  return picture;
}

function panel(
  picture: Picture,
  left: number,
  top: number,
  { title, rows, hue, most = largest(rows), blocks, places = false }: Panel,
  cell: { width: number; height: number; digits: number },
) {
  picture.text(left, top, title, { scale, color: ink });
  const y0 = top + letter + 8;
  for (const [j, row] of rows.entries())
    for (const [i, v] of row.entries()) {
      const [x, y] = [left + i * cell.width, y0 + j * cell.height];
      const color = shade(v, most, hue);
      picture
        .rect(x, y, cell.width + 1, cell.height + 1, frame)
        .rect(x + 1, y + 1, cell.width - 1, cell.height - 1, color);
      const on: Color = v === 0 && !places ? [170, 170, 170] : light(color) ? ink : [255, 255, 255];
      picture.text(x + (cell.width + 1 + scale) / 2, y + (cell.height - letter) / 2 + 1, written(v, cell.digits), {
        scale,
        align: 'center',
        color: on,
      });
    }
  const [height, width] = blocks ?? [rows.length, rows[0].length];
  const [right, bottom] = [left + rows[0].length * cell.width, y0 + rows.length * cell.height];
  for (let j = 0; j < rows.length + height; j += height)
    picture.rect(left - 1, Math.min(y0 + j * cell.height, bottom) - 1, right - left + 3, 3, ink);
  for (let i = 0; i < rows[0].length + width; i += width)
    picture.rect(Math.min(left + i * cell.width, right) - 1, y0 - 1, 3, bottom - y0 + 3, ink);
}

// ---- numbers for panels

/** One image's channel as rows. */
function plane(of: { readonly shape: Shape; dataSync(): ArrayLike<number> }, n = 0, c = 0): Rows {
  const [, height, width, channels] = of.shape;
  const data = of.dataSync();
  return Array.from({ length: height }, (_, y) =>
    Array.from({ length: width }, (_, x) => data[((n * height + y) * width + x) * channels + c]),
  );
}
const forward = (title: string, x: Tensor, more: Partial<Panel> = {}): Panel => ({
  title,
  rows: plane(x),
  hue: blue,
  ...more,
});
const indexPanel = (title: string, indices: PoolIndices, more: Partial<Panel> = {}): Panel => ({
  title,
  rows: plane(indices),
  hue: green,
  places: true,
  ...more,
});
const maskPanel = (title: string, mask: Tensor, more: Partial<Panel> = {}): Panel => ({
  title,
  rows: plane(mask),
  hue: green,
  ...more,
});
const gradient = (title: string, g: Tensor, more: Partial<Panel> = {}): Panel => ({
  title,
  rows: plane(g),
  hue: orange,
  ...more,
});

const image = (rows: Rows): Tensor => tensor(rows.flat(), { shape: [1, rows.length, rows[0].length, 1] });
const counting = (height: number, width: number): Tensor =>
  tensor(
    Array.from({ length: height * width }, (_, i) => i + 1),
    { shape: [1, height, width, 1] },
  );

/** Upstream 1, 2, 3 …, and what it becomes for x. */
function gradients(f: (x: Tensor) => Tensor, x: Tensor): [upstream: Tensor, gradient: Tensor] {
  const leaf = tensor(x.dataSync(), { shape: x.shape, requiresGrad: true });
  const y = f(leaf);
  const upstream = counting(y.shape[1], y.shape[2]);
  return [upstream, grad(y, [leaf], { gradOutput: upstream })[0]];
}

// ---- the pictures

const four = image([
  [1, 2, 4, 3],
  [8, 6, 7, 5],
  [9, 10, 12, 11],
  [13, 16, 15, 14],
]);

function maxUnpooling(): Picture {
  const [values, indices] = maxPool2d(four, { kernelSize: 2 });
  const [upstream, g] = gradients((v) => maxUnpool2d(v, indices), values);
  const most = 16;
  const blocks = [2, 2] as const;
  return draw([
    [
      forward('input', four, { most, blocks }),
      '->',
      forward('values', values, { most }),
      indexPanel('indices', indices, { most }),
      '->',
      forward('maxUnpool2d', maxUnpool2d(values, indices), { most, blocks }),
    ],
    [gradient('upstream', upstream, { most, blocks }), '->', gradient('gradient', g, { most })],
  ]);
}

function oddSizes(): Picture {
  const x = counting(3, 3);
  const [values, indices] = maxPool2d(x, { kernelSize: 2, padding: 'same' });
  const [upstream, g] = gradients((v) => maxUnpool2d(v, indices), values);
  const most = 9;
  return draw([
    [
      forward('input', x, { most }),
      '->',
      forward('values', values, { most }),
      indexPanel('indices', indices, { most }),
      '->',
      forward('maxUnpool2d', maxUnpool2d(values, indices), { most }),
      forward('as if 4 wide', unpooling(values, [1, 4, 4, 1], indices.dataSync(), { convention: 'torch' }), { most }),
    ],
    [gradient('upstream', upstream, { most }), '->', gradient('gradient', g, { most })],
  ]);
}

/** What the posted code does to a picture of odd width. */
function tilt(): Picture {
  const [height, width] = [41, 107];
  const word = new Picture(width, height, [0, 0, 0]).text(2, 10, 'unpool', { scale: 3, color: [255, 255, 255] });
  const x = tensor(
    Array.from({ length: height * width }, (_, i) => word.data[i * 3] / 255),
    { shape: [1, height, width, 1] },
  );
  const [values, indices] = maxPool2d(x, { kernelSize: 2, padding: 'same' });
  const [, h, w] = values.shape;
  const shown: [string, Tensor][] = [
    [`input, ${height} x ${width}`, x],
    [`unpooled to ${height} x ${width}`, maxUnpool2d(values, indices)],
    [
      `to ${h * 2} x ${w * 2}, as posted`,
      unpooling(values, [1, h * 2, w * 2, 1], indices.dataSync(), { convention: 'torch' }),
    ],
  ];
  const wide = shown.map(([title, t]) => Math.max(2 * t.shape[2], Picture.textWidth(title, scale)) + gap);
  const picture = new Picture(
    wide.reduce((sum, w) => sum + w, gap),
    2 * (height + 1) + 2 * gap + letter + 8,
  );
  let left = gap;
  for (const [i, [title, t]] of shown.entries()) {
    picture.text(left, gap, title, { scale, color: ink });
    picture.image(left, gap + letter + 8, { data: t.dataSync(), height: t.shape[1], width: t.shape[2] }, 2);
    left += wide[i];
  }
  return picture;
}

function conventions(): Picture {
  const x = tensor(
    [
      5, 0, 3, 6, 1, 1, 4, 2, 2, 7, 0, 3, 9, 5, 1, 8, 6, 4, 3, 1, 0, 9, 2, 2, 7, 8, 5, 0, 4, 3, 8, 6, 1, 2, 0, 7, 3, 1,
      6, 5, 2, 9, 4, 4, 9, 0, 1, 8,
    ],
    { shape: [2, 3, 4, 2] },
  );
  const pool = { kernelSize: 2, padding: 'same' } as const;
  const [values, indices] = maxPool2d(x, pool);
  const inSecond = (as: IndexConvention): Panel => ({
    title: as,
    rows: plane(indices.to(as), 1, 1),
    hue: green,
    most: 47,
    places: true,
  });
  return draw([
    [
      { title: 'input, n 1, c 1', rows: plane(x, 1, 1), hue: blue, blocks: [2, 2] },
      '->',
      { title: 'values', rows: plane(values, 1, 1), hue: blue, most: 9 },
      inSecond('torch'),
      inSecond('window'),
    ],
    [inSecond('tf'), inSecond('tf-batch'), inSecond('onnx')],
  ]);
}

/** A batch's indices count in each image; the posted function adds all images up in the first. */
function batch(): Picture {
  const x = tensor([1, 5, 2, 3, 9, 4, 8, 7], { shape: [2, 2, 2, 1] });
  const [values, indices] = maxPool2d(x, { kernelSize: 2 });
  const right = unpooling(values, x.shape, indices.to('tf'));
  const raw = indices.to('tf').dataSync();
  const posted = scatterNd(tensor(raw, { shape: [raw.length, 1], dtype: 'int32' }), values.reshape([raw.length]), [
    x.size,
  ]).reshape(x.shape);
  const both = (title: string, t: Tensor | PoolIndices, hue: Color): Panel => {
    const rows = [...plane(t, 0), ...plane(t, 1)];
    return { title, rows, hue, most: 9, blocks: [t.shape[1], t.shape[2]], places: hue === green };
  };
  return draw([
    [
      both('2 images', x, blue),
      '->',
      both('values', values, blue),
      both('tf', indices.to('tf'), green),
      '->',
      both('unpooling', right, blue),
      both('read as tf-batch', posted, blue),
    ],
  ]);
}

const overlapping = image([
  [1, 2, 3],
  [4, 5, 6],
  [7, 9, 8],
]);

function overlap(): Picture {
  const pool = { kernelSize: 2, stride: 1 };
  const [values, indices, mask] = maxPool2dWithArgmaxAndMask(overlapping, pool);
  const most = 18;
  const by = (duplicates: Duplicates): Panel =>
    forward(duplicates, maxUnpool2d(values, indices, { duplicates }), { most });
  return draw([
    [
      forward('input', overlapping, { most }),
      '->',
      forward('values', values, { most }),
      indexPanel('indices', indices, { most }),
      maskPanel('mask', mask, { most: 4 }),
    ],
    [by('add'), by('max'), by('mean')],
  ]);
}

function duplicates(): Picture {
  const values = image([
    [10, 20],
    [30, 40],
  ]);
  const indices = poolIndices([1, 6, 1, 5], { shape: [1, 2, 2, 1], convention: 'torch', inputShape: [1, 4, 4, 1] });
  const names = ['add', 'last', 'first', 'max', 'mean'] as const;
  const under = (duplicates: Duplicates) => (v: Tensor) => maxUnpool2d(v, indices, { duplicates });
  const [upstream] = gradients(under('add'), values);
  return draw([
    [
      forward('values', values, { most: 40 }),
      indexPanel('indices', indices, { most: 15 }),
      gradient('upstream', upstream),
    ],
    names.slice(0, 3).map((name) => forward(name, under(name)(values), { most: 40 })),
    names.slice(3).map((name) => forward(name, under(name)(values), { most: 40 })),
    names.map((name) => gradient(`d ${name}`, gradients(under(name), values)[1], { most: 16 })),
  ]);
}

function nanPolicies(): Picture {
  const x = image([
    [1, Number.NaN, 2],
    [3, 4, 5],
    [6, 7, 9],
  ]);
  const policies = ['propagate', 'tf', 'ignore'] as const;
  const pooled = policies.map((nan) => maxPool2d(x, { kernelSize: 2, stride: 1, nan }));
  return draw([
    [
      forward('input', x),
      '->',
      ...policies.flatMap((nan, i) => [
        forward(nan, pooled[i][0], { most: 9 }),
        indexPanel('indices', pooled[i][1], { most: 8 }),
      ]),
    ],
  ]);
}

function byMask(): Picture {
  const x = image([
    [2, 2, 1, 3],
    [1, 0, 4, 4],
    [5, 1, 0, 0],
    [1, 2, 0, 6],
  ]);
  const [values, argmax, mask] = maxPool2dWithArgmaxAndMask(x, { kernelSize: 2 });
  const ties = x.equal(upsample2d(values, { scale: 2 }));
  const [upstream, g] = gradients((v) => unpoolByMask(v, ties, { kernelSize: 2 }), values);
  const blocks = [2, 2] as const;
  const most = 6;
  return draw([
    [
      forward('input', x, { most, blocks }),
      '->',
      forward('values', values, { most }),
      maskPanel('mask', mask, { blocks, most: 2 }),
      forward('mask, argmax', unpoolByMask(values, mask, { argmax }), { most, blocks }),
    ],
    [
      maskPanel('all maxima', ties, { blocks, most: 2 }),
      forward('mask, kernelSize', unpoolByMask(values, ties, { kernelSize: 2 }), { most, blocks }),
      gradient('upstream', upstream, { blocks, most: 16 }),
      '->',
      gradient('gradient', g, { most: 31 }),
    ],
  ]);
}

const two = image([
  [1, 2],
  [3, 4],
]);

function fixed(): Picture {
  const matrix = tensor([0.5, 0.25, 0.125, 0], { shape: [2, 2], requiresGrad: true });
  const [upstream, g] = gradients((x) => fixedUnpool2d(x, { matrix }), two);
  const [dm] = grad(fixedUnpool2d(two, { matrix }), [matrix], { gradOutput: upstream });
  const asImage = (m: Tensor) => m.detach().reshape([1, 2, 2, 1]);
  const blocks = [2, 2] as const;
  return draw(
    [
      [
        forward('input', two, { most: 4 }),
        maskPanel('matrix', asImage(matrix)),
        '->',
        forward('fixedUnpool2d', fixedUnpool2d(two, { matrix: matrix.detach() }), { most: 4, blocks }),
      ],
      [gradient('upstream', upstream, { blocks }), '->', gradient('d input', g), gradient('d matrix', asImage(dm))],
    ],
    3,
  );
}

function upsample(): Picture {
  const copy = (x: Tensor) => upsample2d(x, { scale: 2 });
  const zeros = (x: Tensor) => upsample2d(x, { scale: 2, fill: 'zeros' });
  const blocks = [2, 2] as const;
  const [upstream, dCopy] = gradients(copy, two);
  const [, dZeros] = gradients(zeros, two);
  return draw([
    [forward('input', two), '->', forward('copy', copy(two), { blocks }), forward('zeros', zeros(two), { blocks })],
    [
      gradient('upstream', upstream, { blocks }),
      '->',
      gradient('d copy', dCopy),
      gradient('d zeros', dZeros, { most: 16 }),
    ],
  ]);
}

const corners = {
  'half-pixel': {},
  alignCorners: { alignCorners: true },
  legacy: { alignCorners: false, halfPixelCenters: false },
} as const;

function bilinear(): Picture {
  const by = (rule: object) => (x: Tensor) => resize2d(x, { size: [4, 4], method: 'bilinear', ...rule });
  const rules = Object.entries(corners);
  const [upstream] = gradients(by({}), two);
  return draw([
    [
      forward('input', two, { most: 4 }),
      '->',
      ...rules.slice(0, 1).map(([name, rule]) => forward(name, by(rule)(two), { most: 4 })),
    ],
    rules.slice(1).map(([name, rule]) => forward(name, by(rule)(two), { most: 4 })),
    [
      gradient('upstream', upstream),
      '->',
      ...rules.slice(0, 1).map(([name, rule]) => gradient(`d ${name}`, gradients(by(rule), two)[1], { most: 75 })),
    ],
    rules.slice(1).map(([name, rule]) => gradient(`d ${name}`, gradients(by(rule), two)[1], { most: 75 })),
  ]);
}

function nearest(): Picture {
  const x = image([[1, 2, 3]]);
  const by = (rule: object) => (t: Tensor) => resize2d(t, { size: [1, 5], method: 'nearest', ...rule });
  const [upstream] = gradients(by({}), x);
  return draw([
    [forward('input', x), gradient('upstream', upstream)],
    ...Object.entries(corners).map(([name, rule]) => [
      forward(name, by(rule)(x)),
      '->',
      gradient(`d ${name}`, gradients(by(rule), x)[1], { most: 9 }),
    ]),
  ]);
}

function shuffle(): Picture {
  const x = tensor([1, 2, 3, 4, 5, 6, 7, 8], { shape: [1, 1, 1, 8] });
  const both = (order: 'torch' | 'tf'): Panel[] => {
    const y = pixelShuffle(x, 2, { order });
    return [0, 1].map((c) => ({ title: `${order}, c ${c}`, rows: plane(y, 0, c), hue: blue, most: 8 }));
  };
  return draw([
    [{ title: 'one pixel, 8 channels', rows: [[...x.dataSync()]], hue: blue, most: 8 }],
    [...both('torch'), ...both('tf')],
  ]);
}

function transposed(): Picture {
  const weight = counting(3, 3).reshape([3, 3, 1, 1]);
  const f = (x: Tensor) => conv2dTranspose(x, weight, { stride: 2, padding: 'valid' });
  const [upstream, g] = gradients(f, two);
  return draw([
    [
      forward('input', two, { most: 55 }),
      { title: 'weight', rows: plane(weight.reshape([1, 3, 3, 1])), hue: green },
      '->',
      forward('conv2dTranspose', f(two), { most: 55 }),
    ],
    [gradient('upstream', upstream), '->', gradient('gradient', g)],
  ]);
}

function checkerboard(): Picture {
  const flat = ones([1, 3, 3, 1]);
  const by = (k: number, x: Tensor, stride: number) =>
    conv2dTranspose(x, ones([k, k, 1, 1]), { stride, padding: 'same' });
  return draw([
    [
      forward('kernel 3, stride 2', by(3, flat, 2), { most: 4 }),
      forward('kernel 4, stride 2', by(4, flat, 2), { most: 4 }),
      forward('upsampled, 3', by(3, upsample2d(flat, { scale: 2 }), 1), { most: 9 }),
    ],
  ]);
}

function scatter(): Picture {
  const line = (title: string, t: Tensor, hue: Color, most: number): Panel => ({
    title,
    rows: [[...t.dataSync()]],
    hue,
    most,
  });
  const indices = tensor([4, 3, 1, 1], { shape: [4, 1], dtype: 'int32' });
  const updates = tensor([9, 10, 11, 12], { requiresGrad: true });
  const y = scatterNd(indices, updates, [8]);
  const upstream = tensor([1, 2, 3, 4, 5, 6, 7, 8]);
  const [g] = grad(y, [updates], { gradOutput: upstream });
  return draw([
    [line('indices', indices, green, 8), line('updates', updates, blue, 23)],
    [line('scatterNd', y, blue, 23), '->', line('gatherNd', gatherNd(y.detach(), indices), blue, 23)],
    [line('upstream', upstream, orange, 8), '->', line('d updates', g, orange, 8)],
  ]);
}

/** By file name, without .png. */
export const pictures: Readonly<Record<string, () => Picture>> = {
  'max-unpool': maxUnpooling,
  'odd-sizes': oddSizes,
  tilt,
  conventions,
  batch,
  overlap,
  duplicates,
  nan: nanPolicies,
  mask: byMask,
  fixed,
  upsample,
  bilinear,
  nearest,
  'pixel-shuffle': shuffle,
  'conv-transpose': transposed,
  checkerboard,
  scatter,
};

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const folder = fileURLToPath(new URL('../docs/images/unpooling/', import.meta.url));
  mkdirSync(folder, { recursive: true });
  for (const [name, make] of Object.entries(pictures)) {
    const bytes = make().toPng();
    writeFileSync(`${folder}${name}.png`, bytes);
    console.log(`docs/images/unpooling/${name}.png, ${bytes.length} bytes`);
  }
}
