/**
 * The peak of one thread's WebAssembly SIMD on this machine, measured with loops of multiply-adds
 * on registers alone, which are assembled below. One loop is not enough: with few chains of
 * dependent operations their latency limits it, with many chains the registers run out, and engines
 * differ. So several loops are tried, and the fastest one counts.
 */

const unsigned = (value: number): number[] => {
  const out: number[] = [];
  do out.push((value & 127) | (value > 127 ? 128 : 0));
  while ((value >>>= 7) !== 0);
  return out;
};
const vector = (items: readonly (readonly number[])[]): number[] => [...unsigned(items.length), ...items.flat()];
const section = (id: number, body: readonly number[]): number[] => [id, ...unsigned(body.length), ...body];
const float = (value: number): number[] => [0x43, ...new Uint8Array(new Float32Array([value]).buffer)];

/** (turns: i32) → f32, a number that depends on every chain, so that none can be left out. */
function assemble(relaxed: boolean, chains: number, unroll: number): Uint8Array<ArrayBuffer> {
  const get = (local: number): number[] => [0x20, local];
  const set = (local: number): number[] => [0x21, local];
  const splat = [0xfd, 0x13];
  const add = [0xfd, 0xe4, 0x01];
  const multiply = [0xfd, 0xe6, 0x01];
  const multiplyAdd = [0xfd, 0x85, 0x02];
  const factor = chains + 1;
  const term = chains + 2;
  const body: number[] = [1, term, 0x7b];
  const accumulators = Array.from({ length: chains }, (_, i) => i + 1);
  for (const local of accumulators) body.push(...float(local), ...splat, ...set(local));
  body.push(...float(0.999), ...splat, ...set(factor), ...float(0.001), ...splat, ...set(term), 0x03, 0x40);
  for (let i = 0; i < unroll; i++)
    for (const local of accumulators)
      body.push(
        ...get(local),
        ...get(factor),
        ...(relaxed ? [...get(term), ...multiplyAdd] : [...multiply, ...get(term), ...add]),
        ...set(local),
      );
  // turns − 1, back to the loop unless 0; then the sum of the chains' first lanes.
  body.push(...get(0), 0x41, 1, 0x6b, 0x22, 0, 0x0d, 0, 0x0b, ...get(1));
  for (const local of accumulators.slice(1)) body.push(...get(local), ...add);
  body.push(0xfd, 0x1f, 0, 0x0b);
  const magic = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
  const type = section(1, vector([[0x60, 1, 0x7f, 1, 0x7d]]));
  const run = section(7, vector([[3, ...new TextEncoder().encode('run'), 0, 0]]));
  return Uint8Array.from([
    ...magic,
    ...type,
    ...section(3, vector([[0]])),
    ...run,
    ...section(10, vector([[...unsigned(body.length), ...body]])),
  ]);
}

/**
 * A function that runs the fastest loop for about `ms` and returns the best GFLOP/s of its
 * repetitions. Null if the engine has no (relaxed) SIMD.
 */
export async function peakMeter(relaxed: boolean): Promise<((ms: number) => number) | null> {
  if (!WebAssembly.validate(assemble(relaxed, 8, 1))) return null;
  const meters: ((ms: number) => number)[] = [];
  for (const chains of [8, 10, 11, 12, 13])
    for (const unroll of [1, 2, 4]) {
      const { instance } = await WebAssembly.instantiate(assemble(relaxed, chains, unroll));
      const run = instance.exports.run as (turns: number) => number;
      const turns = Math.ceil(10_000 / unroll);
      // Each chain multiplies and adds four lanes.
      const flops = turns * chains * unroll * 8;
      meters.push((ms) => {
        let best = 0;
        for (const start = performance.now(); performance.now() - start < ms; ) {
          const before = performance.now();
          run(turns);
          best = Math.max(best, flops / (performance.now() - before) / 1e6);
        }
        return best;
      });
    }
  // Twice: the first time the engine may still be optimizing.
  for (const meter of meters) meter(30);
  const reached = meters.map((meter) => meter(30));
  return meters[reached.indexOf(Math.max(...reached))];
}
