/** The letters of captions and charts: 95 of 5 × 7 dots. Not here: drawing them (canvas.ts). */

const firstCode = 32;
const glyphCount = 95;
const glyphColumns = 5;
const glyphRows = 7;

/** The distance from one letter to the next. @units dots */
export const advance = glyphColumns + 1;

/**
 * Characters 32 … 126, nine in a line. Each has five columns of two hexadecimal digits, and the
 * lowest bit of a column is its top row.
 */
const font =
  '000000000000005f00000007000700147f147f14242a7f2a12231308646236495620500005030000001c224100' +
  '0041221c0014083e081408083e080800503000000808080808006060000020100804023e5149453e00427f4000' +
  '42615149462141454b311814127f1027454545393c4a49493001710905033649494936064949291e0036360000' +
  '00563600000814224100141414141400412214080201510906324979413e7e1111117e7f494949363e41414122' +
  '7f4141221c7f494949417f090909013e4149497a7f0808087f00417f41002040413f017f081422417f40404040' +
  '7f020c027f7f0408107f3e4141413e7f090909063e4151215e7f09192946464949493101017f01013f4040403f' +
  '1f2040201f3f4038403f631408146307087008076151494543007f41410002040810200041417f000402010204' +
  '4040404040000102040020545454787f484444383844444420384444487f3854545418087e0901020c5252523e' +
  '7f0804047800447d40002040443d007f1028440000417f40007c041804787c0804047838444444387c14141408' +
  '081414187c7c080404084854545420043f4440203c4040207c1c2040201c3c4030403c44281028440c5050503c' +
  '4464544c44000836410000007f000000413608000804081008';

/** The dots of a character as [column, row]. Characters beyond printable ASCII are drawn as `?`. */
export function dotsOf(character: string): (readonly [column: number, row: number])[] {
  const code = character.charCodeAt(0) - firstCode;
  const glyph = code >= 0 && code < glyphCount ? code : '?'.charCodeAt(0) - firstCode;
  const dots: (readonly [number, number])[] = [];
  for (let column = 0; column < glyphColumns; column++) {
    const at = (glyph * glyphColumns + column) * 2;
    const bits = Number.parseInt(font.slice(at, at + 2), 16);
    for (let row = 0; row < glyphRows; row++) if ((bits >> row) & 1) dots.push([column, row]);
  }
  return dots;
}
