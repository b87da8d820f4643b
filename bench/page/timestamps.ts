/**
 * Times every WebGPU dispatch by the adapter's own clock, below any library. Each dispatch gets a
 * compute pass of its own, with a timestamp before and after. So the times do not include gaps
 * between kernels, uploads and read-backs, and a pass that a library would share is split.
 */

export interface Dispatch {
  /** The pipeline's; gpu.js gives none. */
  readonly label: string;
  /** The shader's text. */
  readonly code: string;
  readonly ms: number;
}

const mostDispatches = 2048;
/** GPUBufferUsage, which TypeScript's DOM types lack. */
const usage = { mapRead: 1, copySrc: 4, copyDst: 8, queryResolve: 512 };

let device: GPUDevice;
let queries: GPUQuerySet;
let dispatched: GPUComputePipeline[] = [];
const codeOf = new WeakMap<object, string>();

/** Wraps the browser's methods; before a device is opened. */
export function installTimestamps(): void {
  const { requestDevice } = GPUAdapter.prototype;
  GPUAdapter.prototype.requestDevice = async function (descriptor = {}) {
    device = await requestDevice.call(this, {
      ...descriptor,
      requiredFeatures: [...(descriptor.requiredFeatures ?? []), 'timestamp-query'],
    });
    queries = device.createQuerySet({ type: 'timestamp', count: 2 * mostDispatches });
    return device;
  };
  const { createShaderModule, createComputePipeline, createComputePipelineAsync } = GPUDevice.prototype;
  GPUDevice.prototype.createShaderModule = function (descriptor) {
    const module = createShaderModule.call(this, descriptor);
    codeOf.set(module, descriptor.code);
    return module;
  };
  const remember = <T extends object>(pipeline: T, { compute }: GPUComputePipelineDescriptor): T => {
    codeOf.set(pipeline, codeOf.get(compute.module) as string);
    return pipeline;
  };
  GPUDevice.prototype.createComputePipeline = function (descriptor) {
    return remember(createComputePipeline.call(this, descriptor), descriptor);
  };
  GPUDevice.prototype.createComputePipelineAsync = async function (descriptor) {
    return remember(await createComputePipelineAsync.call(this, descriptor), descriptor);
  };
  const { beginComputePass } = GPUCommandEncoder.prototype;
  GPUCommandEncoder.prototype.beginComputePass = function (this: GPUCommandEncoder) {
    let pipeline: GPUComputePipeline;
    const groups = new Map<number, unknown[]>();
    const pass = {
      setPipeline: (to: GPUComputePipeline): void => void (pipeline = to),
      setBindGroup: (...args: [number, ...unknown[]]): void => void groups.set(args[0], args),
      dispatchWorkgroups: (...counts: [number, number?, number?]): void => {
        const at = 2 * dispatched.length;
        dispatched.push(pipeline);
        const own = beginComputePass.call(this, {
          timestampWrites: { querySet: queries, beginningOfPassWriteIndex: at, endOfPassWriteIndex: at + 1 },
        });
        own.setPipeline(pipeline);
        for (const args of groups.values()) own.setBindGroup(...(args as [number, GPUBindGroup]));
        own.dispatchWorkgroups(...counts);
        own.end();
      },
      end: (): void => {},
    };
    return pass as unknown as GPUComputePassEncoder;
  };
}

/** What was dispatched since the last call; at most 2048 dispatches. */
export async function takeDispatches(): Promise<Dispatch[]> {
  const pipelines = dispatched;
  dispatched = [];
  if (pipelines.length === 0) return [];
  const size = 16 * pipelines.length;
  const resolved = device.createBuffer({ size, usage: usage.queryResolve | usage.copySrc });
  const readable = device.createBuffer({ size, usage: usage.copyDst | usage.mapRead });
  const encoder = device.createCommandEncoder();
  encoder.resolveQuerySet(queries, 0, 2 * pipelines.length, resolved, 0);
  encoder.copyBufferToBuffer(resolved, 0, readable, 0, size);
  device.queue.submit([encoder.finish()]);
  await readable.mapAsync(usage.mapRead);
  const times = new BigUint64Array(readable.getMappedRange().slice(0));
  resolved.destroy();
  readable.destroy();
  return pipelines.map((pipeline, i) => ({
    label: pipeline.label,
    code: codeOf.get(pipeline) ?? '',
    ms: Number(times[2 * i + 1] - times[2 * i]) / 1e6,
  }));
}
