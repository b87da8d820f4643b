/**
 * Calls the functions of the program that a recorded backward() called: hooks, gradient rules of
 * the program, and the functions of checkpoints.
 * Not here: the comparison of what they do with the recording (replay.ts).
 */
import type { Tensor } from '../../tensor/tensor.js';
import type { BackwardStep } from '../graph.js';
import { callHooks } from '../hooks.js';
import { type Recomputation, Restorer } from '../recompute.js';
import { type CallbackEntry, counterpart, type Entry, type OpEntry } from './entries.js';

/** The functions that a backward() called whose entries begin at an index. */
export function callbacksFrom(entries: readonly Entry[], index: number): CallbackEntry[] {
  const found: CallbackEntry[] = [];
  for (let i = index; ; ) {
    const e = entries[i];
    if (e?.kind !== 'callback') return found;
    found.push(e);
    i = e.end;
  }
}

/** The calls of one backward(). */
export class Callbacks {
  /** Only the drops are made by it. The recording knows what runs and when. */
  readonly #restorer = new Restorer(() => {});

  /** Calls a function with the gradient that it gets, if it gets one. */
  call(entry: CallbackEntry, grad: Tensor | undefined): readonly (Tensor | null)[] {
    const { which, of } = entry;
    if (which === 'recompute') this.#recompute(entry);
    if (grad === undefined) return [];
    if (which === 'hooks') return [callHooks(counterpart(of), grad)];
    const { op, attrs, given: inputs, now: outputs } = of.source as OpEntry;
    const rule = op.backward as unknown as (step: BackwardStep<unknown>) => readonly (Tensor | null)[];
    const needs = inputs.map((t) => t.requiresGrad);
    return rule({ grad, inputs, output: outputs[0], outputs, attrs, needs, spare: false });
  }

  #recompute({ of, up }: CallbackEntry): void {
    let part: Recomputation | null = counterpart(of).recomputation;
    for (let i = 0; i < up; i++) part = part?.parent ?? null;
    if (part === null) return;
    this.#restorer.dropFrom(part.last + 1);
    this.#restorer.add(part);
    part.repeat();
  }

  /** Ends the backward(). */
  end(): void {
    this.#restorer.dropFrom(0);
  }
}
