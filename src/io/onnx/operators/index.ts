/** The table of operators: every family's export and import. */
import { convExports, convImports } from './conv.js';
import { elementwiseExports } from './elementwise.js';
import { elementwiseImports } from './elementwise-import.js';
import { indexingImports } from './indexing-import.js';
import { movementExports } from './movement.js';
import { movementImports } from './movement-import.js';
import { normExports, normImports } from './norm.js';
import { poolExports, poolImports } from './pool.js';
import { reduceExports, reduceImports } from './reduce.js';
import { resizeImports } from './resize.js';
import type { Exporters, Importers } from './table.js';

/** The export of each kernel. A kernel that is missing cannot be exported. */
export const exporters: Exporters = {
  ...convExports,
  ...poolExports,
  ...elementwiseExports,
  ...movementExports,
  ...reduceExports,
  ...normExports,
};

/** The import of each operator. */
export const importers: Importers = {
  ...convImports,
  ...poolImports,
  ...elementwiseImports,
  ...movementImports,
  ...indexingImports,
  ...reduceImports,
  ...normImports,
  ...resizeImports,
};
