/** Calls the kernel of a command. An opcode divided by 16 is the number of its family. */
import { Opcode } from '../protocol/command';
import { dispatchConv } from './conv';
import { dispatchDepthwise } from './depthwise';
import { dispatchElementwise } from './elementwise';
import { dispatchFewPixels } from './few-pixels';
import { dispatchMovement } from './movement';
import { dispatchNorm } from './norm';
import { dispatchPool } from './pool';
import { dispatchReduce } from './reduce';
import { dispatchSimple } from './simple';
import { dispatchSparse } from './sparse';
import { bceWithLogits, bceWithLogitsGrad } from './loss';
import { adam } from './adam';
import { dispatchWinograd } from './winograd';

/** Losses and optimizers, which share a family number. */
function dispatchTraining(opcode: i32, p: usize): void {
  if (opcode == Opcode.bceWithLogits) bceWithLogits(p);
  else if (opcode == Opcode.bceWithLogitsGrad) bceWithLogitsGrad(p);
  else if (opcode == Opcode.adam) adam(p);
  else unreachable();
}

export function dispatch(opcode: i32, p: usize, thread: i32): void {
  switch (opcode >> 4) {
    case 0:
      return dispatchConv(opcode, p);
    case 1:
      return dispatchSimple(opcode, p);
    case 2:
      return dispatchElementwise(opcode, p, thread);
    case 3:
      return dispatchReduce(opcode, p);
    case 4:
      return dispatchMovement(opcode, p);
    case 5:
      return dispatchPool(opcode, p);
    case 6:
      return dispatchTraining(opcode, p);
    case 7:
      return dispatchSparse(opcode, p, thread);
    case 8:
      return dispatchWinograd(opcode, p, thread);
    case 9:
      return dispatchDepthwise(opcode, p);
    case 10:
      return dispatchNorm(opcode, p, thread);
    case 11:
      return dispatchFewPixels(opcode, p, thread);
    default:
      unreachable();
  }
}
