/** A picture of the user's, and what the network makes of it. */

import { FileField } from './file-field.js';
import type { Part } from './page.js';
import { Figures } from './pixels.js';

export function OwnImage({ state: { image, imagePending }, actions }: Part) {
  return (
    <section aria-labelledby="image-title" class="card wide">
      <h2 id="image-title">A picture of yours</h2>
      <FileField
        id="image-file"
        label="Choose a picture, or drop one here"
        accept="image/*"
        take={(file) => actions.image(file, file.name)}
      />
      <p class="help">The picture stays in this browser. Nothing is sent anywhere.</p>
      {imagePending && <p class="fact">The network looks at the picture…</p>}
      {image !== null && (
        <>
          <Figures rows={image.rows} />
          <p class="help">
            {image.name}. {image.note}
          </p>
        </>
      )}
    </section>
  );
}
