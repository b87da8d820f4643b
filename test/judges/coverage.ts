/** Whether every exported op has an outside judge, or a reason why none knows it. */
import { opTable } from '../helpers/op-table.js';
import { Report } from './report.js';
import { tensorflowFamilies } from './tensorflow-ops.js';
import { torchOps } from './torch-ops.js';

/** Ops that no judge has. Their own tests hold numbers from elsewhere. */
const unknown: Readonly<Record<string, string>> = {
  detach: 'changes no value, and cuts the graph, which samples of one call do not show',
  fixedUnpool2d: "tensorpack's",
  unPooling2x2ZeroFilled: "tensorpack's",
  unpoolByMask: 'of a custom operation',
  unpooling: 'of a posted function',
  maxPool2dWithArgmaxAndMask: 'of a custom operation',
  dice: "MONAI's; its numbers come from the definition",
  klNormal: 'of a paper; its numbers are those of torch.distributions',
  einsum: "in the database an operation of matrices under another name; its numbers are torch.einsum's",
  dropout2d: 'random; its numbers are those of masks by numpy',
  embedding: "its numbers are torch.nn.functional.embedding's",
  meshgrid: "its numbers are torch.meshgrid's",
  oneHot: "its numbers are torch.nn.functional.one_hot's",
  repeatInterleave: "its numbers are torch.repeat_interleave's",
  scatter: "its numbers are torch.scatter's, without repeated indices, whose result is arbitrary there",
  sigmoidFocal: "torchvision's; its numbers come from a copy of its source",
};

/** The op table has a row for every exported op; a test sees to that. */
export function judgeCoverage(): Report {
  const report = new Report('Ops that a judge knows');
  const known = new Set([
    ...torchOps.flatMap((op) => op.ours),
    ...tensorflowFamilies.map(({ name }) => name.split(/[ ,]/)[0]),
  ]);
  for (const op of new Set(opTable.map((row) => row.op)))
    if (known.has(op)) report.passed('ops');
    else if (unknown[op] !== undefined) report.notClaimed(op, unknown[op]);
    else report.failed(op, 'has no judge: add it to torch-ops.ts or tensorflow-ops.ts, or say in coverage.ts why not');
  return report;
}
