/**
 * How much of a buffer is not zero, as far as the kernels that made it tell. The estimate only lets
 * a convolution choose an algorithm. It depends on the calls, never on values, so a repeated step
 * makes the same choices.
 */
import type { HostData } from '../../values/host-data.js';
import { Mask } from '../../values/random.js';
import type { KernelAttrs, KernelName } from '../device.js';
import type { WasmOperand } from './commands.js';

/** Up to this density a convolution over lists of what is not zero beats the direct algorithms. */
export const thin = 1 / 3;
/** The same for Winograd's algorithm, which needs a quarter of the products. */
export const thinForWinograd = 0.2;

/** relu passes about half of what it gets. What is mostly zeros already was chosen by a maximum. */
const afterRelu = (density: number): number => (density > thin ? density / 2 : density);

/** The density of data from the host. */
export const uploadedDensity = (data: HostData): number => (data instanceof Mask ? 1 - data.rate : 1);

/** The density of the first output of a kernel. */
export function densityOf(kernel: KernelName, inputs: readonly WasmOperand[], attrs: unknown, size: number): number {
  const of = (i: number): number => inputs[i].buffer.density;
  switch (kernel) {
    case 'maxUnpool2d':
      return (of(0) * inputs[0].buffer.size) / Math.max(size, 1);
    case 'gate': {
      const { slope } = attrs as KernelAttrs['gate'];
      return slope === 0 ? afterRelu(of(0)) : of(0);
    }
    case 'unary':
      return (attrs as KernelAttrs['unary']).fn === 'relu' ? afterRelu(of(0)) : 1;
    case 'binary':
      return (attrs as KernelAttrs['binary']).fn === 'mul' ? of(0) * of(1) : 1;
    default:
      return 1;
  }
}
