/**
 * What a row of the table of operators is: the export of a kernel, and the import of an operator.
 * Each family of operators has a file here with both. Not here: the table (index.ts).
 */
import type { Builder } from '../builder.js';
import type { GraphNode, Order } from '../graph.js';
import type { Call, CallName } from '../record.js';
import type { Node } from '../run.js';
import type { Held } from '../values.js';

/** Adds the nodes of a call to a graph. */
export type Exporter<K extends CallName = CallName> = (graph: Builder, call: Call<K>) => void;
/** The exports of a family, by kernel. */
export type Exporters = { readonly [K in CallName]?: Exporter<K> };

/** The import of an operator. */
export interface Importer {
  /** Computes the outputs of a node. Null for one that nothing can read. */
  readonly run: (node: Node) => Held | readonly (Held | null)[];
  /** The attributes that it knows. Others are refused, because they would change the result. */
  readonly attributes?: readonly string[];
  /** The least and greatest number of inputs. */
  readonly inputs: readonly [least: number, most: number];
  /**
   * Inputs that must be constants of the graph, or follow from shapes: their numbers are read.
   */
  readonly fixed?: readonly number[];
  /** Inputs that are statistics, and become buffers. */
  readonly buffers?: readonly number[];
  /** The order in which the library keeps a weight. Null for the order of the file. */
  readonly stored?: (node: GraphNode, input: number, rank: number) => Order | null;
}
/** The imports of a family, by operator. */
export type Importers = Readonly<Record<string, Importer>>;
