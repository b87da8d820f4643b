/**
 * The bytes of an ONNX file. They are protocol buffers, which the packages onnx-buf and
 * @bufbuild/protobuf read and write; both are loaded when a file is read or written.
 * Not here: what a graph means (import.ts), and what it is made of (export.ts).
 */
import type { AttributeProto, NodeProto, TensorProto, ValueInfoProto } from 'onnx-buf';
import { FormatError } from '../../errors.js';
import { version } from '../../version.js';
import { elementCodes } from './builder.js';
import {
  type Attribute,
  type ElementType,
  Float,
  Floats,
  type Graph,
  type GraphNode,
  type GraphTensor,
  type GraphValue,
  Other,
} from './graph.js';

type Packages = typeof import('onnx-buf') &
  Pick<typeof import('@bufbuild/protobuf'), 'create' | 'toBinary' | 'fromBinary'>;

let packages: Promise<Packages> | undefined;
/** Loads the packages for ONNX files. */
export function loadPackages(): Promise<Packages> {
  packages ??= Promise.all([import('onnx-buf'), import('@bufbuild/protobuf')]).then(
    ([onnx, { create, toBinary, fromBinary }]) => ({ ...onnx, create, toBinary, fromBinary }),
  );
  return packages;
}

// ---- writing

/** The version of the file format that goes with an opset. Newer ones are not needed. */
const formatOf = (opset: number): number =>
  opset >= 23 ? 11 : opset >= 21 ? 10 : opset >= 19 ? 9 : opset >= 15 ? 8 : opset >= 13 ? 7 : 6;

const attributeCodes = { float: 1, int: 2, text: 3, tensor: 4, floats: 6, ints: 7, texts: 8 } as const;

const bigint = (value: number): bigint => {
  const limit = 2n ** 63n;
  const whole = BigInt(Math.trunc(value));
  return whole >= limit ? limit - 1n : whole < -limit ? -limit : whole;
};

/** The elements of a tensor, in the bytes of a file, which are little-endian. */
function rawBytes({ type, data }: GraphTensor): Uint8Array<ArrayBuffer> {
  const sizes: Readonly<Record<ElementType, number>> = { float32: 4, float64: 8, int32: 4, int64: 8, bool: 1 };
  const bytes = new Uint8Array(data.length * sizes[type]);
  const view = new DataView(bytes.buffer);
  const put: Readonly<Record<ElementType, (at: number, value: number) => void>> = {
    float32: (at, value) => view.setFloat32(at * 4, value, true),
    float64: (at, value) => view.setFloat64(at * 8, value, true),
    int32: (at, value) => view.setInt32(at * 4, value, true),
    int64: (at, value) => view.setBigInt64(at * 8, bigint(value), true),
    bool: (at, value) => view.setUint8(at, value),
  };
  for (let i = 0; i < data.length; i++) put[type](i, data[i] as number);
  return bytes;
}

/** The bytes of a model with a graph. */
export async function encodeGraph(graph: Graph): Promise<Uint8Array<ArrayBuffer>> {
  const onnx = await loadPackages();
  const { create } = onnx;
  const text = (value: string) => new TextEncoder().encode(value);
  const tensor = (value: GraphTensor, name = '') =>
    create(onnx.TensorProtoSchema, {
      name,
      dataType: elementCodes[value.type],
      dims: value.shape.map(BigInt),
      rawData: rawBytes(value),
    });
  const attribute = ([name, value]: readonly [string, Attribute]) => {
    const make = (type: keyof typeof attributeCodes, fields: Partial<AttributeProto>) =>
      create(onnx.AttributeProtoSchema, { name, type: attributeCodes[type] as number, ...fields } as never);
    if (typeof value === 'number') return make('int', { i: bigint(value) });
    if (typeof value === 'string') return make('text', { s: text(value) });
    if (value instanceof Float) return make('float', { f: value.value });
    if (value instanceof Floats) return make('floats', { floats: [...value.values] });
    if (!Array.isArray(value)) return make('tensor', { t: tensor(value as GraphTensor) });
    return typeof value[0] === 'string'
      ? make('texts', { strings: (value as readonly string[]).map(text) })
      : make('ints', { ints: (value as readonly number[]).map(bigint) });
  };
  const info = ({ name, type, shape }: GraphValue) =>
    create(onnx.ValueInfoProtoSchema, {
      name,
      type: {
        value: {
          case: 'tensorType',
          value: {
            elemType: elementCodes[type],
            shape: {
              dim: (shape ?? []).map((size) => ({
                value:
                  typeof size === 'number'
                    ? { case: 'dimValue' as const, value: BigInt(size) }
                    : { case: 'dimParam' as const, value: size },
              })),
            },
          },
        },
      },
    });
  const model = create(onnx.ModelProtoSchema, {
    irVersion: BigInt(formatOf(graph.opset)),
    opsetImport: [{ domain: '', version: BigInt(graph.opset) }],
    producerName: 'cedargrad',
    producerVersion: version,
    graph: create(onnx.GraphProtoSchema, {
      name: graph.name,
      node: graph.nodes.map(({ operator, name, inputs, outputs, attributes }) =>
        create(onnx.NodeProtoSchema, {
          opType: operator,
          name,
          input: [...inputs],
          output: [...outputs],
          attribute: [...attributes].map(attribute),
        }),
      ),
      initializer: [...graph.initializers].map(([name, value]) => tensor(value, name)),
      input: graph.inputs.map(info),
      output: graph.outputs.map(info),
    }),
  });
  return onnx.toBinary(onnx.ModelProtoSchema, model) as Uint8Array<ArrayBuffer>;
}

// ---- reading

/** Reads the bytes of a file beside the model. */
export type ReadBeside = (location: string) => Promise<Uint8Array>;

const op = 'importOnnx';
const names: ReadonlyMap<number, ElementType> = new Map(
  Object.entries(elementCodes).map(([type, code]) => [code, type as ElementType]),
);
const bytesOf: Readonly<Record<ElementType, number>> = { float32: 4, float64: 8, int32: 4, int64: 8, bool: 1 };

function typeNamed(code: number, where: string): ElementType {
  const type = names.get(code);
  if (type !== undefined) return type;
  throw new FormatError(
    op,
    'the element type must be float32, float64, int32, int64 or bool',
    `${where}: type ${code}`,
  );
}

/** A size as a number that the library can hold. */
function sizeFrom(value: bigint, where: string): number {
  if (value < 0n || value > 2n ** 31n) throw new FormatError(op, 'sizes must be in [0, 2^31]', `${where}: ${value}`);
  return Number(value);
}

function fromRaw(bytes: Uint8Array, type: ElementType): ArrayLike<number> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const take: Readonly<Record<ElementType, (i: number) => number>> = {
    float32: (i) => view.getFloat32(i * 4, true),
    float64: (i) => view.getFloat64(i * 8, true),
    int32: (i) => view.getInt32(i * 4, true),
    int64: (i) => Number(view.getBigInt64(i * 8, true)),
    bool: (i) => Number(view.getUint8(i) !== 0),
  };
  const data = type === 'float32' ? new Float32Array(bytes.length / 4) : new Float64Array(bytes.length / bytesOf[type]);
  for (let i = 0; i < data.length; i++) data[i] = take[type](i);
  return data;
}

/** The bytes of a tensor in another file. */
async function externalBytes(tensor: TensorProto, where: string, beside: ReadBeside): Promise<Uint8Array> {
  const entry = (key: string): string | undefined => tensor.externalData.find((item) => item.key === key)?.value;
  const location = entry('location');
  if (location === undefined) throw new FormatError(op, 'external data must have a location', where);
  const bytes = await beside(location);
  const [offset, length] = ['offset', 'length'].map((key) => {
    const text = entry(key);
    if (text === undefined) return undefined;
    if (!/^\d{1,15}$/.test(text)) throw new FormatError(op, `${key} must be a whole number`, `${where}: '${text}'`);
    return Number(text);
  });
  const from = offset ?? 0;
  const to = length === undefined ? bytes.length : from + length;
  if (from > to || to > bytes.length)
    throw new FormatError(
      op,
      'external data must lie in its file',
      `${where}: bytes ${from} to ${to} of ${bytes.length}`,
    );
  return bytes.subarray(from, to);
}

async function tensorFrom(tensor: TensorProto, where: string, beside: ReadBeside): Promise<GraphTensor> {
  const type = typeNamed(tensor.dataType, where);
  const shape = tensor.dims.map((size) => sizeFrom(size, where));
  const count = shape.reduce((a, b) => a * b, 1);
  const isExternal = tensor.dataLocation === 1;
  const raw = isExternal ? await externalBytes(tensor, where, beside) : tensor.rawData;
  const lists: Readonly<Record<ElementType, readonly (number | bigint)[]>> = {
    float32: tensor.floatData,
    float64: tensor.doubleData,
    int32: tensor.int32Data,
    int64: tensor.int64Data,
    bool: tensor.int32Data,
  };
  const usesRaw = isExternal || raw.length > 0;
  const found = usesRaw ? raw.length / bytesOf[type] : lists[type].length;
  if (found !== count)
    throw new FormatError(op, 'a tensor must have as many numbers as its sizes say', `${where}: ${found}, [${shape}]`);
  const data = usesRaw ? fromRaw(raw, type) : Array.from<number | bigint, number>(lists[type], Number);
  return { type, shape, data: type === 'bool' ? Array.from(data, (v) => Number(v !== 0)) : data };
}

async function attributeFrom(attribute: AttributeProto, where: string, beside: ReadBeside): Promise<Attribute> {
  const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
  switch (attribute.type as number) {
    case attributeCodes.float:
      return new Float(attribute.f);
    case attributeCodes.int:
      return Number(attribute.i);
    case attributeCodes.text:
      return text(attribute.s);
    case attributeCodes.tensor:
      return attribute.t === undefined ? new Other() : tensorFrom(attribute.t, where, beside);
    case attributeCodes.floats:
      return new Floats(attribute.floats);
    case attributeCodes.ints:
      return attribute.ints.map(Number);
    case attributeCodes.texts:
      return attribute.strings.map(text);
    default:
      return new Other();
  }
}

/** Operators of other domains are known by both names. */
const operatorOf = ({ domain, opType }: NodeProto): string =>
  domain === '' || domain === 'ai.onnx' ? opType : `${domain}.${opType}`;

function valueFrom({ name, type }: ValueInfoProto): GraphValue {
  const where = `'${name}'`;
  if (type?.value.case !== 'tensorType') throw new FormatError(op, 'inputs and outputs must be tensors', where);
  const { elemType, shape } = type.value.value;
  const size = ({
    value,
  }: {
    value: { case?: string | undefined; value?: bigint | string | undefined };
  }): number | string =>
    value.case === 'dimValue' ? sizeFrom(value.value as bigint, where) : String(value.value ?? '?');
  return { name, type: typeNamed(elemType, where), shape: shape?.dim.map(size) };
}

/** The graph of a file. `isKnown` says which operators' attributes are needed. */
export async function decodeGraph(
  bytes: Uint8Array,
  beside: ReadBeside,
  isKnown: (operator: string) => boolean,
): Promise<Graph> {
  const onnx = await loadPackages();
  let model: ReturnType<typeof onnx.fromBinary<typeof onnx.ModelProtoSchema>>;
  try {
    model = onnx.fromBinary(onnx.ModelProtoSchema, bytes);
  } catch (error) {
    throw new FormatError(op, 'the file must be a model of ONNX', `${bytes.length} bytes: ${(error as Error).message}`);
  }
  const { graph, opsetImport } = model;
  const opset = opsetImport.find(({ domain }) => domain === '' || domain === 'ai.onnx')?.version;
  if (graph === undefined)
    throw new FormatError(op, 'the file must be a model of ONNX', `${bytes.length} bytes without a graph`);
  if (opset === undefined || opset < 1n || opset > 25n)
    throw new FormatError(op, 'the opset must be in [1, 25]', opset === undefined ? 'none' : String(opset));
  if (graph.sparseInitializer.length > 0)
    throw new FormatError(op, 'tensors must not be sparse', `${graph.sparseInitializer.length} sparse ones`);
  const initializers = new Map<string, GraphTensor>();
  for (const tensor of graph.initializer) {
    if (initializers.has(tensor.name))
      throw new FormatError(op, 'names must differ', `two initialisers '${tensor.name}'`);
    initializers.set(tensor.name, await tensorFrom(tensor, `initialiser '${tensor.name}'`, beside));
  }
  const nodes: GraphNode[] = [];
  for (const node of graph.node) {
    const operator = operatorOf(node);
    const attributes = new Map<string, Attribute>();
    if (isKnown(operator))
      for (const attribute of node.attribute) {
        const where = `${operator} '${node.name}', ${attribute.name}`;
        if (attributes.has(attribute.name)) throw new FormatError(op, 'names must differ', `two attributes ${where}`);
        attributes.set(attribute.name, await attributeFrom(attribute, where, beside));
      }
    nodes.push({ operator, name: node.name, inputs: node.input, outputs: node.output, attributes });
  }
  return {
    name: graph.name,
    opset: Number(opset),
    nodes,
    initializers,
    // Old files list the initialisers among the inputs.
    inputs: graph.input.filter(({ name }) => !initializers.has(name)).map(valueFrom),
    outputs: graph.output.map(valueFrom),
  };
}
