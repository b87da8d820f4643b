/**
 * Counts the requests of a page to the GPU, below any library. It wraps the browser's own WebGPU
 * and WebGL2 methods, and must be loaded before a device is opened. Uploads are the bytes that the
 * API gets, and read-backs are the bytes that the page maps or reads. Copies within the GPU do not
 * count.
 */

export interface Counts {
  /** Compute dispatches, or draw calls. */
  dispatches: number;
  /** Command buffers given to a WebGPU queue. */
  submits: number;
  readbacks: number;
  bytes_up: number;
  bytes_down: number;
}

const zero = (): Counts => ({ dispatches: 0, submits: 0, readbacks: 0, bytes_up: 0, bytes_down: 0 });
let counts = zero();
let adapter: GPUAdapter | null = null;
let context: WebGL2RenderingContext | null = null;

/** Calls `seen` with the receiver and the arguments of each call of a method, before the call. */
function watch<T extends object>(
  type: { readonly prototype: T },
  method: keyof T & string,
  seen: (self: T, args: unknown[]) => void,
): void {
  const prototype = type.prototype as Record<string, unknown>;
  const plain = prototype[method] as (...args: unknown[]) => unknown;
  prototype[method] = function (this: T, ...args: unknown[]) {
    seen(this, args);
    return plain.apply(this, args);
  };
}

const up = (bytes: number): void => void (counts.bytes_up += bytes);
const down = (bytes: number): void => {
  counts.readbacks++;
  counts.bytes_down += bytes;
};
const bytesOf = (value: unknown): number =>
  ArrayBuffer.isView(value) || value instanceof ArrayBuffer ? value.byteLength : 0;
/** Bytes of `data` from an element on; a length left out is the rest. */
const part = (data: unknown, offset = 0, length?: number): number => {
  const unit = (data as Float32Array).BYTES_PER_ELEMENT ?? 1;
  return length === undefined || length === 0 ? bytesOf(data) - unit * offset : unit * length;
};

/** GPUMapMode.READ, which TypeScript's DOM types lack. */
const mapRead = 1;

function watchWebGpu(): void {
  watch(GPUAdapter, 'requestDevice', (self) => void (adapter = self));
  watch(GPUQueue, 'submit', () => void counts.submits++);
  for (const method of ['dispatchWorkgroups', 'dispatchWorkgroupsIndirect'] as const)
    watch(GPUComputePassEncoder, method, () => void counts.dispatches++);
  for (const method of ['draw', 'drawIndexed'] as const)
    watch(GPURenderPassEncoder, method, () => void counts.dispatches++);
  watch(GPUQueue, 'writeBuffer', (_, [, , data, offset, size]) => up(part(data, offset as number, size as number)));
  watch(GPUDevice, 'createBuffer', (_, [descriptor]) => {
    const { mappedAtCreation, size } = descriptor as GPUBufferDescriptor;
    if (mappedAtCreation) up(size);
  });
  watch(GPUBuffer, 'mapAsync', (self, [mode, offset = 0, size = self.size - (offset as number)]) =>
    (mode === mapRead ? down : up)(size as number),
  );
}

function watchWebGl2(): void {
  type Method = keyof WebGL2RenderingContext & string;
  const type = WebGL2RenderingContext;
  for (const method of ['drawArrays', 'drawElements', 'drawArraysInstanced', 'drawElementsInstanced'] as const)
    watch(type, method, (self) => {
      context = self;
      counts.dispatches++;
    });
  for (const method of ['texImage2D', 'texSubImage2D', 'bufferData', 'bufferSubData'] as const)
    watch(type, method, (_, args) => up(args.reduce<number>((sum, arg) => sum + bytesOf(arg), 0)));
  for (const method of Object.keys(type.prototype).filter((name) => /^uniform(Matrix)?\d/.test(name)) as Method[])
    watch(type, method, (_, args) =>
      up(/v$/.test(method) ? 4 * (args.at(-1) as ArrayLike<number>).length : 4 * (args.length - 1)),
    );
  // Into a pixel-pack buffer readPixels only copies; the bytes come down when that is read.
  watch(type, 'readPixels', (_, args) => ArrayBuffer.isView(args[6]) && down(bytesOf(args[6])));
  watch(type, 'getBufferSubData', (_, [, , data, offset, length]) =>
    down(part(data, offset as number, length as number)),
  );
}

if ('GPUQueue' in globalThis) watchWebGpu();
watchWebGl2();

/** What was counted since the last call. */
export function takeCounts(): Counts {
  const taken = counts;
  counts = zero();
  return taken;
}

/** Which GPU the page's libraries opened. */
export function gpuUsed(): string {
  if (adapter !== null) {
    const { vendor, architecture, device, description } = adapter.info;
    return [vendor, architecture, device, description].filter(Boolean).join(' ');
  }
  const names = context?.getExtension('WEBGL_debug_renderer_info');
  return names ? String(context?.getParameter(names.UNMASKED_RENDERER_WEBGL)) : 'none';
}
