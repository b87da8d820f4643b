/**
 * The part of the page's script that reads images as a page gets them: from files that a user has
 * picked, and from addresses. data.mjs calls it from outside and says what must come out.
 */

const bytesOf = (base64) => Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));

/** A file of a folder that a user has picked. A page cannot give a file its path in another way. */
const inFolder = (path, parts) =>
  Object.defineProperty(new File(parts, path.split('/').at(-1)), 'webkitRelativePath', { value: path });

/** A picture of one color in a format that only browsers decode. */
async function webp(color) {
  const canvas = new OffscreenCanvas(13, 10);
  const pen = canvas.getContext('2d');
  pen.fillStyle = color;
  pen.fillRect(0, 0, 13, 10);
  return canvas.convertToBlob({ type: 'image/webp', quality: 1 });
}

/** The files of an element in which a user picks files. */
function picked(files) {
  const input = Object.assign(document.createElement('input'), { type: 'file', multiple: true });
  const transfer = new DataTransfer();
  for (const file of files) transfer.items.add(file);
  input.files = transfer.files;
  return input.files;
}

/** `jpegs` have a name, the file and its pixels, both in base64. `address` is that of a JPEG. */
export async function readImages(api, { jpegs, address }) {
  const png = api.encodePng({ width: 13, height: 10, channels: 3, data: new Uint8Array(390).fill(51) });
  const [first] = jpegs;
  const files = [
    inFolder('top/a/1.jpg', [bytesOf(first.file)]),
    inFolder('top/b/2.png', [png]),
    inFolder('top/b/3.webp', [await webp('rgb(102, 51, 0)')]),
    inFolder('top/b/.DS_Store', ['x']),
  ];
  const folder = await api.imageFolder(files, { classes: true });
  const cropped = api.mapDataset(folder, api.transforms.forImage(api.transforms.randomCrop(8)));
  const batches = [];
  for await (const [images, labels] of new api.DataLoader(cropped, { batchSize: 3, seed: 1, shuffle: true }))
    batches.push({ shape: images.shape, labels: [...(await labels.data())].sort() });
  const [drawn] = await folder.item(2);
  const differences = {};
  for (const { name, file, pixels, shape } of jpegs) {
    const image = await api.readImage(new File([bytesOf(file)], `${name}.jpg`));
    const wanted = bytesOf(pixels);
    differences[name] =
      String(image.shape) === String(shape)
        ? Math.max(...image.data.map((v, i) => Math.abs(v * 255 - wanted[i])))
        : `shape ${image.shape}`;
  }
  const remote = await api.imageFolder([address, new URL(`./${address}`, location.href)]);
  const refusal = async (use) => {
    try {
      await use();
      return 'accepted';
    } catch (error) {
      return String(error);
    }
  };
  return {
    files: folder.files,
    classes: folder.classes,
    batches,
    drawn: [...drawn.data.slice(0, 3)].map((v) => Math.round(v * 255)),
    differences,
    remote: [(await remote.item(0)).shape, (await remote.item(1)).shape],
    picked: (await api.imageFolder(picked([files[1]]))).files,
    refusals: {
      path: await refusal(() => api.imageFolder('photos/')),
      workers: await refusal(() => new api.DataLoader(folder, { batchSize: 1, workers: 2 })),
      missing: await refusal(async () => (await api.imageFolder(['none.png'])).item(0)),
      cut: await refusal(() => api.readImage(new File([bytesOf(first.file).slice(0, 400)], 'cut.jpg'))),
      text: await refusal(() => api.readImage(new File(['hello'], 'text.png'))),
      photographs: await refusal(() => api.photographs()),
      none: await refusal(() => api.imageFolder([new File(['x'], 'a.txt')])),
    },
  };
}
