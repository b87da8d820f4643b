/**
 * The command export, judged: a small run is trained, its file runs in ONNX Runtime, and the images
 * are those of the command predict. Not here: other networks (run.ts).
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodePng } from '../../src/io/index.js';
import { cedargrad, writePictures } from '../helpers/command.js';
import { runOnnx } from './runtime.js';

const [side, channels, images] = [16, 3, 4];

async function done(...args: string[]): Promise<void> {
  const { code, err } = await cedargrad(...args);
  if (code !== 0) throw new Error(`${args.join(' ')}: ${err}`);
}

/** Images [N,H,W,C] of numbers from bytes as [N,C,H,W]. */
const channelsFirst = (pixels: ArrayLike<number>): Float32Array =>
  Float32Array.from({ length: pixels.length }, (_, i) => {
    const [area, size] = [side * side, side * side * channels];
    const [n, c, place] = [Math.floor(i / size), Math.floor((i % size) / area), i % area];
    return (pixels[n * size + place * channels + c] as number) / 255;
  });

/** How far the file's images are from predict's, which are rounded to bytes. */
export async function judgeCommand(): Promise<{ text: string; isRight: boolean }> {
  const folder = mkdtempSync(join(tmpdir(), 'cedargrad-onnx-'));
  const at = (name: string): string => join(folder, name);
  try {
    const photos = writePictures(at('photos'), 8, side);
    const config = { model: { widths: [8, 8], norm: true }, device: 'reference', epochs: 30, batchSize: 2 };
    writeFileSync(at('config.json'), JSON.stringify(config));
    await done('train', '--data', photos, '--out', at('run'), '--config', at('config.json'), '--validation', '0.25');
    await done('export', at('run'), at('model.onnx'), '--batch', String(images));
    await done('predict', at('run'), photos, '--out', at('predicted'));
    const names = Array.from({ length: images }, (_, i) => `image${2 * i}.png`);
    const read = (part: string) => names.flatMap((name) => [...decodePng(readFileSync(join(at(part), name))).data]);
    const shape = [images, channels, side, side];
    const input = { data: channelsFirst(read('photos')), shape };
    const [[, output] = ['', undefined]] = await runOnnx(readFileSync(at('model.onnx')), { input });
    if (output === undefined || output.dims.join() !== shape.join()) throw new Error(`export: ${output?.dims}`);
    const predicted = channelsFirst(read('predicted'));
    const steps = Array.from(predicted, (value, i) => 255 * Math.abs(value - Number(output.data[i])));
    const most = Math.max(...steps);
    const values = new Set(predicted).size;
    const text = `Command line: export is ${most.toFixed(4)} steps of 255 from predict, which rounds to 0.5; ${values} values`;
    // Beside the rounding there is the difference that networks may have, 1e-5 of 255 steps.
    return { text, isRight: most <= 0.5 + 255e-5 && values > 20 };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
