/** Dispatch of the normalisation kernels. */
import { Opcode } from '../protocol/command';
import { applyColumns, applyRows, coefficients } from './norm-apply';
import { applyGrad, joinGrad, parameterGrads, rowGrad, rowParameterGrads } from './norm-grad';
import { columnSums, joinMoments, rowMoments } from './norm-moments';

export function dispatchNorm(opcode: i32, p: usize, thread: i32): void {
  switch (opcode) {
    case Opcode.columnSums:
      return columnSums(p, thread);
    case Opcode.joinMoments:
      return joinMoments(p);
    case Opcode.rowMoments:
      return rowMoments(p);
    case Opcode.coefficients:
      return coefficients(p);
    case Opcode.applyColumns:
      return applyColumns(p);
    case Opcode.applyRows:
      return applyRows(p);
    case Opcode.joinGrad:
      return joinGrad(p);
    case Opcode.parameterGrads:
      return parameterGrads(p);
    case Opcode.applyGrad:
      return applyGrad(p);
    case Opcode.rowGrad:
      return rowGrad(p);
    case Opcode.rowParameterGrads:
      return rowParameterGrads(p);
    default:
      unreachable();
  }
}
