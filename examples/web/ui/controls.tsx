/** The column of controls: network, training and device. Not here: results (app.tsx). */
import type { DeviceChoice, NetworkName } from '../protocol.js';
import { deviceNames, networkNames } from '../protocol.js';
import { lossText } from './loss-chart.js';
import { NumberField } from './number-field.js';
import type { Part } from './page.js';
import { type State, settingsFor } from './state.js';
import { devices, networks } from './texts.js';

interface ChoiceProps {
  readonly group: string;
  readonly name: string;
  readonly title: string;
  readonly checked: boolean;
  readonly disabled?: boolean;
  /** Empty if there is nothing to explain. */
  readonly text: string;
  readonly choose: () => void;
}

/** A radio button with its explanation. */
function Choice({ group, name, title, checked, disabled = false, text, choose }: ChoiceProps) {
  const id = `${group}-${name}`;
  return (
    <div class={`choice${disabled ? ' disabled' : ''}`}>
      <input
        type="radio"
        id={id}
        name={group}
        value={name}
        checked={checked}
        disabled={disabled}
        aria-describedby={text === '' ? undefined : `${id}-about`}
        onChange={choose}
      />
      <label for={id}>{title}</label>
      {text !== '' && (
        <p id={`${id}-about`} class="help">
          {text}
        </p>
      )}
    </div>
  );
}

function Networks({ state: { settings }, actions }: Part) {
  const choose = (network: NetworkName): void => actions.open(settingsFor(network, settings));
  return (
    <fieldset class="card">
      <legend>Network</legend>
      {networkNames.map((name) => (
        <Choice
          key={name}
          group="network"
          name={name}
          title={networks[name].title}
          checked={settings.network === name}
          text={settings.network === name ? networks[name].about : ''}
          choose={() => choose(name)}
        />
      ))}
    </fieldset>
  );
}

/** A note of the worker's as a sentence. */
const sentence = (note: string): string => (note === '' ? '' : `${note[0].toUpperCase()}${note.slice(1)}.`);

function Devices({ state, actions }: Part) {
  const { settings, isolated, opened } = state;
  const choose = (device: DeviceChoice): void => actions.open({ ...settings, device });
  return (
    <fieldset class="card">
      <legend>Device</legend>
      {deviceNames.map((name) => {
        const report = state.devices.find((device) => device.name === name);
        return (
          <Choice
            key={name}
            group="device"
            name={name}
            title={devices[name]}
            checked={settings.device === name}
            disabled={report?.available === false}
            text={sentence(report?.note ?? '')}
            choose={() => choose(name)}
          />
        );
      })}
      {opened !== null && (
        <p class="fact">
          Runs on <strong>{opened.device}</strong>.
        </p>
      )}
      {isolated === false && (
        <p class="fact">
          <a href="./docs/pages/guide.html#headers-and-threads">Which headers a host must send for more threads</a>
        </p>
      )}
    </fieldset>
  );
}

const isSeed = (value: number): boolean => Number.isInteger(value) && value >= 0 && value < 2 ** 32;

function Training({ state, actions }: Part) {
  const { settings, opened, running, opening } = state;
  const trains = opened?.trains !== false;
  const isReady = opened !== null && opening === 0;
  const needsReset = opened !== null && opened.settings.seed !== settings.seed;
  return (
    <section aria-labelledby="training-title" class="card">
      <h2 id="training-title">Training</h2>
      {trains ? (
        <>
          <div class="buttons">
            <button type="button" class="main" disabled={!isReady} onClick={running ? actions.pause : actions.start}>
              {running ? 'Pause' : 'Start'}
            </button>
            <button type="button" disabled={!isReady || running} onClick={actions.step}>
              Step
            </button>
            <button type="button" disabled={opening > 0} onClick={() => actions.open(settings)}>
              Reset
            </button>
          </div>
          <div class="fields">
            <NumberField
              id="learning-rate"
              label="Learning rate"
              value={settings.learningRate}
              rule="a number above 0"
              accepts={(value) => value > 0 && value < Infinity}
              commit={actions.setLearningRate}
            />
            <NumberField
              id="seed"
              label="Seed"
              value={settings.seed}
              rule="a whole number from 0 to 4294967295"
              accepts={isSeed}
              commit={actions.setSeed}
            />
          </div>
          <p class="help">
            {needsReset
              ? 'The new seed counts from the next Reset on.'
              : 'The learning rate counts at once. The seed decides the first weights and the order of the data.'}
          </p>
          <Numbers state={state} />
        </>
      ) : (
        <p class="fact">This network is trained already. It can only be run.</p>
      )}
    </section>
  );
}

function Numbers({ state: { opened, opening, curve, loss, stepTime } }: { readonly state: State }) {
  const numbers: readonly (readonly [string, string])[] = [
    ['Step', String(curve.steps)],
    ['Loss', lossText(loss)],
    ['Time of a step', stepTime === null ? '–' : `${stepTime.toPrecision(3)} ms`],
    ['Parameters', opened === null ? '–' : opened.parameters.toLocaleString('en')],
  ];
  return (
    <dl class="numbers" aria-busy={opening > 0}>
      {numbers.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

export function Controls(part: Part) {
  return (
    <div class="controls">
      <Networks {...part} />
      <Training {...part} />
      <Devices {...part} />
    </div>
  );
}
