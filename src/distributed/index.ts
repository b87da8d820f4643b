/**
 * Training on several processes or machines by Open MPI. It needs Node, the package koffi and Open
 * MPI, but only if there are several processes.
 * @module cedargrad/distributed
 */
export { type AveragedBackwardOptions, type AveragerOptions, GradientAverager } from './averager.js';
export { distributed, ProcessGroup } from './group.js';
export { DistributedSampler, type DistributedSamplerOptions } from './sampler.js';
export { syncBatchNorm } from './sync-norm.js';
