/** Weights as files, and the layers that they belong to. */
import { weightFormats } from '../protocol.js';
import { FileField } from './file-field.js';
import type { Part } from './page.js';

const titles = { safetensors: 'safetensors', onnx: 'ONNX' } as const;

export function Weights({ state: { opened }, actions }: Part) {
  return (
    <section aria-labelledby="weights-title" class="card">
      <h2 id="weights-title">Weights</h2>
      <div class="buttons">
        {weightFormats.map((format) => (
          <button key={format} type="button" disabled={opened === null} onClick={() => actions.save(format)}>
            Download {titles[format]}
          </button>
        ))}
      </div>
      <FileField
        id="weights-file"
        label="Load weights of this network"
        accept=".safetensors,.onnx"
        disabled={opened === null}
        take={(file) => actions.load(file, file.name)}
      />
      <p class="help">
        Python and Node read both formats. Loading goes on from the file’s weights, also while the network trains.
      </p>
      {opened !== null && (
        <details>
          <summary>Layers and parameters</summary>
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls sideways, so the keyboard must reach it */}
          <pre tabIndex={0}>{opened.summary}</pre>
        </details>
      )}
    </section>
  );
}
