/**
 * The layouts of PyTorch's parameters, channels first, and their conversion to the layouts here,
 * channels last. Not here: names (torch-names.ts), files (torch.ts).
 * @source torch.nn.Conv2d, ConvTranspose2d, Linear and LayerNorm, "Variables"
 */
import { checkRecord, nearestName, shown } from '../arguments.js';
import { ValueError } from '../errors.js';
import { ConvLayer } from '../nn/conv-layer.js';
import { Linear } from '../nn/linear.js';
import type { Module } from '../nn/module.js';
import { LayerNorm } from '../nn/norm.js';
import { Flatten } from '../nn/shape.js';
import type { Tensor } from '../tensor/tensor.js';
import { type Shape, sizeOf } from '../values/shape.js';

/** One tensor in PyTorch's layout. */
export interface Layout {
  /** Its shape there. */
  readonly shape: Shape;
  readonly fromTorch: (t: Tensor) => Tensor;
  readonly toTorch: (t: Tensor) => Tensor;
}

/** Sizes [C,H,W] of the images, or [C,L] of the series, by the path of a layer. */
export type FlattenedSizes = Readonly<Record<string, Shape>>;

export interface LayoutOptions {
  /**
   * The sizes [C,H,W] that were flattened into the features of a layer (a Linear, or a norm before
   * it), by the layer's path. A series has [C,L].
   */
  flatten?: FlattenedSizes;
  /**
   * The sizes [C,H,W] into which the output of a Linear is reshaped, by the layer's path. A series
   * has [C,L].
   */
  unflatten?: FlattenedSizes;
}

const unchanged = (shape: Shape): Layout => ({ shape, fromTorch: (t) => t, toTorch: (t) => t });

/**
 * A layout whose axis i is axis `axes[i]` of the view `here` of the tensor. `shape` is the shape
 * there, and `own` the one here.
 */
function permuted(own: Shape, here: Shape, axes: readonly number[], shape: Shape): Layout {
  const there = axes.map((axis) => here[axis] as number);
  const back = here.map((_, axis) => axes.indexOf(axis));
  return {
    shape,
    fromTorch: (t) => t.reshape(there).permute(back).reshape(own),
    toTorch: (t) => t.reshape(here).permute(axes).reshape(shape),
  };
}

/** Of [C,H,W] the sizes [H,W,C]. */
const channelsLast = ([channels, ...positions]: Shape): number[] => [...positions, channels as number];
/** The axes of [H,W,C] in the order [C,H,W], counted from `first`. */
const channelsFirst = (rank: number, first = 0): number[] => [
  first + rank - 1,
  ...Array.from({ length: rank - 1 }, (_, i) => first + i),
];

/** [k…,I,O] here, [O,I,k…] there. A transposed convolution swaps O and I on both sides. */
function kernelLayout(own: Shape): Layout {
  const rank = own.length;
  const axes = [rank - 1, rank - 2, ...Array.from({ length: rank - 2 }, (_, i) => i)];
  return permuted(
    own,
    own,
    axes,
    axes.map((axis) => own[axis] as number),
  );
}

/** [I,O] here, [O,I] there. The features of either may be flattened images. */
function linearLayout(own: Shape, input: Shape = [own[0] as number], output: Shape = [own[1] as number]): Layout {
  const here = [...channelsLast(input), ...channelsLast(output)];
  const axes = [...channelsFirst(output.length, input.length), ...channelsFirst(input.length)];
  return permuted(own, here, axes, [own[1] as number, own[0] as number]);
}

/** One number for each feature of a flattened image. */
const featureLayout = (own: Shape, sizes: Shape): Layout =>
  permuted(own, channelsLast(sizes), channelsFirst(sizes.length), own);

/**
 * Over several axes the channels are moved. Where a file has the sizes in the order of this
 * library, as of sequences [S,D], it is taken as it is.
 */
function normLayouts(own: Shape): Layout[] {
  if (own.length < 2) return [unchanged(own)];
  const axes = channelsFirst(own.length);
  const shape = axes.map((axis) => own[axis] as number);
  return [permuted(own, own, axes, shape), unchanged(own)];
}

/** Checks an option with sizes by path, against the number of features of each layer. */
function checkSizes(
  op: string,
  option: 'flatten' | 'unflatten',
  sizes: FlattenedSizes,
  modules: ReadonlyMap<string, Module>,
): void {
  checkRecord(op, option, sizes, 'sizes [C,H,W]');
  const linears = [...modules].filter(([, module]) => module instanceof Linear).map(([path]) => path);
  for (const [path, shape] of Object.entries(sizes)) {
    const module = modules.get(path);
    const at = `${option}['${path}']`;
    if (module === undefined || (option === 'unflatten' && !(module instanceof Linear))) {
      const near = nearestName(path, linears);
      throw new ValueError(
        op,
        `${option} must name layers of the model by path`,
        `'${path}'`,
        near === undefined ? `its Linears are ${linears.map((l) => `'${l}'`).join(', ')}` : `did you mean '${near}'?`,
      );
    }
    const isList = Array.isArray(shape) && shape.length > 1 && shape.every((n) => Number.isInteger(n) && n > 0);
    if (!isList) throw new ValueError(op, 'sizes must be [C,H,W] or [C,L]', `${at}=${shown(shape)}`);
    if (!(module instanceof Linear)) continue;
    const features = option === 'flatten' ? module.inFeatures : module.outFeatures;
    if (sizeOf(shape) !== features)
      throw new ValueError(
        op,
        'sizes must have as many elements as the layer has features',
        `${at}=${shown(shape)}, ${features} features`,
      );
  }
}

/**
 * Throws for a Linear behind a Flatten of convolved images, in the order of definition, whose sizes
 * are not given: its features would be in another order, and the results wrong without a sign.
 */
function checkFlattened(op: string, modules: ReadonlyMap<string, Module>, flatten: FlattenedSizes): void {
  let channels: number | undefined;
  let isFlat = false;
  for (const [path, module] of modules) {
    if (module instanceof ConvLayer) [channels, isFlat] = [module.outChannels, false];
    else if (module instanceof Flatten) isFlat = channels !== undefined;
    else if (module instanceof Linear) {
      // Of one position per channel the order is the same.
      if (isFlat && module.inFeatures !== channels && !Object.hasOwn(flatten, path))
        throw new ValueError(
          op,
          'a Linear after Flatten needs the sizes that were flattened, because PyTorch orders them [C,H,W]',
          `'${path}', Linear(${module.describe()})`,
          `pass flatten: { '${path}': [C, H, W] }`,
        );
      [channels, isFlat] = [undefined, false];
    }
  }
}

/** The layouts that a module's tensors can have, by the names of its fields. */
function layoutsIn(module: Module, flat: Shape | undefined, shaped: Shape | undefined): Record<string, Layout[]> {
  const of = (tensor: Tensor | null, make: (own: Shape) => Layout[]): Layout[] =>
    tensor === null ? [] : make(tensor.shape);
  if (module instanceof ConvLayer) return { weight: of(module.weight, (own) => [kernelLayout(own)]) };
  if (module instanceof Linear)
    return {
      weight: of(module.weight, (own) => [linearLayout(own, flat, shaped)]),
      bias: of(module.bias, (own) => [shaped === undefined ? unchanged(own) : featureLayout(own, shaped)]),
    };
  if (module instanceof LayerNorm && flat === undefined)
    return { weight: of(module.weight, normLayouts), bias: of(module.bias, normLayouts) };
  return {};
}

/**
 * The layouts of a model's tensors, by name. The first of each is the usual one.
 * @throws ValueError for options that do not fit the model, and for a Linear after a Flatten
 * without its sizes
 */
export function layoutsOf(
  op: string,
  model: Module,
  own: ReadonlyMap<string, Tensor>,
  { flatten = {}, unflatten = {} }: LayoutOptions,
): Map<string, readonly [Layout, ...Layout[]]> {
  const modules = new Map(model.namedModules());
  checkSizes(op, 'flatten', flatten, modules);
  checkSizes(op, 'unflatten', unflatten, modules);
  checkFlattened(op, modules, flatten);
  const layouts = new Map([...own].map(([name, t]) => [name, [unchanged(t.shape)] as [Layout, ...Layout[]]]));
  for (const [path, module] of modules) {
    const flat = Object.hasOwn(flatten, path) ? flatten[path] : undefined;
    const shaped = Object.hasOwn(unflatten, path) ? unflatten[path] : undefined;
    const prefix = path === '' ? '' : `${path}.`;
    if (flat !== undefined && !(module instanceof Linear))
      for (const [name, t] of own)
        if (name.startsWith(prefix) && t.rank === 1 && t.size === sizeOf(flat))
          layouts.set(name, [featureLayout(t.shape, flat)]);
    for (const [field, [first, ...more]] of Object.entries(layoutsIn(module, flat, shaped)))
      if (first !== undefined && layouts.has(prefix + field)) layouts.set(prefix + field, [first, ...more]);
  }
  return layouts;
}
