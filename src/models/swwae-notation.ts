/** The notation of layers of stacked what-where autoencoders. Not here: the network (swwae.ts). */
import { checkText } from '../arguments.js';
import { ValueError } from '../errors.js';

/** The layers of the notation: a convolution has channels, a pool has none. */
export function parseLayers(layers: string): { channels: number | undefined; size: number }[] {
  checkText('Swwae', 'layers', layers);
  return layers.split('-').map((text) => {
    const [, channels, kernel, window] = /^(?:\(([1-9]\d*)\)([1-9]\d*)c|([1-9]\d*)p)$/.exec(text) ?? [];
    const size = Number(kernel ?? window);
    if (!(size < 2 ** 16) || (kernel !== undefined && size % 2 === 0))
      throw new ValueError(
        'Swwae',
        'layers must be convolutions of odd sizes, and pools, joined by -',
        `'${text}'`,
        "as in '(16)5c-(32)3c-2p'",
      );
    return { channels: channels === undefined ? undefined : Number(channels), size };
  });
}
