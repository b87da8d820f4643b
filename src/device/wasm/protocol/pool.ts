/** Words of the pooling commands. Both sides compile this file, see command.ts. */

/** The words of a geometry. They follow the three own words of a command. */
export enum GeometryWord {
  batch = 3,
  height,
  width,
  channels,
  outHeight,
  outWidth,
  kernelH,
  kernelW,
  strideH,
  strideW,
  dilationH,
  dilationW,
  /** Padding above and left of the input. */
  beforeH,
  beforeW,
}

export enum MaxPool2dWord {
  x,
  values,
  indices,
  /** Follows the geometry. A NanCode. */
  nan = 17,
}

/**
 * If there is a gate, a value passes only where the gate's element is positive or NaN. This is
 * relu's gradient.
 */
export enum MaxUnpool2dWord {
  values,
  indices,
  to,
  /** Follows the geometry. An address, or 0. */
  gate = 17,
}

export enum MaxUnpool2dScatterWord {
  values,
  indices,
  to,
  batch,
  /** Pixels of an image of `to`. */
  pixels,
  channels,
  /** Pixels of an image of `values`. */
  count,
}

export enum PlaneGatherWord {
  x,
  indices,
  to,
  batch,
  /** Pixels of an image of `x`. */
  pixels,
  channels,
  /** Pixels of an image of `to`. */
  count,
  /** Pixels per chunk. */
  share,
}

export enum UnpoolPickWord {
  values,
  indices,
  to,
  /** Temporary memory, one word per cell of the plane. */
  winners,
  batch,
  /** Pixels of an image. */
  pixels,
  channels,
  /** Pixels of an image of `values`. */
  count,
  /** A PickCode. */
  pick,
}

/** A geometry follows. */
export enum AvgPool2dWord {
  x,
  to,
  /** 0 stands for the number of a window's cells inside the input. */
  divisor,
}

/** A geometry follows. */
export enum AvgPool2dGradWord {
  g,
  to,
  /** 0 stands for the number of a window's cells inside the input. */
  divisor,
}
