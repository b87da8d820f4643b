/**
 * The network of w5 on this library. It has a file of its own, so that the processes of smaller
 * workloads need not load the library's models.
 */
import { Cedn } from 'cedargrad/models';
import type { MakeNetwork } from './workloads.js';

export const makeFull: MakeNetwork = (_workload, _arrays, dropout) => new Cedn({ dropout });
