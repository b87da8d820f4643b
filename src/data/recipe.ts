/**
 * Makes a data set from its description, in a worker thread, and data sets of modules. Not here:
 * the descriptions of the data sets (remote.ts).
 */
import { checkText, knownOptions, type OptionNames, shown } from '../arguments.js';
import { ValueError } from '../errors.js';
import { load, type UrlLike } from '../platform.js';
import { checkDataset, concatDatasets, type Dataset, mapDataset, subset } from './dataset.js';
import { ListedImages } from './image-folder.js';
import type { Recipe, SkippedReport } from './remote.js';
import { fromDescription } from './transforms/combine.js';

/** Options of `moduleDataset`. */
export interface ModuleDatasetOptions {
  /** The module's export. Default 'default'. */
  readonly name?: string;
  /** Given to the export if it is a function. It is cloned for each thread. */
  readonly argument?: unknown;
}
const moduleOptions: OptionNames<ModuleDatasetOptions> = { name: 'value', argument: 'value' };

async function importDataset(op: string, url: string, name: string, argument: unknown): Promise<Dataset<unknown>> {
  const module = await load<Record<string, unknown>>(url);
  if (!Object.hasOwn(module, name))
    throw new ValueError(
      op,
      `the module must export '${name}'`,
      `exports ${Object.keys(module).join(', ') || 'nothing'}`,
    );
  const exported = module[name];
  const dataset: unknown = typeof exported === 'function' ? await exported(argument) : exported;
  checkDataset(op, dataset, `the export '${name}'`);
  return dataset;
}

/**
 * A data set that a module of your own exports, or makes by a function. Worker threads import the
 * module themselves, so all of its work runs there, whatever functions it uses.
 * @throws ValueError if the module does not export a data set; the error of the import if it fails
 */
export async function moduleDataset<T>(url: string | UrlLike, options: ModuleDatasetOptions = {}): Promise<Dataset<T>> {
  const op = 'moduleDataset';
  const address = url instanceof URL ? url.href : url;
  checkText(op, 'url', address);
  knownOptions(op, options, moduleOptions);
  const { name = 'default', argument } = options;
  checkText(op, 'name', name);
  if (!/^[a-z][a-z\d+.-]+:/i.test(address))
    throw new ValueError(
      op,
      'url must be the address of a module',
      `url=${shown(url)}`,
      "write new URL('./data.js', import.meta.url)",
    );
  try {
    structuredClone(argument);
  } catch (error) {
    throw new ValueError(op, 'argument must be data that can be cloned', (error as Error).message);
  }
  const dataset = (await importDataset(op, address, name, argument)) as Dataset<T>;
  return {
    length: dataset.length,
    item: (index, random) => dataset.item(index, random),
    remote: { recipe: { kind: 'module', url: address, name, argument } },
  };
}

/** A data set that a thread has made. */
export interface MadeDataset {
  readonly dataset: Dataset<unknown>;
  /** Whether nothing else uses the arrays of its items, so that they can move to another thread. */
  readonly isFresh: boolean;
  /** The files that were skipped since the last call. */
  takeSkipped(): SkippedReport[];
}

/** Makes the data set of a recipe. */
export async function makeDataset(recipe: Recipe): Promise<MadeDataset> {
  const lists: { readonly id: number; readonly images: ListedImages }[] = [];
  let isFresh = true;
  const make = async (part: Recipe): Promise<Dataset<unknown>> => {
    if (part.kind === 'images') {
      const images = new ListedImages(part.list);
      lists.push({ id: part.id, images });
      return images;
    }
    if (part.kind === 'module') {
      isFresh = false;
      return importDataset('moduleDataset', part.url, part.name, part.argument);
    }
    if (part.kind === 'map') return mapDataset(await make(part.of), fromDescription(part.fn) as never);
    if (part.kind === 'subset') return subset(await make(part.of), part.indices);
    return concatDatasets(await Promise.all(part.of.map(make)));
  };
  const dataset = await make(recipe);
  return {
    dataset,
    isFresh,
    takeSkipped: () => lists.flatMap(({ id, images }) => images.skipped.splice(0).map((file) => ({ id, ...file }))),
  };
}
