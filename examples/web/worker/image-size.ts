/**
 * The size of a picture by the first bytes of its file, so that a picture that is too large is
 * refused before it takes memory. PNG, JPEG, GIF and WebP are known. Not here: decoding
 * (images.ts).
 */

type Size = readonly [width: number, height: number];

/** The size in the first frame header of a JPEG file. */
function jpegSize(view: DataView): Size | null {
  let at = 2;
  while (at + 9 < view.byteLength && view.getUint8(at) === 0xff) {
    const marker = view.getUint8(at + 1);
    // C4, C8 and CC begin tables, and the others of C0 to CF a frame.
    if (marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker))
      return [view.getUint16(at + 7), view.getUint16(at + 5)];
    // Bytes FF may fill up before a marker.
    at += marker === 0xff ? 1 : 2 + view.getUint16(at + 2);
  }
  return null;
}

/** The size in a WebP file, whose first chunk is one of three. */
function webpSize(view: DataView, chunk: string): Size | null {
  const three = (at: number): number => view.getUint16(at, true) + 65536 * view.getUint8(at + 2);
  if (chunk === 'VP8X') return [1 + three(24), 1 + three(27)];
  if (chunk === 'VP8 ') return [view.getUint16(26, true) % 16384, view.getUint16(28, true) % 16384];
  if (chunk !== 'VP8L') return null;
  const bits = view.getUint32(21, true);
  return [1 + (bits % 16384), 1 + ((bits >>> 14) % 16384)];
}

/**
 * The size that a file says, or null if it is not known. `start` is the beginning of the file. For
 * JPEG it must reach to the frame header, which may come after a preview and a color profile.
 */
export function sizeInHeader(start: Uint8Array): Size | null {
  if (start.length < 30) return null;
  const view = new DataView(start.buffer, start.byteOffset, start.byteLength);
  const text = (from: number, to: number): string => String.fromCharCode(...start.subarray(from, to));
  if (text(1, 4) === 'PNG') return [view.getUint32(16), view.getUint32(20)];
  if (view.getUint16(0) === 0xffd8) return jpegSize(view);
  if (text(0, 4) === 'GIF8') return [view.getUint16(6, true), view.getUint16(8, true)];
  return text(0, 4) === 'RIFF' && text(8, 12) === 'WEBP' ? webpSize(view, text(12, 16)) : null;
}
