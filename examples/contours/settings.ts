/** The command line of the contour example. Not here: what the settings do (../contours.ts). */
import type { DeviceName } from 'cedargrad';
import { aboutSignals, type CommandValues, countOf, deviceOf, numberOf } from '../command.js';

/** What the command line says. */
export interface Settings {
  readonly epochs: number;
  readonly width: number;
  readonly dropout: number;
  readonly scenes: number;
  readonly held: number;
  readonly bsds: string | undefined;
  readonly encoder: string | undefined;
  readonly encoderRate: number;
  readonly device: DeviceName;
  readonly out: string;
}

const defaults = { epochs: 36, width: 0.125, dropout: 0, scenes: 240, held: 20, encoderRate: 1, out: 'out/contours' };

export const usage = `Trains CEDN to find the contours of objects.
usage: npm run contours -- [options]
  --epochs N         passes over the training images (default ${defaults.epochs})
  --width X          factor of all channels (default ${defaults.width}; 1 as published)
  --dropout X        rate of dropout in the decoder (default ${defaults.dropout}; 0.5 as published)
  --scenes N         training scenes (default ${defaults.scenes})
  --held N           held-out scenes (default ${defaults.held})
  --bsds DIR         train on the photographs of DIR/images/train, and judge on DIR/images/test (BSDS500)
  --encoder FILE     begin with an encoder with the names of torchvision's vgg16: .safetensors or .onnx
  --encoder-rate X   factor of the encoder's learning rate (default ${defaults.encoderRate}; 0 freezes it)
  --device NAME      default auto; or wasm, webgpu, reference
  --out DIR          where weights and pictures go (default ${defaults.out})
  --help             this text
${aboutSignals}`;

const text = { type: 'string' } as const;
export const flags = {
  ...{ epochs: text, width: text, dropout: text, scenes: text, held: text, bsds: text },
  ...{ encoder: text, 'encoder-rate': text, device: text, out: text },
};

/** @throws Error that names the flag whose value is out of range */
export function settingsOf(values: CommandValues): Settings {
  const given = (name: string, fallback: number | string): string => String(values[name] ?? fallback);
  const optional = (name: string): string | undefined => (values[name] === undefined ? undefined : given(name, ''));
  return {
    epochs: countOf('epochs', given('epochs', defaults.epochs)),
    width: numberOf(values, 'width', defaults.width, (v) => v > 0 && v <= 4, 'in (0, 4]'),
    dropout: numberOf(values, 'dropout', defaults.dropout, (v) => v >= 0 && v < 1, 'in [0, 1)'),
    scenes: countOf('scenes', given('scenes', defaults.scenes)),
    held: countOf('held', given('held', defaults.held)),
    bsds: optional('bsds'),
    encoder: optional('encoder'),
    encoderRate: numberOf(values, 'encoder-rate', defaults.encoderRate, (v) => v >= 0 && v <= 1, 'in [0, 1]'),
    device: deviceOf(given('device', 'auto'), ['auto', 'webgpu', 'wasm', 'reference']) as DeviceName,
    out: given('out', defaults.out),
  };
}
