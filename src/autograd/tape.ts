/**
 * The recording of one step, and the comparison of later calls with it. While a step is recorded,
 * the tape stores the inputs and outputs of every operation. When the step runs again, the tape
 * returns the recorded result for each operation, provided that the operation's inputs have the
 * same state as in the recording. The kernels run later, as one plan. At the first difference, the
 * tape runs the kernels of the operations that matched so far, and the rest of the call runs as it
 * would without a tape.
 *
 * Every call gets its own tensors over the recorded memory. They end with the call, so a tensor
 * kept from one call can never show the values of another.
 *
 * Not here: when a step is recorded (compile.ts), and how a device records (device.ts, Plan).
 */
import type { Device, DeviceBuffer, HostData, KernelName, Operand, Plan, Recording } from '../device/device.js';
import type { Storage } from '../device/storage.js';
import { show } from '../errors.js';
import type { Tensor } from '../tensor/tensor.js';
import { allocate, type DType } from '../values/dtype.js';
import { type Shape, sameShape } from '../values/shape.js';
import { type Call, handle, isTracking, Node, type Op, operandOf, wrap } from './graph.js';
import { adopt } from './lifetimes.js';
import type { Walk, Watcher } from './watch.js';

/**
 * The origin of tensors that are new in every call: an entry of the tape, or the step's arguments.
 */
interface Source {
  /** The tensors of the current call. */
  now: readonly Tensor[];
}
/** Refers to a tensor of the recorded call. It leads to the counterpart in the current call. */
interface Reference {
  readonly tensor: Tensor;
  /** Null for a tensor from outside the step. Such a tensor is its own counterpart. */
  readonly source: Source | null;
  readonly index: number;
}
/** A tensor that a recorded operation read, with its state at that time. */
interface Seen extends Reference {
  readonly storage: Storage;
  readonly requiresGrad: boolean;
}
/** A tensor that the step created. `like` is the tensor of the recorded call. */
interface Made {
  readonly like: Tensor;
  readonly storage: Storage;
  readonly requiresGrad: boolean;
}
interface Span {
  /** Positions in the plan, before and after this entry. */
  readonly from: number;
  readonly to: number;
}
interface OpEntry extends Span, Source {
  readonly kind: 'op';
  readonly op: Op<never>;
  readonly inputs: readonly Seen[];
  attrs: unknown;
  readonly call: Call;
  readonly tracking: boolean;
  readonly made: readonly Made[];
  /** The inputs in the current call. */
  given: readonly Tensor[];
}
interface PlaceEntry extends Span, Source {
  readonly kind: 'place';
  readonly made: readonly [Made];
}
interface UpdateEntry extends Span {
  readonly kind: 'update';
  readonly kernel: KernelName;
  readonly inputs: readonly Seen[];
  attrs: unknown;
  readonly changed: readonly Storage[];
}
interface BackwardEntry extends Span {
  readonly kind: 'backward';
  readonly root: Seen;
  readonly given: Seen | null;
  readonly options: { readonly retainGraph?: boolean };
  readonly nodes: readonly Node[];
  /**
   * The root gradient that backward() created, if a leaf received it as its gradient; otherwise
   * null. The step may change it in place.
   */
  readonly seed: Storage | null;
  /** The results of the recorded call on which retainGrad() was called. */
  readonly retaining: ReadonlySet<Tensor>;
  readonly leaves: readonly {
    readonly leaf: Reference;
    readonly before: Storage | null;
    readonly gradient: Storage;
    readonly shape: Shape;
  }[];
}
type Entry = OpEntry | PlaceEntry | UpdateEntry | BackwardEntry;

/**
 * An argument of the step: the tape's own tensor, and the caller's tensor that was last copied into
 * it.
 */
interface Slot {
  readonly own: Tensor;
  caller: Tensor;
  storage: Storage;
  version: number;
}
/**
 * A gradient in the plan's memory, and the leaf that received it. `leaf` is null for a result of
 * the step.
 */
interface Handed {
  readonly leaf: Tensor | null;
  readonly gradient: Tensor;
}

/** The hint in the error for reading a tensor that a step created and whose call has ended. */
export const stepEnded =
  'it was made in a compiled step, whose tensors end with the call: return it from the step, in arrays or plain objects';
const gradientEnded =
  "it was a gradient of an earlier call of a compiled step: clone() it before the step's next call, or return it";

/** Compares plain data by value: numbers, text, arrays and plain objects, which attributes consist of. */
function alike(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a)) {
    if (!Array.isArray(b) || a.length !== b.length) return false;
    for (let i = 0; i < a.length; i++) if (!alike(a[i], b[i])) return false;
    return true;
  }
  // Loops count the keys, because this runs for every operation of every call and Object.keys
  // allocates an array.
  let excess = 0;
  for (const key in a) {
    if (!alike((a as Record<string, unknown>)[key], (b as Record<string, unknown>)[key])) return false;
    excess++;
  }
  for (const _ in b) excess--;
  return excess === 0;
}

const counterpart = ({ tensor, source, index }: Reference): Tensor => (source === null ? tensor : source.now[index]);
/**
 * Whether a tensor can take the place of the recorded one. If a gradient is recorded, only the
 * counterpart can, because the gradient flows to it. Otherwise any tensor with the same values can.
 * Reading a released tensor throws, as it does everywhere.
 */
const fits = (seen: Seen, now: Tensor): boolean =>
  now.storage === seen.storage &&
  now.requiresGrad === seen.requiresGrad &&
  (now === counterpart(seen) || (!seen.requiresGrad && sameShape(now.shape, seen.tensor.shape)));
function allFit(before: readonly Seen[], now: readonly Tensor[]): boolean {
  if (before.length !== now.length) return false;
  for (let i = 0; i < before.length; i++) if (!fits(before[i], now[i])) return false;
  return true;
}
const operand = ({ tensor, storage }: Seen): Operand => ({
  buffer: storage.buffer,
  shape: tensor.shape,
  dtype: tensor.dtype,
});

/** A copy of a tensor. It belongs to no graph and no scope. */
export function copyOf(t: Tensor): Tensor {
  const spec = { shape: t.shape, dtype: t.dtype };
  const [buffer] = t.device.run('cast', [operandOf(t)], {}, [spec]);
  const copy = wrap(t.device, buffer, t.shape);
  copy.madeBy = 'compiled step';
  return copy;
}

/** Copies a tensor's values into a storage of the same size and dtype. */
function copyInto(t: Tensor, to: Storage): void {
  t.device.run('cast', [operandOf(t)], {}, [{ shape: t.shape, dtype: t.dtype }], [to.buffer]);
  to.touch();
}

export class Tape implements Watcher {
  readonly #device: Device;
  readonly #entries: Entry[] = [];
  readonly #slots: readonly Slot[];
  readonly #arguments: Source = { now: [] };
  /** How many references the tape holds to each storage in the plan's memory. */
  readonly #held = new Map<Storage, number>();
  /** The storages that the step changes in place. */
  readonly #changed = new Set<Storage>();
  /** Tensors from outside the step that receive gradients in it. */
  readonly #leaves = new Set<Tensor>();
  /**
   * Gradients in the plan's memory that leaves may still hold, from the current call and from
   * earlier ones.
   */
  #handed: Handed[] = [];
  #earlier: Handed[] = [];
  #plan: Plan | null = null;
  /**
   * The index of the next entry, and the position in the plan up to which kernels have run in this
   * call.
   */
  #cursor = 0;
  #done = 0;
  /** The state of the recording in progress, or null once it is finished. */
  #recording: {
    readonly device: Recording;
    /** The position in the plan where the next entry begins. */
    start: number;
    readonly origins: Map<Tensor, { readonly source: Source; readonly index: number }>;
    readonly nodes: Set<Node>;
    /** Memory that does not belong to the plan. */
    readonly outside: Set<Storage>;
  } | null;
  /** Why the recording cannot be used (any longer), or null if it can. */
  broken: string | null = null;

  /** Starts recording. */
  constructor(device: Device, args: readonly Tensor[]) {
    this.#device = device;
    this.#slots = args.map((caller) => {
      const { storage } = caller;
      return { own: copyOf(caller).keep(), caller, storage, version: storage.version };
    });
    for (const { own } of this.#slots) this.#hold(own.storage);
    const recording = device.record?.();
    if (recording === undefined) throw new Error(`${device} does not record`);
    this.#recording = {
      device: recording,
      start: 0,
      origins: new Map(),
      nodes: new Set(),
      outside: new Set(),
    };
  }

  // ---- start and end of a call

  /** Begins a call. Returns the tensors that the step receives in place of its tensor arguments. */
  begin(args: readonly Tensor[]): readonly Tensor[] {
    const earlier: Handed[] = [];
    for (const list of [this.#earlier, this.#handed]) for (const h of list) if (!h.gradient.released) earlier.push(h);
    this.#earlier = earlier;
    this.#handed = [];
    this.#cursor = 0;
    this.#done = 0;
    this.#flush();
    const now = this.#slots.map((slot, i) => {
      const caller = args[i];
      const { storage } = caller;
      slot.caller = caller;
      if (slot.storage !== storage || slot.version !== storage.version) {
        this.#saveGradients(slot.own.storage);
        copyInto(caller, slot.own.storage);
        slot.storage = storage;
        slot.version = storage.version;
      }
      const t = adopt(handle(slot.own.storage, slot.own.shape, false));
      t.madeBy = caller.madeBy;
      return t;
    });
    this.#arguments.now = now;
    now.forEach((t, index) => {
      this.#recording?.origins.set(t, { source: this.#arguments, index });
    });
    return now;
  }

  /** Ends a call. `completed` is false if the step threw. */
  end(completed: boolean): void {
    if (this.#recording !== null) {
      if (!completed) this.broken ??= 'it threw';
      if (this.#keeps()) this.broken ??= 'it keeps a tensor that it made (return it instead)';
      const recording = this.#recording.device;
      this.#recording = null;
      this.#plan = recording.end();
    } else if (this.broken === null) {
      if (this.#keeps()) this.#leave('it keeps a tensor that it made (return it instead)');
      else if (completed && this.#cursor < this.#entries.length)
        this.#leave('it ended earlier than when it was recorded');
      else this.#catchUp();
    }
    this.#findGradients();
  }

  /**
   * Registers the gradients that the step itself assigned to leaves in place of the ones they
   * received, as gradient clipping does.
   */
  #findGradients(): void {
    for (const leaf of this.#leaves) {
      const gradient = leaf.grad;
      if (gradient === null || gradient.released || this.#handed.some((h) => h.gradient === gradient)) continue;
      if (this.#held.has(gradient.storage)) this.#handed.push({ leaf, gradient });
    }
  }

  /** Whether keep() exempts one of this call's tensors from release at the end of the call. */
  #keeps(): boolean {
    for (const t of this.#arguments.now) if (t.kept) return true;
    for (const e of this.#entries)
      if (e.kind === 'op' || e.kind === 'place') for (const t of e.now) if (t.kept) return true;
    return false;
  }

  /**
   * Whether the program holds a tensor in the plan's memory. The next call would change its values.
   */
  get occupied(): boolean {
    const known = new Map<Storage, number>();
    for (const list of [this.#earlier, this.#handed])
      for (const { gradient } of list) {
        if (gradient.released) continue;
        if (gradient.kept) return true;
        known.set(gradient.storage, (known.get(gradient.storage) ?? 0) + 1);
      }
    for (const [storage, own] of this.#held)
      if (storage.references > own && storage.references > own + (known.get(storage) ?? 0)) return true;
    return false;
  }

  /** Whether the step changes one of these tensors in place. */
  changes(tensors: readonly Tensor[]): boolean {
    return tensors.some((t) => this.#changed.has(t.storage));
  }

  /** Releases all memory that the tape holds. */
  dispose(): void {
    for (const entry of this.#entries) {
      if (entry.kind === 'op' || entry.kind === 'place') for (const { storage } of entry.made) storage.release();
      else if (entry.kind === 'backward') for (const { gradient } of entry.leaves) gradient.release();
    }
    for (const { own } of this.#slots) own.unkeep().release();
    this.#entries.length = 0;
    this.#held.clear();
    this.#plan?.dispose();
  }

  // ---- recording

  #add(entry: Entry): void {
    this.#entries.push(entry);
    if (this.#recording !== null) this.#recording.start = entry.to;
  }
  #span(): Span {
    const { device, start } = this.#recording as { device: Recording; start: number };
    return { from: start, to: device.position() };
  }
  #hold(storage: Storage): void {
    this.#held.set(storage, (this.#held.get(storage) ?? 0) + 1);
  }
  #reference(tensor: Tensor): Reference {
    return { tensor, ...(this.#recording?.origins.get(tensor) ?? { source: null, index: 0 }) };
  }
  #seen(tensor: Tensor): Seen {
    const reference = this.#reference(tensor);
    if (reference.source === null) this.#recording?.outside.add(tensor.storage);
    return { ...reference, storage: tensor.storage, requiresGrad: tensor.requiresGrad };
  }
  /** Whether operations are being added to the tape. */
  get #writing(): boolean {
    return this.#recording !== null && this.broken === null;
  }
  /** Refuses to record tensors of another device. Returns whether there was one. */
  #foreign(tensors: readonly Tensor[]): boolean {
    const odd = tensors.find((t) => t.device !== this.#device);
    if (odd !== undefined) this.refuse(`a tensor on ${odd.device}`);
    return odd !== undefined;
  }
  #made(like: Tensor, isView: boolean): Made {
    const storage = like.storage.retain();
    if (!isView || this.#held.has(storage)) this.#hold(storage);
    return { like, storage, requiresGrad: like.requiresGrad };
  }

  applied(op: Op<never>, inputs: readonly Tensor[], attrs: unknown, call: Call, outputs: readonly Tensor[]): void {
    const recording = this.#recording;
    if (recording === null || !this.#writing || this.#foreign(outputs)) return;
    const entry: OpEntry = {
      kind: 'op',
      op,
      inputs: inputs.map((t) => this.#seen(t)),
      attrs,
      call,
      tracking: isTracking(),
      made: outputs.map((t) => this.#made(t, call.kernel === 'view')),
      now: outputs,
      given: inputs,
      ...this.#span(),
    };
    outputs.forEach((t, index) => {
      recording.origins.set(t, { source: entry, index });
      if (t.node !== null) recording.nodes.add(t.node);
    });
    this.#add(entry);
  }

  placed(tensor: Tensor): void {
    const recording = this.#recording;
    if (recording === null || !this.#writing || this.#foreign([tensor])) return;
    const entry: PlaceEntry = { kind: 'place', made: [this.#made(tensor, false)], now: [tensor], ...this.#span() };
    recording.origins.set(tensor, { source: entry, index: 0 });
    this.#add(entry);
  }

  updated(kernel: KernelName, inputs: readonly Tensor[], attrs: unknown, changed: readonly Tensor[]): void {
    this.#passOn(changed);
    if (!this.#writing || this.#foreign(changed)) return;
    const storages = changed.map((t) => t.storage);
    for (const storage of storages) this.#changed.add(storage);
    const seen = inputs.map((t) => this.#seen(t));
    this.#add({ kind: 'update', kernel, inputs: seen, attrs, changed: storages, ...this.#span() });
  }

  /**
   * Copies an in-place change of an argument, or of memory that an argument shares, to every tensor
   * that represents that argument: the caller's tensor and the copies that the step received.
   */
  #passOn(changed: readonly Tensor[]): void {
    for (const t of changed) {
      const caller = this.#slots.find(({ own }) => own.storage === t.storage)?.storage ?? t.storage;
      const slots = this.#slots.filter(({ storage }) => storage === caller);
      if (slots.length === 0) continue;
      this.refuse('an argument that changes in place (use the tensor from outside the step)');
      for (const to of [caller, ...slots.map(({ own }) => own.storage)]) if (to !== t.storage) copyInto(t, to);
    }
  }

  walked(
    root: Tensor,
    given: Tensor | undefined,
    options: BackwardEntry['options'] & { readonly createGraph?: boolean },
    { nodes, seed }: Walk,
    before: ReadonlyMap<Tensor, Storage | null>,
  ): void {
    const recording = this.#recording;
    if (recording === null || !this.#writing || this.#foreign([root])) return;
    if (options.createGraph === true) this.refuse('createGraph');
    else if (nodes.some((node) => !recording.nodes.has(node))) this.refuse('a graph that was made outside of it');
    else if (!this.#steady()) this.refuse('a requiresGrad that changes between forward and backward');
    if (this.broken !== null) return;
    const seenGiven = given === undefined ? null : this.#seen(given);
    const leaves = [...before].map(([leaf, had]) => {
      const gradient = leaf.grad as Tensor;
      const storage = gradient.storage.retain();
      if (!recording.outside.has(storage)) this.#hold(storage);
      const reference = this.#reference(leaf);
      if (reference.source === null) this.#leaves.add(leaf);
      this.#handed.push({ leaf: reference.source === null ? leaf : null, gradient });
      return { leaf: reference, before: had, gradient: storage, shape: gradient.shape };
    });
    const results = this.#entries.flatMap((e) => (e.kind === 'op' ? e.now : []));
    this.#add({
      kind: 'backward',
      root: this.#seen(root),
      given: seenGiven,
      options: { ...options },
      nodes,
      seed: given === undefined && leaves.some(({ gradient }) => gradient === seed) ? seed : null,
      retaining: new Set(results.filter((t) => t.retainsGrad)),
      leaves,
      ...this.#span(),
    });
  }

  refuse(what: string): void {
    if (this.#recording !== null) this.broken ??= `it uses ${what}`;
    else if (this.broken === null) this.#leave(`it uses ${what}`);
  }

  // ---- replaying

  /** Runs the kernels of all operations that have matched so far. */
  #catchUp(): void {
    const to = this.#cursor === 0 ? 0 : this.#entries[this.#cursor - 1].to;
    if (to <= this.#done) return;
    if (this.#done === 0) this.#saveGradients(null);
    this.#plan?.run(this.#done, to);
    this.#done = to;
  }

  /**
   * Runs the commands that the device has queued. The host writes the plan's input buffers
   * immediately, and queued commands may still read them.
   */
  #flush(): void {
    this.#plan?.run(0, 0);
  }

  /**
   * Saves the gradients of earlier calls before their memory (or only the storage `written`) is
   * overwritten. A leaf that still has such a gradient gets a copy. The original tensor ends, even
   * if the program holds it elsewhere.
   */
  #saveGradients(written: Storage | null): void {
    for (const { leaf, gradient } of this.#earlier) {
      if (gradient.released || (written !== null && gradient.storage !== written)) continue;
      if (leaf?.grad === gradient) leaf.grad = copyOf(gradient);
      gradient.release();
      gradient.hint = gradientEnded;
      if (written !== null) this.#flush();
    }
  }

  /**
   * Leaves the recording because the call differs from it. Computes the operations that matched so
   * far; everything after them runs as usual.
   */
  #leave(reason: string): void {
    this.broken = reason;
    this.#catchUp();
    const met = this.#entries.slice(0, this.#cursor);
    const nodes = new Map<Node, Node>();
    for (const e of met) {
      // A new node saves the present versions, so the updates that followed it must increase the
      // versions once more.
      if (e.kind === 'update') for (const storage of e.changed) storage.touch();
      else if (e.kind === 'op') renew(e, nodes);
      else if (e.kind === 'backward' && e.options.retainGraph !== true)
        for (const node of e.nodes) nodes.get(node)?.end();
    }
  }

  /**
   * The next entry, if it has this kind and `matches` returns null. Otherwise leaves the recording.
   */
  #next<K extends Entry['kind']>(
    kind: K,
    matches: (entry: Extract<Entry, { kind: K }>) => string | null,
  ): Extract<Entry, { kind: K }> | null {
    if (this.#recording !== null || this.broken !== null) return null;
    const entry = this.#entries[this.#cursor] as Extract<Entry, { kind: K }> | undefined;
    const problem =
      entry === undefined ? 'it went on' : entry.kind !== kind ? `${entry.kind} became ${kind}` : matches(entry);
    if (problem === null) {
      this.#cursor++;
      return entry as Extract<Entry, { kind: K }>;
    }
    this.#leave(problem);
    return null;
  }

  /** Creates this call's own tensors over the memory of the recorded results. */
  #hand(entry: OpEntry | PlaceEntry): Tensor[] {
    const now: Tensor[] = [];
    for (const { like, storage, requiresGrad } of entry.made) {
      const t = handle(storage, like.shape, requiresGrad);
      t.node = like.node;
      t.owner = like.owner;
      t.madeBy = like.madeBy;
      now.push(adopt(t));
    }
    entry.now = now;
    return now;
  }

  apply(op: Op<never>, inputs: readonly Tensor[], attrs: unknown): Tensor[] | null {
    const entry = this.#next('op', (e) => {
      if (e.op !== op) return `${e.op.name} became ${op.name}`;
      if (!allFit(e.inputs, inputs))
        return `${op.name} was given another tensor (pass what changes as an argument), or one frozen or unfrozen`;
      if (e.tracking !== isTracking()) return `${op.name} came under noGrad(), or out of it`;
      if (alike(e.attrs, attrs) || this.#adjust(e, op, inputs, attrs)) return null;
      return `${op.name} was given another number, or was recorded for another shape`;
    });
    if (entry === null) return null;
    entry.given = inputs;
    return this.#hand(entry);
  }

  /**
   * Writes changed attributes of an operation into the plan. Only an operation without a graph node
   * qualifies, since no gradient depends on its attributes.
   */
  #adjust(entry: OpEntry, op: Op<never>, inputs: readonly Tensor[], attrs: unknown): boolean {
    if (entry.made[0].like.node !== null) return false;
    const call = op.plan(inputs, attrs as never);
    if (call.kernel === 'view' || entry.call.kernel !== call.kernel || !alike(call.outputs, entry.call.outputs))
      return false;
    const buffers = entry.made.map(({ storage }) => storage.buffer);
    if (
      !(this.#plan as Plan).rewrite(
        entry.from,
        call.kernel,
        entry.inputs.map(operand),
        call.attrs,
        call.outputs,
        buffers,
      )
    )
      return false;
    entry.attrs = attrs;
    return true;
  }

  place(device: Device, data: HostData, dtype: DType, shape: Shape): Tensor | null {
    const entry = this.#next('place', ({ made: [{ like }] }) =>
      like.device === device && like.dtype === dtype && sameShape(like.shape, shape)
        ? null
        : `a tensor of ${show(like.shape)} became one of ${show(shape)}`,
    );
    if (entry === null) return null;
    const [{ storage }] = entry.made;
    this.#saveGradients(storage);
    (this.#plan as Plan).write(storage.buffer, data);
    return this.#hand(entry)[0];
  }

  update(kernel: KernelName, inputs: readonly Tensor[], attrs: unknown, changed: readonly Tensor[]): boolean {
    const entry = this.#next('update', (e) => {
      if (
        e.kernel !== kernel ||
        !allFit(e.inputs, inputs) ||
        e.changed.length !== changed.length ||
        !e.changed.every((storage, i) => storage === changed[i].storage)
      )
        return 'other tensors are updated';
      if (alike(e.attrs, attrs)) return null;
      const specs = changed.map(({ shape, dtype }) => ({ shape, dtype }));
      const buffers: DeviceBuffer[] = changed.map(({ storage }) => storage.buffer);
      if (!(this.#plan as Plan).rewrite(e.from, kernel, e.inputs.map(operand), attrs as never, specs, buffers))
        return `${kernel} was given other numbers`;
      e.attrs = attrs;
      return null;
    });
    return entry !== null;
  }

  /** Whether the same inputs require a gradient now as when the operations so far were applied. */
  #steady(): boolean {
    const count = this.#recording === null ? this.#cursor : this.#entries.length;
    for (let i = 0; i < count; i++) {
      const e = this.#entries[i];
      if (e.kind !== 'op') continue;
      for (let k = 0; k < e.inputs.length; k++) if (e.given[k].requiresGrad !== e.inputs[k].requiresGrad) return false;
    }
    return true;
  }

  /** Whether retainGrad() was called on the same results as in the recording. */
  #sameRetaining(retaining: ReadonlySet<Tensor>): boolean {
    for (let i = 0; i < this.#cursor; i++) {
      const e = this.#entries[i];
      if (e.kind !== 'op') continue;
      for (let k = 0; k < e.now.length; k++) if (e.now[k].retainsGrad !== retaining.has(e.made[k].like)) return false;
    }
    return true;
  }

  backward(root: Tensor, given: Tensor | undefined, options: object): boolean {
    const entry = this.#next('backward', (e) => {
      if (!fits(e.root, root) || !alike(e.options, options)) return 'another tensor is differentiated';
      if (given === undefined ? e.given !== null : e.given === null || !fits(e.given, given))
        return 'another gradient is given to backward()';
      if (!this.#steady()) return 'a tensor was frozen or unfrozen between forward and backward';
      if (!this.#sameRetaining(e.retaining)) return 'retainGrad() was called for other results';
      const odd = e.leaves.find(({ leaf, before }) => (counterpart(leaf).grad?.storage ?? null) !== before);
      return odd === undefined ? null : 'gradients are added to those of an earlier step (call zeroGrad() in the step)';
    });
    if (entry === null) return false;
    if (entry.seed !== null) {
      this.#saveGradients(entry.seed);
      (this.#plan as Plan).write(entry.seed.buffer, allocate(entry.seed.dtype, 1).fill(1));
    }
    for (const { leaf: reference, gradient: storage, shape } of entry.leaves) {
      const leaf = counterpart(reference);
      leaf.grad?.release();
      // The next run of the plan changes the gradient. The new version shows this to all code that
      // compares versions.
      storage.touch();
      leaf.grad = handle(storage, shape, false);
      this.#handed.push({ leaf: reference.source === null ? leaf : null, gradient: leaf.grad });
    }
    return true;
  }

  read(): void {
    if (this.#recording === null && this.broken === null) this.#catchUp();
  }
}

/**
 * Gives the results of this call a graph node of their own, as if the operation had just been
 * applied.
 */
function renew({ op, attrs, made, given, now }: OpEntry, nodes: Map<Node, Node>): void {
  const recorded = made.find(({ like }) => like.node !== null)?.like.node ?? null;
  const node = recorded === null ? null : new Node(op, attrs, given, now);
  if (recorded !== null && node !== null) nodes.set(recorded, node);
  for (const t of now) {
    if (t.node !== null) t.node = node;
    else if (t.owner !== null) t.owner = nodes.get(t.owner) ?? t.owner;
  }
}
