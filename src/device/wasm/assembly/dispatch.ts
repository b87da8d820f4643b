/** From a command's opcode to its kernel. */
import { Opcode } from '../opcodes';
import { convolve, pack, sumPartials, weightGrad } from './conv';
import { copy, fill } from './simple';

export function dispatch(opcode: i32, p: usize, thread: i32): void {
  switch (opcode) {
    case Opcode.pack:
      return pack(p);
    case Opcode.convolve:
      return convolve(p);
    case Opcode.weightGrad:
      return weightGrad(p);
    case Opcode.sumPartials:
      return sumPartials(p);
    case Opcode.copy:
      return copy(p);
    case Opcode.fill:
      return fill(p);
    default:
      unreachable();
  }
}
