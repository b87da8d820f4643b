/**
 * The photographs that scenes are made of, from the installed npm packages. Not here: scenes
 * (scenes.ts).
 */
import { FastRandom, ValueError } from 'cedargrad';
import { type HostArray, photographs, transforms } from 'cedargrad/data';

/** Options of `scenePhotographs`. */
export interface ScenePhotographsOptions {
  /** 'train' for the first 60 % of each along its longer side, 'test' for the rest. Default all. */
  readonly part?: 'all' | 'train' | 'test';
  /** The shorter side, before a part is taken. @units pixels. Default 480. */
  readonly shorter?: number;
}

/** Rows or columns of an image. */
function slice({ data, shape }: HostArray, axis: number, from: number, to: number): HostArray {
  const [outer, length, inner] = axis === 0 ? [1, shape[0], shape[1] * shape[2]] : [shape[0], shape[1], shape[2]];
  const out = new Float32Array(outer * (to - from) * inner);
  for (let i = 0; i < outer; i++)
    out.set(data.subarray((i * length + from) * inner, (i * length + to) * inner), i * (to - from) * inner);
  return { data: out, shape: axis === 0 ? [to - from, shape[1], shape[2]] : [shape[0], to - from, shape[2]] };
}

/**
 * The photographs of the installed npm packages, made smaller. With the default size, both parts of
 * each are large enough for scenes of 224 × 224.
 * @shape → [H,W,3] of differing sizes
 * @units 0 … 1
 * @throws ValueError for another part or a bad size; FormatError if no package is installed
 */
export async function scenePhotographs(options: ScenePhotographsOptions = {}): Promise<HostArray[]> {
  const { part = 'all', shorter = 480 } = options;
  if (part !== 'all' && part !== 'train' && part !== 'test')
    throw new ValueError('scenePhotographs', "part must be 'all', 'train' or 'test'", `part=${String(part)}`);
  const resize = transforms.resize({ shorter });
  const folder = await photographs({ cache: false });
  const list: HostArray[] = [];
  for (let i = 0; i < folder.length; i++) {
    const photograph = resize(await folder.item(i, new FastRandom(0)));
    const [height, width] = photograph.shape;
    const [axis, length] = height > width ? [0, height] : [1, width];
    const border = Math.round(0.6 * length);
    if (part === 'all') list.push(photograph);
    else list.push(part === 'train' ? slice(photograph, axis, 0, border) : slice(photograph, axis, border, length));
  }
  return list;
}
