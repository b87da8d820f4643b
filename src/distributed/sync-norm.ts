/** Batch normalisation by the batches of all processes. Not here: the layers (nn/norm.ts). */
import { customGrad } from '../autograd/custom-grad.js';
import type { Module } from '../nn/module.js';
import { isBatchNorm, shareStatistics } from '../nn/norm.js';
import type { Tensor } from '../tensor/tensor.js';
import { checkGroup, type ProcessGroup } from './group.js';
import { inPlace } from './host-memory.js';

/**
 * Makes every batch norm of a model normalise by the mean and variance of all processes' batches
 * while training, as one process with the whole batch would. Each of its forward passes then waits
 * twice for the other ranks, and so does each backward pass. Alone it changes nothing.
 * @gradient through the statistics of all processes
 * @throws ValueError for anything but a group
 * @source torch.nn.SyncBatchNorm.convert_sync_batchnorm
 */
export function syncBatchNorm(model: Module, group: ProcessGroup): void {
  checkGroup('syncBatchNorm', group);
  if (group.size === 1) return;
  const summed = (t: Tensor): Tensor => {
    const copy = t.mul(1);
    group.sumInPlace(inPlace(copy));
    return copy;
  };
  const sum = customGrad(([own]: readonly [Tensor]) => summed(own), summed);
  for (const [, module] of model.namedModules()) if (isBatchNorm(module)) shareStatistics(module, sum);
}
