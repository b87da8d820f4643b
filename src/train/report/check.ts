/**
 * Checks of the data of a report, which may come from a file. Every field is checked by name, so
 * that no text of it can become markup or code of the page.
 */
import { checkRecord, checkText, knownOptions, type OptionNames, shown } from '../../arguments.js';
import { ValueError } from '../../errors.js';
import type { EpochRecord } from '../run.js';
import type {
  ReportData,
  ReportFilters,
  ReportLayer,
  ReportLoss,
  ReportOutputs,
  ReportPictures,
  ReportSamples,
} from './data.js';
import type { LossTraceState } from './losses.js';

/** Checks one value. `name` is its path, such as 'history[0].loss'. */
type Check = (op: string, name: string, value: unknown) => void;

const text: Check = checkText;

const number: Check = (op, name, value) => {
  if (typeof value !== 'number') throw new ValueError(op, `${name} must be a number`, `${name}=${shown(value)}`);
};

const whole: Check = (op, name, value) => {
  if (!Number.isSafeInteger(value) || (value as number) < 0)
    throw new ValueError(op, `${name} must be whole and not negative`, `${name}=${shown(value)}`);
};

const date: Check = (op, name, value) => {
  checkText(op, name, value);
  if (!/^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(value as string) || Number.isNaN(Date.parse(value as string)))
    throw new ValueError(op, `${name} must be a date as toISOString writes it`, `${name}=${shown(value)}`);
};

const oneOf =
  (...values: readonly unknown[]): Check =>
  (op, name, value) => {
    if (!values.includes(value))
      throw new ValueError(op, `${name} must be ${values.map(shown).join(' or ')}`, `${name}=${shown(value)}`);
  };

const orNull =
  (check: Check): Check =>
  (op, name, value) => {
    if (value !== null) check(op, name, value);
  };

const optional =
  (check: Check): Check =>
  (op, name, value) => {
    if (value !== undefined) check(op, name, value);
  };

const list =
  (check: Check): Check =>
  (op, name, value) => {
    if (!Array.isArray(value)) throw new ValueError(op, `${name} must be an array`, `${name}=${shown(value)}`);
    for (let i = 0; i < value.length; i++) check(op, `${name}[${i}]`, value[i]);
  };

const named =
  (check: Check, of: string): Check =>
  (op, name, value) => {
    checkRecord(op, name, value, of);
    for (const [key, part] of Object.entries(value as object)) check(op, `${name}.${key}`, part);
  };

/** An object with exactly these fields. The compiler rejects a list that lacks a name. */
const record =
  <O extends object>(fields: Readonly<Record<keyof O & string, Check>>): Check =>
  (op, name, value) => {
    if (name !== '') checkRecord(op, name, value, 'fields');
    const names = Object.fromEntries(Object.keys(fields).map((field) => [field, 'value'])) as OptionNames<object>;
    knownOptions(op, value as object, names);
    for (const [field, check] of Object.entries<Check>(fields))
      check(op, name === '' ? field : `${name}.${field}`, (value as Readonly<Record<string, unknown>>)[field]);
  };

/** What an item of pictures may contain. Nothing of it can end an attribute of HTML. */
const itemPatterns = { image: /^[A-Za-z0-9+/]+={0,2}$/, line: /^[ML\d .-]*$/ } as const;

const fieldsOfPictures = record<ReportPictures>({
  kind: oneOf('image', 'line'),
  width: whole,
  height: whole,
  items: list(text),
});

const pictures: Check = (op, name, value) => {
  fieldsOfPictures(op, name, value);
  const { kind, items } = value as ReportPictures;
  const rule = kind === 'image' ? 'a PNG in base64' : 'the data of a path';
  for (const [i, item] of items.entries())
    if (!itemPatterns[kind].test(item))
      throw new ValueError(op, `${name}.items[${i}] must be ${rule}`, `${name}.items[${i}]=${shown(item)}`);
};

const shape = list(whole);

const samples = record<ReportSamples>({
  inputs: optional(pictures),
  targets: optional(pictures),
  outputs: list(record<ReportOutputs>({ epoch: whole, pictures })),
});

/** Checks that a value is a plain object. The fields of a model would be no configuration. */
export function checkSettings(op: string, name: string, value: unknown): void {
  checkRecord(op, name, value, 'settings');
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null)
    throw new ValueError(op, `${name} must be a plain object`, `${name}=${shown(value)}`);
}

const fields = record<ReportData>({
  title: optional(text),
  status: oneOf('running', 'finished', 'stopped'),
  stopReason: optional(text),
  epochs: number,
  step: whole,
  started: date,
  updated: date,
  resumed: optional(list(whole)),
  losses: optional(
    list(
      record<ReportLoss>({
        step: whole,
        mean: optional(number),
        least: optional(number),
        greatest: optional(number),
        lr: optional(number),
      }),
    ),
  ),
  history: list(
    record<EpochRecord>({
      epoch: whole,
      step: whole,
      loss: number,
      valLoss: optional(number),
      metrics: named(number, 'numbers'),
      lr: number,
      seconds: number,
    }),
  ),
  best: optional(record<NonNullable<ReportData['best']>>({ epoch: whole, monitor: text, value: number })),
  samples: optional(samples),
  filters: optional(record<ReportFilters>({ layer: text, shape, pictures })),
  layers: optional(
    list(
      record<ReportLayer>({
        name: text,
        type: text,
        called: oneOf(true, false),
        output: optional(shape),
        parameters: number,
        multiplyAdds: number,
      }),
    ),
  ),
  config: optional(checkSettings),
  environment: optional(named(text, 'texts')),
  warnings: optional(list(text)),
});

/** Throws a ValueError that names the first field of the data that is wrong. */
export const checkReportData = (op: string, data: ReportData): void => fields(op, '', data);

/** What a report must know to go on after a resumption. It goes into the checkpoint as JSON. */
export interface ReportState {
  readonly started: string;
  readonly resumed: readonly number[];
  readonly losses: LossTraceState;
  /** Warnings about the outputs after the last epoch. */
  readonly signs?: readonly string[];
  readonly samples?: ReportSamples;
}

const traceFields = record<LossTraceState>({
  every: whole,
  firstBad: orNull(whole),
  points: list((op, name, value) => {
    list(orNull(number))(op, name, value);
    if ((value as readonly unknown[]).length !== 7)
      throw new ValueError(op, `${name} must have 7 numbers`, `${name}=${shown(value)}`);
  }),
});

const stateFields = record<ReportState>({
  started: date,
  resumed: list(whole),
  losses: traceFields,
  signs: optional(list(text)),
  samples: optional(samples),
});

/** Throws a ValueError that names the first field of a state that is wrong. */
export const checkReportState = (op: string, state: ReportState): void => stateFields(op, '', state);
