/**
 * What a run has saved: the model with its best weights, and what its checkpoint says about the
 * training. Not here: going on from a checkpoint (session.ts).
 */
import { readFile } from 'node:fs/promises';
import { deviceOf, loadWeights, tensorsOf } from '../io/weights.js';
import type { ConvAutoencoder } from '../models/autoencoder.js';
import { decodeCheckpoint } from '../train/checkpoint-file.js';
import type { EpochRecord } from '../train/index.js';
import type { RunConfig } from './config.js';
import { RunError } from './errors.js';
import { makeModel } from './parts.js';
import { exists, type RunFiles } from './run-folder.js';

/** The model of a run with its best weights, in eval mode. */
export async function bestModel(config: RunConfig, files: RunFiles): Promise<ConvAutoencoder> {
  if (!(await exists(files.best)))
    throw new RunError(`${files.best} is missing; it is written after the first epoch: cedargrad resume goes on`);
  const model = makeModel(config);
  await loadWeights(model, files.best);
  return model.eval();
}

/** What fit wrote into a checkpoint, as far as it is read here. */
export interface Progress {
  readonly epoch: number;
  readonly batch: number;
  readonly step: number;
  readonly history: readonly EpochRecord[];
  readonly warnings: readonly string[];
  readonly callbacks: Readonly<Record<string, unknown>>;
  /** Copies the weights of the checkpoint, which are the last ones, into a model. */
  loadInto(model: ConvAutoencoder): void;
}

/** How far a run has come, or undefined if it has saved no checkpoint yet. */
export async function progressOf(files: RunFiles): Promise<Progress | undefined> {
  if (!(await exists(files.last))) return undefined;
  const { contents, stored } = decodeCheckpoint(files.last, await readFile(files.last));
  const saved = contents.values as Partial<Progress> | null;
  if (!Array.isArray(saved?.history)) throw new RunError(`${files.last} must be the checkpoint of a run`);
  const prefix = 'model/';
  const weights = Object.fromEntries(
    Object.entries(stored)
      .filter(([name]) => name.startsWith(prefix))
      .map(([name, value]) => [name.slice(prefix.length), value]),
  );
  return {
    ...(saved as Progress),
    loadInto: (model) => {
      const tensors = tensorsOf(weights, deviceOf(model));
      try {
        model.loadStateDict(tensors);
      } finally {
        for (const t of Object.values(tensors)) t.release();
      }
    },
  };
}
