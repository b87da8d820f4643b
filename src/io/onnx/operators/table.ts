/**
 * What a row of the table of operators is: the export of a kernel, and the import of an operator.
 * Each family of operators has a file here with both. Not here: the table (index.ts).
 */
import type { Builder } from '../builder.js';
import type { Call, CallName } from '../record.js';

/** Adds the nodes of a call to a graph. */
export type Exporter<K extends CallName = CallName> = (graph: Builder, call: Call<K>) => void;
/** The exports of a family, by kernel. */
export type Exporters = { readonly [K in CallName]?: Exporter<K> };
