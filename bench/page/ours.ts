/** This library for the benchmark's page. */
import { device } from 'cedargrad';
import { makeStep } from '../workloads.js';
import type { Library } from './page.js';

export const open: Library['open'] = async (api) => {
  const on = await device(api);
  return {
    peer: `cedargrad gpu (${on.mode})`,
    version: '',
    makeSteps: (workload, data) => (rate) => makeStep(workload, data, on, 'eager', rate),
  };
};
