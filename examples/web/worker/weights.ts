/**
 * Weights as files: a model's as bytes, and those of a file into a model. The parts for ONNX are
 * loaded by the library when they are needed. Not here: what becomes of the optimizer
 * (training.ts).
 */
import { ValueError } from 'cedargrad';
import { encodeWeights, exportOnnx, importOnnx, loadWeights } from 'cedargrad/io';
import type { WeightFormat } from '../protocol.js';
import type { Network } from './networks/network.js';

/** The largest file that is read. Those of the page's networks have at most 2 MB. @units bytes */
const mostBytes = 2 ** 26;

/** The weights as the bytes of a file. The input of an ONNX model is one image, channels second. */
export function encode({ model, inputShape }: Network, format: WeightFormat): Promise<Uint8Array<ArrayBuffer>> {
  const [, height, width, channels] = inputShape;
  if (format === 'onnx') return exportOnnx(model, { input: [1, channels, height, width] });
  if (format === 'safetensors') return encodeWeights(model);
  throw new ValueError('save', 'the format must be safetensors or onnx', String(format));
}

/**
 * Loads the weights of a file. If the file is refused, the model stays as it is.
 * @throws ValueError for a file of another kind or of another model; FormatError for a damaged one
 */
export async function load({ model }: Network, file: Blob, name: string): Promise<void> {
  const format = /\.(safetensors|onnx)$/i.exec(name)?.[1].toLowerCase();
  if (format === undefined) throw new ValueError('load', 'the name of weights must end in .safetensors or .onnx', name);
  if (file.size > mostBytes)
    throw new ValueError(
      'load',
      `a file of weights must have at most ${mostBytes / 2 ** 20} MB`,
      `${name} with ${Math.round(file.size / 2 ** 20)} MB`,
    );
  const bytes = new Uint8Array(await file.arrayBuffer());
  if (format === 'safetensors') await loadWeights(model, bytes);
  else {
    const imported = await importOnnx(bytes);
    const state = imported.stateDict();
    try {
      model.loadStateDict(state);
    } finally {
      for (const t of [...Object.values(state), ...imported.parameters(), ...imported.buffers()]) t.release();
    }
  }
}
