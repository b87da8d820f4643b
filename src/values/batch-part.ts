/**
 * The part of every batch that this process has, when several processes share the batches. What is
 * drawn for a sample can then depend on the sample's place in the whole batch. Not here: how
 * processes share batches (distributed/).
 */

/** All parts have as many samples. They follow each other in the order of the ranks. */
export interface BatchPart {
  readonly rank: number;
  /** The number of parts. */
  readonly size: number;
}

let part: BatchPart = { rank: 0, size: 1 };

/** The part of this process. A process alone has the whole batch. */
export const batchPart = (): BatchPart => part;

export function setBatchPart({ rank, size }: BatchPart): void {
  part = { rank, size };
}
