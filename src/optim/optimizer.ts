/**
 * The common base of optimizers: parameter groups with their own options, state per parameter, and
 * the state dictionary. Not here: update rules. An optimizer takes a list of parameters and does
 * not know modules. If parameters are replaced (Module.to), a new optimizer is needed.
 */
import { checkFinite, checkNumber, knownOptions, type OptionNames, shown } from '../arguments.js';
import { noGrad } from '../autograd/backward.js';
import { alias, checkTensors, isTensor } from '../autograd/graph.js';
import { GraphError, ShapeError, show, ValueError } from '../errors.js';
import type { Tensor } from '../tensor/tensor.js';
import { isFloat } from '../values/dtype.js';
import { sameShape } from '../values/shape.js';

/** The options that every optimizer has. */
export interface OptimizerOptions {
  /** Learning rate. */
  lr: number;
}

/** Parameters and their options. Options may be changed between steps. */
export type ParamGroup<O extends OptimizerOptions = OptimizerOptions> = O & { readonly params: readonly Tensor[] };

/** A list of parameters, or of groups whose options override the defaults. */
export type OptimizerParams<O extends OptimizerOptions> =
  | readonly Tensor[]
  | readonly (Partial<O> & { params: readonly Tensor[] })[];

/** The state that an optimizer keeps for one parameter. */
export interface ParamState {
  /** Number of updates so far. */
  step: number;
  /** Moments and similar tensors, of the parameter's shape. */
  readonly tensors: Record<string, Tensor>;
  /** Numbers that an update rule keeps, by the names in `numbers` of its class. */
  readonly numbers: Record<string, number>;
}

/** The tensors and state of one update. */
export interface Entry {
  readonly parameter: Tensor;
  readonly grad: Tensor;
  readonly state: ParamState;
}

/** The complete state of an optimizer. Parameters are numbered across all groups. */
export interface OptimizerState<O extends OptimizerOptions = OptimizerOptions> {
  readonly groups: readonly { readonly options: O; readonly params: readonly number[] }[];
  readonly state: Readonly<Record<number, SavedParamState>>;
}

/** The state of one parameter in an OptimizerState. */
export interface SavedParamState {
  readonly step: number;
  readonly tensors: Readonly<Record<string, Tensor>>;
  /** Only in the state of optimizers that keep numbers (NAdam). */
  readonly numbers?: Readonly<Record<string, number>>;
}

/** Options without undefined values, which would override a default. */
const given = <O extends object>(options: O): O =>
  Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as O;

const isGroup = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && 'params' in value && !isTensor(value);

const describe = (t: Tensor): string => `${show(t.shape)} ${t.dtype}`;

/** @source torch.optim.Optimizer */
export abstract class Optimizer<O extends OptimizerOptions = OptimizerOptions> {
  readonly paramGroups: ParamGroup<O>[] = [];
  readonly #state = new Map<Tensor, ParamState>();
  readonly #op: string;
  readonly #defaults: O;
  readonly #names: OptionNames<Partial<O>>;

  /**
   * `op` is the optimizer's name in messages. `defaults` contains every option that it knows.
   * @throws ValueError for no parameters, duplicates, or options out of range
   */
  constructor(op: string, params: OptimizerParams<O>, defaults: O, options: Partial<O> = {}) {
    this.#op = op;
    this.#names = Object.fromEntries(
      Object.entries(defaults).map(([name, value]) => [name, typeof value === 'boolean' ? 'flag' : 'value']),
    ) as OptionNames<Partial<O>>;
    knownOptions(op, options, this.#names);
    this.#defaults = { ...defaults, ...given(options) };
    if (!Array.isArray(params)) checkTensors(op, 'params', params);
    if (params.length === 0)
      throw new ValueError(op, 'there must be parameters', 'an empty list', 'pass model.parameters()');
    const groups = params.every(isGroup)
      ? (params as readonly (Partial<O> & { params: readonly Tensor[] })[])
      : [{ params: params as readonly Tensor[] } as Partial<O> & { params: readonly Tensor[] }];
    for (const group of groups) this.addParamGroup(group);
  }

  /**
   * Throws a ValueError for options out of range. It is called when a group is added and at every
   * step.
   */
  protected abstract checkOptions(op: string, options: O): void;
  /** Names of the state tensors that these options need. */
  protected abstract slots(options: O): readonly string[];
  /** Names of the numbers that the state of a parameter has. */
  protected readonly numbers: readonly string[] = [];
  /**
   * Updates the parameters of a group that have a gradient. It is called without recording. Each
   * `state.step` already counts this update.
   */
  protected abstract update(entries: readonly Entry[], options: O): void;

  /**
   * Adds parameters with their own options.
   * @throws ValueError for no parameters, duplicates, or options out of range
   * @source torch.optim.Optimizer.add_param_group
   */
  addParamGroup(added: Partial<O> & { params: readonly Tensor[] }): void {
    const op = this.#op;
    knownOptions(op, added, { params: 'value', ...this.#names } as OptionNames<typeof added>);
    const { params, ...options } = added;
    checkTensors(op, 'params', params);
    const group = { ...this.#defaults, ...given(options), params: [...params] } as ParamGroup<O>;
    if (params.length === 0) throw new ValueError(op, 'a group must have parameters', 'an empty list');
    const known = new Set(this.#parameters());
    for (const p of params) {
      if (known.has(p))
        throw new ValueError(
          op,
          'a parameter must stand in one group, once',
          `a second ${p.madeBy} ${show(p.shape)}`,
          'it would be updated twice a step',
        );
      known.add(p);
      if (!isFloat(p.dtype)) throw new ValueError(op, 'parameters must be float32 or float64', describe(p));
      if (p.node !== null)
        throw new GraphError(
          op,
          'parameters must be leaves',
          `${p.madeBy}'s result ${show(p.shape)}`,
          'pass the tensor it was computed from',
        );
    }
    this.checkOptions(op, group);
    this.paramGroups.push(group);
  }

  #parameters(): readonly Tensor[] {
    const [first, ...more] = this.paramGroups;
    return more.length === 0 && first !== undefined ? first.params : this.paramGroups.flatMap(({ params }) => params);
  }

  /** Releases every gradient and sets it to null. @source torch.optim.Optimizer.zero_grad */
  zeroGrad(): void {
    for (const p of this.#parameters()) p.clearGrad();
  }

  /**
   * Updates every parameter that has a gradient. Everything is checked before anything changes.
   * @throws ValueError for options that are out of range; ShapeError for a gradient that does not
   * fit its parameter
   * @source torch.optim.Optimizer.step
   */
  step(): void {
    for (const group of this.paramGroups) this.checkOptions(this.#op, group);
    for (const p of this.#parameters())
      if (p.grad !== null && (!sameShape(p.grad.shape, p.shape) || p.grad.dtype !== p.dtype))
        throw new ShapeError(
          this.#op,
          "a gradient must have its parameter's shape and dtype",
          `gradient ${describe(p.grad)}, parameter ${describe(p)}`,
        );
    noGrad(() => {
      for (const group of this.paramGroups) {
        const entries = group.params.flatMap((parameter): Entry[] => {
          const { grad } = parameter;
          if (grad === null) return [];
          const state = this.#state.get(parameter) ?? { step: 0, tensors: {}, numbers: {} };
          this.#state.set(parameter, state);
          state.step++;
          return [{ parameter, grad, state }];
        });
        this.update(entries, group);
      }
    });
  }

  /**
   * The options of the groups, and for each parameter its number of updates and its state tensors.
   * These are live views, which later steps change. clone() values that must not change.
   * @source torch.optim.Optimizer.state_dict
   */
  stateDict(): OptimizerState<O> {
    const numbers = new Map(this.#parameters().map((p, i) => [p, i]));
    const groups = this.paramGroups.map(({ params, ...options }) => ({
      options: structuredClone(options) as unknown as O,
      params: params.map((p) => numbers.get(p) as number),
    }));
    const state: Record<number, SavedParamState> = {};
    for (const group of this.paramGroups) {
      const needed = this.slots(group);
      for (const p of group.params) {
        const own = this.#state.get(p);
        if (own === undefined) continue;
        const tensors = Object.entries(own.tensors).filter(([name]) => needed.includes(name));
        state[numbers.get(p) as number] = {
          step: own.step,
          tensors: Object.fromEntries(tensors.map(([name, t]) => [name, alias(t).keep()])),
          ...(this.numbers.length > 0 && { numbers: { ...own.numbers } }),
        };
      }
    }
    return { groups, state };
  }

  /**
   * Restores a state from stateDict by copying its values. Everything is checked before anything
   * changes.
   * @throws ValueError for other groups, options out of range, or state that does not fit the
   * parameters
   * @source torch.optim.Optimizer.load_state_dict
   */
  loadStateDict(dict: OptimizerState<O>): void {
    const op = `${this.#op}.loadStateDict`;
    if (!Array.isArray(dict?.groups) || typeof dict.state !== 'object' || dict.state === null)
      throw new ValueError(op, 'a state must be what stateDict() gives', shown(dict));
    const { groups, state }: OptimizerState<O> = dict;
    const layout = (all: readonly { params: readonly unknown[] }[]): string => show(all.map((g) => g.params.length));
    if (layout(groups) !== layout(this.paramGroups))
      throw new ValueError(
        op,
        'groups must have as many parameters as here',
        `groups of ${layout(groups)}`,
        `here they have ${layout(this.paramGroups)}`,
      );
    const pairs = this.paramGroups.flatMap((group, i) => {
      const saved = groups[i];
      return saved === undefined ? [] : [{ group, options: saved.options, params: saved.params }];
    });
    const loaded = new Map<Tensor, ParamState>();
    const parameters = this.#parameters();
    const stray = Object.keys(state).find((key) => parameters[Number(key)] === undefined);
    if (stray !== undefined)
      throw new ValueError(op, `parameter numbers must be in [0, ${parameters.length - 1}]`, stray);
    // Transfers can fail, so they also come before the first change.
    noGrad(() => {
      for (const { group, options, params } of pairs) {
        this.checkOptions(op, { ...group, ...options });
        const needed = this.slots({ ...group, ...options });
        group.params.forEach((p, k) => {
          const number = params[k];
          const saved = number === undefined ? undefined : state[number];
          if (saved === undefined) return;
          checkNumber(op, 'step', saved.step, (v) => Number.isInteger(v) && v >= 0, 'whole and not negative');
          const numbers = { ...saved.numbers };
          const have = [...Object.keys(saved.tensors), ...Object.keys(numbers)].sort().join(', ');
          const want = [...needed, ...this.numbers].sort().join(', ');
          checkFinite(op, numbers);
          if (have !== want)
            throw new ValueError(
              op,
              `the state of a parameter must be (${want})`,
              `parameter ${number}: (${have})`,
              'was it saved by another optimizer, or with other options?',
            );
          for (const [name, t] of Object.entries(saved.tensors))
            if (!sameShape(t.shape, p.shape) || t.dtype !== p.dtype)
              throw new ValueError(
                op,
                "state must have its parameter's shape and dtype",
                `parameter ${number}: ${name} ${describe(t)}, parameter ${describe(p)}`,
              );
          const copies = Object.entries(saved.tensors).map(([name, t]): [string, Tensor] => [
            name,
            alias(t.to(p.device).clone()),
          ]);
          loaded.set(p, { step: saved.step, tensors: Object.fromEntries(copies), numbers });
        });
      }
    });
    for (const { group, options } of pairs) Object.assign(group, structuredClone(options));
    for (const own of this.#state.values()) for (const t of Object.values(own.tensors)) t.release();
    this.#state.clear();
    for (const [p, own] of loaded) this.#state.set(p, own);
  }
}

/**
 * A state tensor, initially filled with `value`. It belongs to the optimizer, so no graph and no
 * scope releases it.
 */
export function slot(state: ParamState, name: string, like: Tensor, value = 0): Tensor {
  state.tensors[name] ??= alias(like.fullLike(value));
  return state.tensors[name];
}

/** Checks that several optimizers share. */
export const checkNotNegative = (op: string, values: Readonly<Record<string, number>>): void => {
  for (const [name, value] of Object.entries(values))
    checkNumber(op, name, value, (v) => v >= 0 && v < Infinity, 'finite and not negative');
};
export const checkFraction = (op: string, values: Readonly<Record<string, number>>): void => {
  for (const [name, value] of Object.entries(values)) checkNumber(op, name, value, (v) => v >= 0 && v < 1, 'in [0, 1)');
};
