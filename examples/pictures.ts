/** The examples' pictures: rows of images with captions, and below them a loss curve. */
import type { Tensor } from 'cedargrad';
import { Picture, writeFileAtomic } from 'cedargrad/io';

/** A row of a picture: images side by side, and a caption to their left. */
export interface Row {
  /** Its lines are separated by line breaks. */
  readonly caption: string;
  /** @shape [N,H,W,1] or [N,H,W,3] @units 0 (black) … 1 (white) */
  readonly images: Tensor;
}

const margin = 10;
const gap = 6;
const lineHeight = 12;
const chartHeight = 225;

/**
 * The bytes of a PNG file with rows of images. Each of their pixels becomes `scale` by `scale`
 * pixels. With `losses`, a chart shows the loss after each step.
 */
export async function drawRows(
  title: string,
  rows: readonly Row[],
  scale = 1,
  losses?: readonly number[],
): Promise<Uint8Array> {
  const captions = rows.map(({ caption }) => caption.split('\n'));
  const captionWidth = Math.max(...captions.flat().map((line) => Picture.textWidth(line)));
  const left = margin + (captionWidth > 0 ? captionWidth + margin : 0);
  const widths = rows.map(({ images }) => images.shape[0] * (images.shape[2] * scale + gap) - gap);
  const heights = rows.map(({ images }) => images.shape[1] * scale + gap);
  const chartTop = 28 + heights.reduce((sum, height) => sum + height, 0);
  const width = Math.max(left + Math.max(...widths), margin + Picture.textWidth(title)) + margin;
  const height = chartTop - gap + margin + (losses === undefined ? 0 : margin + chartHeight);

  const picture = new Picture(width, height).text(margin, margin, title);
  let top = 28;
  for (const [r, { images }] of rows.entries()) {
    const [count, height, width, channels] = images.shape;
    const middle = top + (height * scale) / 2;
    for (const [l, line] of captions[r].entries())
      picture.text(margin, Math.round(middle + (l - captions[r].length / 2) * lineHeight), line);
    const data = await images.data();
    for (let i = 0; i < count; i++) {
      const image = { data, offset: i * height * width * channels, height, width, channels: channels as 1 | 3 };
      picture.image(left + i * (width * scale + gap), top, image, scale);
    }
    top += heights[r];
  }
  if (losses !== undefined)
    picture.lineChart(margin, chartTop + margin, width - 2 * margin, chartHeight, [{ values: [...losses] }], {
      title: 'loss after each step',
      xLabel: 'step',
      yLabel: 'loss',
      log: true,
    });
  return picture.toPng();
}

/** Writes a PNG file with rows of images. See drawRows. */
export async function saveRows(path: string, title: string, rows: readonly Row[], scale = 1): Promise<void> {
  await writeFileAtomic(path, await drawRows(title, rows, scale));
  process.stdout.write(`wrote ${path}\n`);
}
