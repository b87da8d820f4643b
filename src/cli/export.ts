/** The command export: the best weights of a run as an ONNX file. */
import { stat } from 'node:fs/promises';
import { saveOnnx } from '../io/onnx/index.js';
import { UsageError } from './errors.js';
import { type Arguments, type Command, common, valueOf } from './flags.js';
import { Output } from './output.js';
import { readRun } from './run-folder.js';
import { bestModel } from './saved.js';
import { oneOf, whole } from './schema.js';

async function run(flags: Arguments): Promise<number> {
  const out = Output.of('export', flags);
  const [folder, path] = flags.positionals as [string, string];
  if (!/\.onnx$/i.test(path)) throw new UsageError(`the file must end in .onnx; got '${path}'`);
  const batch = valueOf(flags, 'batch', whole(1, 65536)) ?? 1;
  const opset = valueOf(flags, 'opset', whole(11, 25)) ?? 17;
  const layout = valueOf(flags, 'layout', oneOf('NCHW', 'NHWC')) ?? 'NCHW';
  const { files, config } = await readRun(folder);
  const { size, channels } = config.data;
  const input = layout === 'NCHW' ? [batch, channels, ...size] : [batch, ...size, channels];
  const model = await bestModel(config, files);
  await saveOnnx(model, path, { input, opset, layout });
  const bytes = (await stat(path)).size;
  const text = `${path}: ${bytes} bytes, input [${input.join(',')}] (${layout}), opset ${opset}`;
  out.tell(text, { event: 'export', run: folder, file: path, bytes, input, layout, opset });
  return 0;
}

export const exportCommand: Command = {
  name: 'export',
  usage: 'RUN FILE.onnx [options]',
  about: 'Writes the best weights of a run as an ONNX file, which other programs run.',
  positionals: [2, 2],
  flags: {
    batch: { value: 'N', help: 'images per call of the model (default 1)' },
    opset: { value: 'N', help: "version of ONNX's operators, 11 to 25 (default 17)" },
    layout: { value: 'NAME', help: 'NCHW (default) or NHWC, the order of the axes of images' },
    json: common.json,
  },
  run,
};
