/** The operators of a file in order, without constants, to compare graphs but for names. */
import { decodeGraph } from '../../src/io/onnx/file.js';

export async function operatorsOf(bytes: Uint8Array): Promise<string[]> {
  const { nodes } = await decodeGraph(
    bytes,
    async () => bytes,
    () => true,
  );
  return nodes.map(({ operator }) => operator).filter((name) => name !== 'Constant');
}
