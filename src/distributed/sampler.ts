/** The part of each batch that a rank takes. Not here: the order of an epoch (data/sources.ts). */
import { knownOptions, type OptionNames, shown } from '../arguments.js';
import type { Sampler } from '../data/sources.js';
import { ValueError } from '../errors.js';
import { checkGroup, type ProcessGroup } from './group.js';

/** Options of DistributedSampler. */
export interface DistributedSamplerOptions {
  /**
   * What happens to a last batch that does not divide by the number of ranks. 'pad', the default,
   * repeats items from the beginning of the epoch. 'cut' leaves out what is over, fewer items than
   * there are ranks.
   */
  last?: 'pad' | 'cut';
}
const samplerOptions: OptionNames<DistributedSamplerOptions> = { last: 'value' };

const op = 'DistributedSampler';

/**
 * Gives each rank its part of every batch of a DataLoader. The loader's batchSize is that of all
 * ranks together, and rank r takes the r-th part of each batch, so that all ranks together have the
 * batches that one process would have. They have them in the same order, which the loader draws
 * from its seed and the number of the epoch. A saved position therefore holds for any number of
 * ranks.
 * @throws ValueError for anything but a group, for unknown options, and, at the loader, for a
 * batchSize that does not divide by the number of ranks
 * @source torch.utils.data.DistributedSampler, which counts batchSize for each rank
 */
export class DistributedSampler implements Sampler {
  readonly #group: ProcessGroup;
  readonly #last: 'pad' | 'cut';

  constructor(group: ProcessGroup, options: DistributedSamplerOptions = {}) {
    checkGroup(op, group);
    knownOptions(op, options, samplerOptions);
    const { last = 'pad' } = options;
    if (last !== 'pad' && last !== 'cut')
      throw new ValueError(op, "last must be 'pad' or 'cut'", `last=${shown(last)}`);
    this.#group = group;
    this.#last = last;
  }

  /** The batches of an epoch. @throws ValueError for sizes that do not fit the number of ranks */
  batches(count: number, batchSize: number): number {
    const { size } = this.#group;
    if (batchSize % size !== 0)
      throw new ValueError(op, 'batchSize must divide by the number of ranks', `batchSize=${batchSize}, ${size} ranks`);
    const used = this.#last === 'pad' ? count : count - (count % size);
    if (used === 0) throw new ValueError(op, 'each rank must get an item', `${count} items, ${size} ranks`);
    return Math.ceil(used / batchSize);
  }

  /** The places in the epoch's order of the items that this rank has in a batch. */
  places(batch: number, count: number, batchSize: number): number[] {
    const { rank, size } = this.#group;
    const from = batch * batchSize;
    const length = Math.min(batchSize, count - from);
    const each = this.#last === 'pad' ? Math.ceil(length / size) : Math.floor(length / size);
    return Array.from({ length: each }, (_, i) => (from + rank * each + i) % count);
  }
}
