/** The whole page. Each part shows a piece of the state. */
import { Controls } from './controls.js';
import { Draw } from './draw.js';
import { LossChart } from './loss-chart.js';
import { Messages } from './messages.js';
import { OwnImage } from './own-image.js';
import type { Part } from './page.js';
import { Rows } from './pixels.js';
import { UnpoolView } from './unpool-view.js';
import { Weights } from './weights.js';

/** The repository's address, from package.json. vite.config.ts puts it in. */
declare const sourceAddress: string;

function Header() {
  return (
    <header>
      <div>
        <h1>cedargrad</h1>
        <p>Train small networks that unpool, here in your browser.</p>
      </div>
      <nav aria-label="Elsewhere">
        <a href="./docs/">Documentation</a>
        <a href={sourceAddress}>Source</a>
      </nav>
    </header>
  );
}

function Batch({ state: { rows, rowsStep } }: Part) {
  return (
    <section aria-labelledby="batch-title" class="card">
      <h2 id="batch-title">Inputs and outputs</h2>
      <Rows rows={rows} />
      <p class="help">The network after {rowsStep === 1 ? '1 step' : `${rowsStep} steps`}.</p>
    </section>
  );
}

export function App(part: Part) {
  const { opened, opening, rows, levels, curve, loss } = part.state;
  return (
    <>
      <Header />
      <Messages {...part} />
      <main aria-busy={opening > 0}>
        <Controls {...part} />
        <div class="results">
          {opening > 0 && opened === null && (
            <p class="card opening">Opening the network and its device. The first time, a GPU compiles its programs.</p>
          )}
          {opened?.takesImages && <OwnImage {...part} />}
          <div class="column">
            {opened?.trains && <LossChart curve={curve} loss={loss} />}
            {rows.length > 0 && <Batch {...part} />}
            <Weights {...part} />
          </div>
          <div class="column">
            {opened?.draws && <Draw {...part} />}
            {levels.length > 0 && <UnpoolView {...part} />}
          </div>
        </div>
      </main>
    </>
  );
}
