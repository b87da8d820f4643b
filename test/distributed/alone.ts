/**
 * A group of one process, and what a process says that lacks the parts it needs. Nothing here needs
 * MPI. Not here: several processes (npm run mpi-check).
 */
import { spawnSync } from 'node:child_process';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { arrayDataset, DataLoader } from '../../src/data/index.js';
import { DistributedSampler, distributed, syncBatchNorm } from '../../src/distributed/index.js';
import { BatchNorm2d, Linear, manualSeed, mse, SGD, tensor } from '../../src/index.js';
import { fit } from '../../src/train/index.js';

const test = suite('distributed, alone');
const group = await distributed();

test('one process is rank 0 of 1, and sums are its own values', async () => {
  assert.equal([group.rank, group.size, group.isMain], [0, 1, true]);
  assert.is(await distributed(), group);
  assert.equal(group.sum('here', [1, 2.5]), [1, 2.5]);
  const values = new Float32Array([1, 2]);
  group.sumInPlace(values);
  assert.equal([...values], [1, 2]);
  const bytes = new Uint8Array([7]);
  assert.is(group.broadcast(bytes), bytes);
  group.checkSame('thing', 'text');
  syncBatchNorm(new BatchNorm2d(2), group);
});

test("an averager leaves one process's gradients as they are", () => {
  const w = tensor([1, 2], { requiresGrad: true });
  const averager = group.averager([w]);
  averager.backward(w.mul(w).sum());
  assert.equal([...(w.grad?.dataSync() ?? [])], [2, 4]);
  averager.backward(w.sum(), { weight: 0.5, reduce: false });
  assert.equal([...(w.grad?.dataSync() ?? [])], [2.5, 4.5]);
  assert.equal(averager.bucketSizes, []);
  averager.dispose();
});

test('fit gives the same bits with a group of one as without', async () => {
  const trained = async (options: object): Promise<number[]> => {
    manualSeed(3);
    const model = new Linear(1, 1);
    const dataset = arrayDataset({ data: Float32Array.from([1, 2, 3, 4, 5]), shape: [5, 1] });
    await fit(model, {
      data: new DataLoader(dataset, { batchSize: 2, shuffle: true, seed: 1 }),
      loss: (x) => mse(model.forward(x), x.mul(2)),
      optimizer: new SGD(model.parameters(), { lr: 0.01 }),
      epochs: 2,
      ...options,
    });
    return model.parameters().flatMap((p) => [...p.dataSync()]);
  };
  assert.equal(await trained({ distributed: group }), await trained({}));
});

test('bad arguments are refused', async () => {
  assert.throws(() => group.averager([], { bucketBytes: 0 }), /^averager: bucketBytes must be in \[1, 2\^30\]; got/);
  assert.throws(() => group.averager([tensor([1], { dtype: 'int32' })]), /^averager: parameters must be floats; got/);
  assert.throws(
    () => new DistributedSampler({} as never),
    /^DistributedSampler: group must be a group of processes; got .*; pass await distributed\(\)/,
  );
  assert.throws(() => new DistributedSampler(group, { last: 'drop' as never }), /last must be 'pad' or 'cut'/);
  assert.throws(() => syncBatchNorm(new Linear(1, 1), {} as never), /^syncBatchNorm: group must be a group/);
  const model = new Linear(1, 1);
  const options = { data: [], loss: () => tensor(0), optimizer: new SGD(model.parameters(), { lr: 1 }), epochs: 1 };
  let message = '';
  await fit(model, { ...options, distributed: {} as never }).catch((error: Error) => {
    message = error.message;
  });
  assert.match(message, /^fit: distributed must be a group of processes; got .*; pass await distributed\(\)/);
});

/** What a process prints that a launcher seems to have started. */
function launched(environment: Record<string, string>, before = ''): string {
  const program = `${before}
    const { distributed } = await import('cedargrad/distributed');
    await distributed().catch((error) => console.log(error.message));`;
  const { stdout } = spawnSync(
    process.execPath,
    ['--conditions=cedargrad-source', '--import', 'tsx', '--input-type=module', '-e', program],
    { encoding: 'utf8', env: { ...process.env, ...environment } },
  );
  return stdout;
}

test('without koffi or Open MPI, a started process says what to install', () => {
  const hidden = `import { register } from 'node:module';
    register('data:text/javascript,export const resolve = (name, context, next) => {' +
      'if (name === "koffi") throw new Error("Cannot find koffi"); return next(name, context); }');`;
  assert.match(
    launched({ OMPI_COMM_WORLD_SIZE: '2' }, hidden),
    /^distributed: several processes need the package koffi; got .*; npm install koffi@3 --ignore-scripts/,
  );
  const renamed = `import koffi from 'koffi';
    koffi.load = () => { throw new Error('libmpi.so.40: cannot open'); };`;
  assert.match(
    launched({ OMPI_COMM_WORLD_SIZE: '2' }, renamed),
    /^distributed: several processes need Open MPI 4; got libmpi.*; on Debian: apt-get install openmpi-bin/,
  );
  assert.match(
    launched({ PMI_SIZE: '2' }),
    /^distributed: the launcher must be of Open MPI, or support PMIx; got PMI_SIZE=2; start with/,
  );
});

test.run();
