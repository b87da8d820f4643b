/** The layer that looks up vectors by index. Not here: the function (autograd/ops/embedding.ts). */
import { knownOptions } from '../arguments.js';
import { composed } from '../autograd/lifetimes.js';
import { type EmbeddingOptions, embedding, embeddingOptions, paddingRow } from '../autograd/ops/embedding.js';
import { randn } from '../tensor/create.js';
import type { Parameter, Tensor } from '../tensor/tensor.js';
import type { TensorData } from '../values/nested.js';
import { attributes, checkCount } from './check.js';
import { Module } from './module.js';
import { owned } from './parameter.js';

/**
 * A table of vectors, one for each index. The weight is drawn from the normal distribution N(0, 1);
 * the row of `paddingIndex` is 0, and gets no gradient.
 * @shape indices [any], int32 → y [any,embeddingDim]
 * @units indices count from 0
 * @gradient weight: g, added to the rows that were read, 0 for the padding row
 * @throws ValueError for sizes below 1, or indices that are not int32, or out of range if they are
 * numbers
 * @source torch.nn.Embedding
 */
export class Embedding extends Module {
  static override readonly title: string = 'Embedding';
  readonly weight: Parameter;
  readonly paddingIndex: number | undefined;

  constructor(
    readonly numEmbeddings: number,
    readonly embeddingDim: number,
    options: EmbeddingOptions = {},
  ) {
    super();
    knownOptions('Embedding', options, embeddingOptions);
    checkCount('Embedding', 'numEmbeddings', numEmbeddings);
    checkCount('Embedding', 'embeddingDim', embeddingDim);
    const padding = paddingRow('Embedding', options.paddingIndex, numEmbeddings);
    this.paddingIndex = padding ?? undefined;
    this.weight = owned(
      composed(() => {
        const drawn = randn([numEmbeddings, embeddingDim]);
        if (padding === null) return drawn;
        const kept = Uint8Array.from({ length: numEmbeddings }, (_, i) => Number(i !== padding));
        return drawn.where(drawn.upload(kept, 'bool', [numEmbeddings, 1]), 0);
      }),
    );
  }

  forward(indices: Tensor | TensorData): Tensor {
    return embedding(indices, this.weight, this.paddingIndex === undefined ? {} : { paddingIndex: this.paddingIndex });
  }
  override describe(): string {
    const notes = attributes({ paddingIndex: this.paddingIndex });
    return `${this.numEmbeddings}, ${this.embeddingDim}${notes === '' ? '' : `, ${notes}`}`;
  }
}
