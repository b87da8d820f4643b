/**
 * The buffers of a device. A buffer holds a view of an array or, while its result is deferred, the
 * computation of it. The content of a buffer may be replaced, because arrays are written only once.
 * Not here: which results are deferred (fusion.ts), and until when (scheduler.ts).
 */
import { DeviceError } from '../../errors.js';
import type { DType } from '../../values/dtype.js';
import { sizeOf } from '../../values/shape.js';
import { DeviceBuffer, type Spec } from '../device.js';
import type { View } from './arrays.js';
import type { Computation, Launcher } from './launcher.js';
import type { Session } from './session.js';

type Content = View | Computation;

export class GpuBuffer extends DeviceBuffer {
  /** What the buffer holds. Null once it is freed. */
  content: Content | null;

  constructor(dtype: DType, size: number, content: Content) {
    super(dtype, size);
    this.content = content;
  }
}

export const isDeferred = (content: Content): content is Computation => 'launches' in content;

/** The gpu device's buffer behind the device contract's type. */
export function ownBuffer(buffer: DeviceBuffer): GpuBuffer {
  if (!(buffer instanceof GpuBuffer))
    throw new DeviceError(
      'gpu',
      "a buffer must be this device's own",
      `a ${buffer.dtype} buffer of ${buffer.size} elements of another device`,
      'move the tensor with to(device)',
    );
  return buffer;
}

/** Gives up what a buffer holds. */
function empty(buffer: GpuBuffer): void {
  const { content } = buffer;
  buffer.content = null;
  if (content === null) return;
  if (isDeferred(content)) for (const { array } of content.views) array.release();
  else content.array.release();
}

/** Makes the buffers of a device, fills them, and counts those that are not freed. */
export class Buffers {
  readonly #session: Session;
  readonly #launcher: Launcher;
  #live = 0;

  constructor(session: Session, launcher: Launcher) {
    this.#session = session;
    this.#launcher = launcher;
  }

  /** The number of buffers that are not freed. */
  get live(): number {
    return this.#live;
  }

  /** Stores retained content in a buffer: a new one, or `into`, whose old content is released. */
  store({ shape, dtype }: Spec, content: Content, into?: DeviceBuffer): GpuBuffer {
    if (into === undefined) {
      this.#live++;
      return new GpuBuffer(dtype, sizeOf(shape), content);
    }
    const own = ownBuffer(into);
    empty(own);
    own.content = content;
    return own;
  }

  /** What a buffer holds. Throws a DeviceError if it was freed, or lost with an adapter. */
  content(name: string, { content, dtype, size }: GpuBuffer): Content {
    if (content === null)
      throw new DeviceError(name, 'a buffer must not have been freed', `a freed ${dtype} buffer of ${size} elements`);
    const { array } = isDeferred(content) ? content.views[0] : content;
    if (array.generation !== this.#session.generation)
      throw new DeviceError(
        name,
        'an array must have been made since the adapter was lost',
        'one from before',
        'load saved parameters, and upload data again',
      );
    return content;
  }

  /** The view that a buffer holds. A deferred result is computed now. */
  view(name: string, buffer: GpuBuffer): View {
    const content = this.content(name, buffer);
    if (!isDeferred(content)) return content;
    const array = this.#launcher.execute(content);
    empty(buffer);
    const view = { array, offset: 0, size: buffer.size };
    buffer.content = view;
    return view;
  }

  /** Frees a buffer, unless it is freed already. */
  free(buffer: GpuBuffer): void {
    if (buffer.content === null) return;
    this.#live--;
    empty(buffer);
  }
}
