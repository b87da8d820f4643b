/**
 * PyTorch's operator database as a judge: its sample inputs, with values and gradients, on the
 * reference device in float64 and float32 and on wasm. Not here: the functions and their calls
 * (torch-ops.ts), calls that are not claimed (torch-rules.ts).
 */
import { CedarError, type Device, type Tensor } from '../../src/index.js';
import { Arguments, Calls, type WrittenCall } from './calls.js';
import { difference, type Tolerance } from './compare.js';
import { runPython } from './python.js';
import { Report } from './report.js';
import { type TorchOp, torchOps } from './torch-ops.js';
import { notClaimed, reasons } from './torch-rules.js';

/** Runs a call on a device. Gives what is wrong, or null. */
async function judge(calls: Calls, call: WrittenCall, op: TorchOp, device: Device): Promise<string | null> {
  const { args, kwargs, leaves } = calls.open(call, device);
  const outputs = [op.call(new Arguments(op.parameters, args, kwargs))].flat() as Tensor[];
  if (call.error !== undefined) return 'was taken, and PyTorch refuses it';
  const tolerance: Tolerance = { relative: call.dtype === 'float64' ? 1e-9 : 2e-5, ofLargest: op.accumulates };
  if (outputs.length !== call.outputs.length) return `${outputs.length} outputs, expected ${call.outputs.length}`;
  for (const [i, output] of outputs.entries()) {
    const want = call.outputs[i];
    if (output.dtype !== want.dtype) return `output ${i} is ${output.dtype}, expected ${want.dtype}`;
    const found = { shape: output.shape, data: await output.data() };
    const wrong = difference(`output ${i}`, found, { shape: want.shape, data: calls.array(want) }, tolerance);
    if (wrong !== null) return wrong;
  }
  if (call.grads === null) return null;
  for (const [i, output] of outputs.entries()) {
    const seed = call.seeds[i];
    if (seed !== null) output.backward(calls.tensor(seed, device));
  }
  for (const [i, leaf] of leaves.entries()) {
    const want = calls.array(call.grads[i]);
    const data = leaf.grad === null ? new Float32Array(leaf.size) : await leaf.grad.data();
    const wrong = difference(
      `gradient ${i}`,
      { shape: leaf.shape, data },
      { shape: leaf.shape, data: want },
      tolerance,
    );
    if (wrong !== null) return wrong;
  }
  return null;
}

/** The same, where an exception is a result, too. */
async function verdict(calls: Calls, call: WrittenCall, op: TorchOp, device: Device): Promise<string | null> {
  try {
    return await judge(calls, call, op, device);
  } catch (error) {
    if (call.error !== undefined && error instanceof CedarError) return null;
    return `${error}`;
  }
}

/** A call in one line. */
function describe(call: WrittenCall, number: number): string {
  const brief = (_: string, v: unknown): unknown => {
    const tagged = v as { $?: string; shape?: number[]; value?: unknown } | null;
    return tagged?.$ === 'tensor' ? `[${tagged.shape}]` : tagged?.$ === undefined ? v : tagged.value;
  };
  return `#${number} ${call.dtype} ${call.source} ${JSON.stringify(call.args, brief)} ${JSON.stringify(call.kwargs, brief)}`;
}

export async function judgeTorch(reference: Device, wasm: Device): Promise<Report> {
  const report = new Report("PyTorch's operator database");
  const known = new Map<string, TorchOp[]>();
  for (const op of torchOps) known.set(op.torch, [...(known.get(op.torch) ?? []), op]);
  const folder = runPython('samples.py', { ops: [...known.keys()] });
  const calls = new Calls<WrittenCall>(folder);
  for (const [number, call] of calls.lines.entries()) {
    if (call.source === 'unwritable' || call.source === 'refused') {
      report.notClaimed(call.op, reasons[call.source], call.count);
      continue;
    }
    const { args, kwargs } = calls.open(call, reference);
    for (const op of known.get(call.op) ?? []) {
      const opened = new Arguments(op.parameters, args, kwargs);
      if (op.judges?.(opened) === false) continue;
      const rule = notClaimed(call, opened);
      if (rule !== undefined) {
        report.notClaimed(call.op, rule.reason);
        if (!rule.gradientOnly) continue;
      }
      const claimed = rule === undefined ? call : { ...call, grads: null };
      const float64 = call.dtype === 'float64' || call.outputs?.some((t) => t.dtype === 'float64');
      const devices = float64 ? [reference] : [reference, wasm];
      let wrong: string | null = null;
      for (const device of devices) {
        const said = await verdict(calls, claimed, op, device);
        if (said !== null) wrong = `${wrong === null ? '' : `${wrong}; `}${device.name}: ${said}`;
      }
      if (wrong === null) report.passed(call.op);
      else report.failed(call.op, `${op.ours} ${describe(call, number)}: ${wrong}`);
    }
  }
  return report;
}
