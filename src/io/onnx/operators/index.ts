/** The table of operators: every family's export and import. */
import { convExports } from './conv.js';
import { elementwiseExports } from './elementwise.js';
import { movementExports } from './movement.js';
import { normExports } from './norm.js';
import { poolExports } from './pool.js';
import { reduceExports } from './reduce.js';
import type { Exporters } from './table.js';

/** The export of each kernel. A kernel that is missing cannot be exported. */
export const exporters: Exporters = {
  ...convExports,
  ...poolExports,
  ...elementwiseExports,
  ...movementExports,
  ...reduceExports,
  ...normExports,
};
