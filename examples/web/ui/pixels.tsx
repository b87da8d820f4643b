/** Pictures of numbers, shown with hard pixels. Not here: marks on them (unpool-view.tsx). */
import { useLayoutEffect, useRef } from 'preact/hooks';
import type { Picture, Row } from '../protocol.js';

/** One picture. Without a label, what stands around it says what it shows. */
export function Pixels({ picture, label }: { readonly picture: Picture; readonly label?: string }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const { width, height, pixels } = picture;
  useLayoutEffect(() => {
    // This option keeps the few pixels in the processor's memory, which is cheaper than a texture.
    const context = canvas.current!.getContext('2d', { willReadFrequently: true })!;
    context.putImageData(new ImageData(pixels, width, height), 0, 0);
  }, [pixels, width, height]);
  const meaning = label === undefined ? { 'aria-hidden': true } : { role: 'img' as const, 'aria-label': label };
  return <canvas ref={canvas} class="pixels" width={width} height={height} {...meaning} />;
}

/** Rows of pictures. The pictures of all rows stand in the same columns. */
export function Rows({ rows }: { readonly rows: readonly Row[] }) {
  const columns = Math.max(...rows.map(({ pictures }) => pictures.length));
  return (
    <div class="rows" style={{ '--columns': columns }}>
      {rows.map(({ title, pictures }) => (
        <figure key={title}>
          <figcaption>{title}</figcaption>
          <div class="strip" role="img" aria-label={`${title}: ${pictures.length} pictures`}>
            {pictures.map((picture, i) => (
              <Pixels key={i} picture={picture} />
            ))}
          </div>
        </figure>
      ))}
    </div>
  );
}

/** Rows of few pictures, each as large as there is room. */
export function Figures({ rows }: { readonly rows: readonly Row[] }) {
  return (
    <div class="figures">
      {rows.map(({ title, pictures }) =>
        pictures.map((picture, i) => {
          const label = pictures.length > 1 ? `${title} ${i + 1}` : title;
          return (
            <figure key={label}>
              <Pixels picture={picture} label={label} />
              <figcaption>{label}</figcaption>
            </figure>
          );
        }),
      )}
    </div>
  );
}
