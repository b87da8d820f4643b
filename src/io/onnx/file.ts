/**
 * The bytes of an ONNX file. They are protocol buffers, which the packages onnx-buf and
 * @bufbuild/protobuf read and write; both are loaded when a file is read or written.
 * Not here: what a graph means (import.ts), and what it is made of (export.ts).
 */
import type { AttributeProto } from 'onnx-buf';
import { version } from '../../version.js';
import { elementCodes } from './builder.js';
import {
  type Attribute,
  type ElementType,
  Float,
  Floats,
  type Graph,
  type GraphTensor,
  type GraphValue,
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
