/**
 * The official cases of ONNX (Debian's libonnx-testdata): one file per operator and form, with
 * inputs and outputs. Every case of an operator that the importer claims must pass, or be listed
 * here with the reason. Not here: what an operator is in the library (src/io/onnx/operators).
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { ModelProtoSchema, type TensorProto, TensorProtoSchema } from 'onnx-buf';
import { type DType, noGrad, type Tensor, tensor } from '../../src/index.js';
import { importOnnx } from '../../src/io/index.js';
import { importers } from '../../src/io/onnx/operators/index.js';

const folder = '/usr/lib/python3/dist-packages/onnx/backend/test/data/node';
export const hasCases = (): boolean => existsSync(folder);

/** The problem of cases with other element types. It is a reason, too. */
const elementType = 'an element type that the library lacks';

/** Cases that are not passed, and why. The first pattern that matches a name counts. */
const reasons: readonly (readonly [names: RegExp, reason: string])[] = [
  [/_3d_default$|^test_(conv|convtranspose)_3d/, 'rank above 4'],
  [/identity_(sequence|opt)/, elementType],
  [/maxunpool_export_with_output_shape/, 'the case counts in another size than output_shape; ONNX Runtime does not'],
  [/resize_downsample_scales_.*_align_corners/, 'the case does not round a size; ONNX Runtime and PyTorch do'],
];

/** The numbers of a tensor of a case, or null for a dtype that the library lacks. */
function numbersOf(t: TensorProto): { data: number[]; shape: number[]; dtype: DType } | null {
  const raw = t.rawData;
  const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength);
  const many = <T>(size: number, take: (at: number) => T): T[] =>
    Array.from({ length: raw.length / size }, (_, i) => take(i * size));
  const shape = t.dims.map(Number);
  switch (t.dataType) {
    case 1:
      return {
        data: raw.length > 0 ? many(4, (at) => view.getFloat32(at, true)) : t.floatData,
        shape,
        dtype: 'float32',
      };
    case 6:
      return { data: raw.length > 0 ? many(4, (at) => view.getInt32(at, true)) : t.int32Data, shape, dtype: 'int32' };
    case 7:
      return {
        data: raw.length > 0 ? many(8, (at) => Number(view.getBigInt64(at, true))) : t.int64Data.map(Number),
        shape,
        dtype: 'int32',
      };
    case 11:
      return {
        data: raw.length > 0 ? many(8, (at) => view.getFloat64(at, true)) : t.doubleData,
        shape,
        dtype: 'float64',
      };
    case 9:
      return { data: raw.length > 0 ? many(1, (at) => view.getUint8(at)) : t.int32Data, shape, dtype: 'bool' };
    default:
      return null;
  }
}

export interface CaseResult {
  readonly name: string;
  /** The operators that the case has. */
  readonly operators: readonly string[];
  /** Why it did not pass, or null. */
  readonly problem: string | null;
  /** Why it need not pass. */
  readonly reason: string | undefined;
}

/** Inputs whose numbers choose sizes. A graph must have them as constants. */
function withConstants(bytes: Uint8Array, inputs: readonly TensorProto[]): { bytes: Uint8Array; left: TensorProto[] } {
  const model = fromBinary(ModelProtoSchema, bytes);
  const { graph } = model;
  if (graph === undefined) throw new Error('no graph');
  const fixed = new Set(
    graph.node.flatMap(({ opType, input }) =>
      input.filter((_, i) => Object.hasOwn(importers, opType) && importers[opType]?.fixed?.includes(i)),
    ),
  );
  const direct = new Set(fixed);
  // A single number may go through other nodes before it chooses a size.
  for (const { input, output } of [...graph.node].reverse())
    if (output.some((name) => fixed.has(name))) for (const name of input) fixed.add(name);
  const left: TensorProto[] = [];
  for (const [i, { name }] of [...graph.input].entries()) {
    const t = inputs[i];
    if (t === undefined) continue;
    if (direct.has(name) || (fixed.has(name) && t.dims.length === 0)) graph.initializer.push({ ...t, name });
    else left.push(t);
  }
  return { bytes: toBinary(ModelProtoSchema, model), left };
}

const read = (path: string): TensorProto => fromBinary(TensorProtoSchema, readFileSync(path));

/** Why a result is not what is wanted, or null. */
async function differenceOf(
  got: Tensor,
  wanted: NonNullable<ReturnType<typeof numbersOf>>,
  relative: number,
): Promise<string | null> {
  if (got.shape.join() !== wanted.shape.join()) return `shape [${got.shape}] in place of [${wanted.shape}]`;
  const data = await got.data();
  for (let i = 0; i < data.length; i++) {
    const [a, b] = [data[i] as number, wanted.data[i] as number];
    const isSame = Object.is(a, b) || a === b || Math.abs(a - b) <= 1e-6 + relative * Math.abs(b);
    if (!isSame) return `element ${i} is ${a} in place of ${b}`;
  }
  return null;
}

async function judge(name: string, bytes: Uint8Array): Promise<string | null> {
  const set = join(folder, name, 'test_data_set_0');
  const files = readdirSync(set);
  const list = (kind: string): TensorProto[] =>
    files.filter((file) => file.startsWith(kind)).map((_, i) => read(join(set, `${kind}_${i}.pb`)));
  const given = withConstants(bytes, list('input'));
  const inputs = given.left.map((t) => numbersOf(t));
  const outputs = list('output').map((t) => numbersOf(t));
  if ([...inputs, ...outputs].includes(null)) return elementType;
  const model = (await importOnnx(given.bytes)).eval();
  const tensors = inputs.map((t) => {
    const { data, shape, dtype } = t as NonNullable<typeof t>;
    return tensor(data, { shape, dtype });
  });
  const result = noGrad(() => model.forward(...tensors));
  const results = Array.isArray(result) ? result : [result];
  for (const [i, wanted] of outputs.entries()) {
    // The graphs of windows have π with five digits. ONNX's own tolerance is 1e-3.
    const relative = name.includes('window') ? 1e-3 : 1e-4;
    const problem = await differenceOf(results[i] as Tensor, wanted as NonNullable<typeof wanted>, relative);
    if (problem !== null) return `output ${i}: ${problem}`;
  }
  return null;
}

/** Judges every case of which the importer claims all operators. */
export async function judgeCases(): Promise<CaseResult[]> {
  const results: CaseResult[] = [];
  for (const name of readdirSync(folder).toSorted()) {
    const bytes = readFileSync(join(folder, name, 'model.onnx'));
    const { graph, opsetImport } = fromBinary(ModelProtoSchema, bytes);
    const operators = [...new Set((graph?.node ?? []).map(({ opType }) => opType))];
    const isOfOnnx = opsetImport.every(({ domain }) => domain === '');
    if (!isOfOnnx || !operators.every((operator) => Object.hasOwn(importers, operator))) continue;
    const problem = await judge(name, bytes).catch((error: Error) => error.message.split('\n')[0] as string);
    const listed = reasons.find(([names]) => names.test(name))?.[1];
    const reason = problem === elementType ? elementType : listed;
    results.push({ name, operators, problem, reason });
  }
  return results;
}
