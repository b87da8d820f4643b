/**
 * The golden runs of the miniature CEDN on any device, in Node or in a page. The published script
 * is replayed and compared with numbers that numpy computed in float64. Not here: the numbers and
 * their provenance (test/fixtures/cedn-golden.json).
 */
import {
  Adam,
  bceWithLogits,
  type Device,
  type DType,
  defaultDevice,
  manualSeed,
  noGrad,
  setDefaultDevice,
  type Tensor,
  tensor,
} from 'cedargrad';
import { cednData } from 'cedargrad/data';
import { Cedn } from '../../examples/cedn-model.js';
import { type Check, must } from './conformance.js';

export interface Golden {
  losses_after_steps_0_10: Record<string, { f64: number[]; f32: number[] }>;
  grads_f64: Record<string, { sum: number; l2: number }>;
  constant_predictor_loss: number;
}
export interface Run {
  readonly on: Device;
  readonly dtype: DType;
  readonly scale: number;
  readonly lr: number;
  readonly rate: number;
  readonly steps: number;
}

export const data = cednData();

// In the runs with small weights, two candidates of a pool differ by 4e-8 at step 6. float32 picks
// the other one, and the losses differ by 8e-4 from there on.
export const runs = {
  seed_lr1_nodrop: { scale: 1, lr: 1, rate: 0, float32: 1e-4 },
  'seed_lr1_keep.5_mask_RandomState7': { scale: 1, lr: 1, rate: 0.5, float32: 1e-4 },
  'lr1e-2_scale.1_nodrop': { scale: 0.1, lr: 0.01, rate: 0, float32: 1e-3 },
  'lr1e-2_scale.1_keep.5': { scale: 0.1, lr: 0.01, rate: 0.5, float32: 1e-3 },
};
export const publishedRuns = ['seed_lr1_nodrop', 'seed_lr1_keep.5_mask_RandomState7'] as const;

/** A model with the published weights in the dtype asked for, and its data. */
export function prepare({ on, dtype, scale, rate }: Run) {
  setDefaultDevice(on);
  const model = new Cedn(rate).to(dtype as 'float32' | 'float64').initPublished(42, scale);
  return { model, x: tensor(data.x, { shape: data.xShape, dtype }), y: tensor(data.y, { shape: data.yShape, dtype }) };
}

/**
 * Losses without dropout before the first step and after each one, as the published script prints
 * them.
 */
export async function losses(run: Run, wrap = (step: () => Tensor): (() => Tensor) => step): Promise<number[]> {
  const { model, x, y } = prepare(run);
  manualSeed(7);
  const optimizer = new Adam(model.parameters(), { lr: run.lr, form: 'tf' });
  const evaluate = async (): Promise<number> => {
    model.eval();
    const loss = noGrad(() => bceWithLogits(model.forward(x), y, { reduction: 'sum' }));
    model.train();
    return loss.item();
  };
  const out = [await evaluate()];
  const train = wrap(() => {
    optimizer.zeroGrad();
    const loss = bceWithLogits(model.forward(x), y, { reduction: 'sum' });
    loss.backward();
    optimizer.step();
    return loss;
  });
  for (let step = 0; step < run.steps; step++) {
    train();
    out.push(await evaluate());
  }
  return out;
}

export const relative = (got: number[], want: number[]): number =>
  Math.max(...want.map((w, i) => Math.abs(got[i] / w - 1)));

/**
 * The published runs in float32, as checks for a device. They compare with the golden numbers as
 * far as these go, and with the reference device up to the last of `steps`.
 */
export const goldenChecks = (golden: Golden, steps: number): Check[] =>
  publishedRuns.map((name) => ({
    name: `published run ${name}: ${steps} steps`,
    run: async (on, reference) => {
      const home = defaultDevice();
      try {
        const got = await losses({ ...runs[name], on, dtype: 'float32', steps });
        const want = await losses({ ...runs[name], on: reference, dtype: 'float32', steps });
        const known = golden.losses_after_steps_0_10[name].f64.slice(0, steps + 1);
        const off = relative(got.slice(0, known.length), known);
        must(off < runs[name].float32, `${off} from the golden losses: ${got}`);
        must(
          relative(got, want) < runs[name].float32,
          `${relative(got, want)} from reference: ${got}, on reference ${want}`,
        );
      } finally {
        setDefaultDevice(home);
      }
    },
  }));

/**
 * Checks that a training step launches at most so many kernels and reads nothing. The first step
 * may launch more, because it also joins the optimizer's tensors.
 */
export const launchCheck = (most: number): Check => ({
  name: `a training step launches at most ${most} kernels and reads nothing`,
  run: async (on) => {
    const home = defaultDevice();
    try {
      const { model, x, y } = prepare({ ...runs['seed_lr1_keep.5_mask_RandomState7'], on, dtype: 'float32', steps: 3 });
      const optimizer = new Adam(model.parameters(), { lr: 1 });
      for (let step = 0; step < 3; step++) {
        const { kernels, reads } = on.counters;
        optimizer.zeroGrad();
        bceWithLogits(model.forward(x), y, { reduction: 'sum' }).backward();
        optimizer.step();
        const used = { kernels: on.counters.kernels - kernels, reads: on.counters.reads - reads };
        must(
          step === 0 || (used.kernels <= most && used.reads === 0),
          `step ${step}: ${used.kernels} kernels, ${used.reads} reads`,
        );
      }
      await on.sync();
    } finally {
      setDefaultDevice(home);
    }
  },
});
/**
 * The largest number of launches of a step of the miniature CEDN. WebGL's includes the packing of
 * vectors, and WebGPU's the upload of dropout's mask. `cpu` is the number without an adapter.
 */
export const mostLaunches = { webgl2: 65, webgpu: 34, cpu: 32 } as const;
