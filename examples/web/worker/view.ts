/**
 * Shows how a network does on its examples: the rows of inputs, targets and outputs, and what its
 * pools passed to their unpools. Not here: how often (session.ts).
 */
import { noGrad } from 'cedargrad';
import type { Row, Unpooling } from '../protocol.js';
import type { Network, Trained } from './networks/network.js';
import { pictureOf, picturesOf } from './pictures.js';
import { levelsOf, readLevels, watchPools } from './pools.js';

/** Which picture and channel of the pools is shown. */
export interface Inspected {
  readonly index: number;
  readonly channel: number;
}

/** Runs the model on its examples once, and reads the pictures. */
export async function look(
  { model }: Network,
  trained: Trained,
  { index, channel }: Inspected,
): Promise<{ readonly rows: readonly Row[]; readonly levels: readonly Unpooling[] }> {
  const { examples, range } = trained;
  const { output, levels } = noGrad(() => {
    const { result, passes } = watchPools(model, () => trained.forward());
    return { output: result, levels: levelsOf(passes, index, channel) };
  });
  const [, height, width, channels] = examples.shape;
  const values = await examples.data();
  const inputOf = (i: number) =>
    pictureOf(values, { height, width, channels, range, offset: i * height * width * channels });
  const [rows, unpoolings] = await Promise.all([picturesOf(trained.rows(output)), readLevels(levels, inputOf)]);
  for (const t of [
    output,
    ...levels.flatMap(({ before, pooled, indices, unpooled }) => [before, pooled, indices, unpooled]),
  ])
    t.release();
  return { rows, levels: unpoolings };
}
