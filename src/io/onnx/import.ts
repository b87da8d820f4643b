/**
 * Import of ONNX files as modules. Not here: the work itself (load.ts), which is loaded when it is
 * needed.
 */
import { knownOptions, type OptionNames } from '../../arguments.js';
import { FormatError } from '../../errors.js';
import { isNode, load } from '../../platform.js';
import { bytesAt, type Source } from '../byte-source.js';
import { checkLayout, type OnnxLayout } from './export.js';
import type { ReadBeside } from './file.js';
import type { OnnxModel } from './model.js';

/** Options of importOnnx. */
export interface OnnxImportOptions {
  /**
   * The order of the axes of forward's inputs and outputs of rank 3 and 4. 'NCHW' (default) is
   * that of the file, whatever it is. With 'NHWC' the file's second axis becomes the last one, so
   * that channels are last, as everywhere in the library.
   */
  layout?: OnnxLayout;
}
const optionNames: OptionNames<OnnxImportOptions> = { layout: 'value' };
const op = 'importOnnx';

const refuseLocation = (location: string): never => {
  throw new FormatError(op, "external data must be in the model's own folder", `location='${location}'`);
};

/** Reads files in the folder of a model, and nothing else. */
function besideOf(source: unknown): ReadBeside {
  const isFile =
    typeof source === 'string' ? !/^https?:/.test(source) : source instanceof URL && source.protocol === 'file:';
  if (!isNode() || !isFile)
    return (location) => {
      throw new FormatError(op, 'a model with external data must be read from a path', `location='${location}'`);
    };
  const read = new Map<string, Promise<Uint8Array>>();
  return async (location) => {
    if (location === '' || location.includes('\0') || /^[/\\]|^[a-z]+:|(^|[/\\])\.\.([/\\]|$)/i.test(location))
      refuseLocation(location);
    const fs = await load<typeof import('node:fs/promises')>('node:fs/promises');
    const { dirname, join, relative, isAbsolute } = await load<typeof import('node:path')>('node:path');
    const { fileURLToPath } = await load<typeof import('node:url')>('node:url');
    const folder = await fs.realpath(dirname(source instanceof URL ? fileURLToPath(source) : (source as string)));
    const path = await fs.realpath(join(folder, location)).catch(() => {
      throw new FormatError(op, 'external data must exist', `location='${location}'`);
    });
    // A link may lead out of the folder.
    const within = relative(folder, path);
    if (within.startsWith('..') || isAbsolute(within)) refuseLocation(location);
    const known = read.get(path) ?? fs.readFile(path);
    read.set(path, known);
    return known;
  };
}

/**
 * A module of an ONNX file. `source` is a path in Node, an address, or the file's bytes. Nodes with
 * parameters become layers, the other nodes functions. Initialisers of floats become parameters,
 * which can be trained, running statistics become buffers, and whole numbers are constants; all
 * keep their names in the file. Weights are kept in the library's layouts. Everything is checked
 * before a kernel runs.
 * @shape as the file says
 * @gradient through all operators that have one in the library
 * @throws FormatError for a damaged file, a graph that cannot run, and operators that are unknown,
 * all at once; DeviceError for an address that does not answer; ValueError for an unknown option
 * @source onnx2torch.convert
 */
export async function importOnnx(source: Source, options: OnnxImportOptions = {}): Promise<OnnxModel> {
  knownOptions(op, options, optionNames);
  const { layout = 'NCHW' } = options;
  checkLayout(op, layout);
  const bytes = await bytesAt(op, source);
  const { loadModel } = await import('./load.js');
  return loadModel(bytes, besideOf(source), layout);
}
