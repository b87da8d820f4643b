/**
 * The folder of a run: the names of its files, its configuration, and which images it trains on.
 * Not here: what a configuration means (config.ts), checkpoints (train/checkpoint-file.ts).
 */
import { readFile, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { writeFileAtomic } from '../io/files.js';
import { version } from '../version.js';
import { checkConfig, type GivenConfig, type RunConfig, withPaths } from './config.js';
import { RunError, UsageError } from './errors.js';

const names = {
  config: 'config.json',
  images: 'images.json',
  best: 'best.safetensors',
  last: 'last.checkpoint',
  log: 'log.csv',
  report: 'report.html',
} as const;
export type RunFiles = Readonly<Record<keyof typeof names, string>>;

/** The paths of a run's files. */
export const filesOf = (run: string): RunFiles =>
  Object.fromEntries(Object.entries(names).map(([key, name]) => [key, join(run, name)])) as RunFiles;

/** The title of a run's report. */
export const titleOf = (run: string): string => `Training report: ${basename(resolve(run))}`;

/** The names of the images of a run, as paths from its data folder. */
export interface RunImages {
  readonly training: readonly string[];
  readonly validation: readonly string[];
  readonly skipped: readonly { readonly file: string; readonly reason: string }[];
}

type SystemError = NodeJS.ErrnoException;
const isMissing = (error: unknown): boolean => ['ENOENT', 'ENOTDIR'].includes((error as SystemError).code ?? '');

export const exists = async (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    (error: unknown) => {
      if (isMissing(error)) return false;
      throw error;
    },
  );

async function readJson(path: string): Promise<unknown> {
  const content = await readFile(path, 'utf8');
  try {
    return JSON.parse(content);
  } catch (error) {
    throw new UsageError(`${path} must be JSON: ${(error as Error).message}`);
  }
}

/**
 * A configuration that a person wrote. Its paths are relative to the file.
 * @throws UsageError for a file that is missing, no JSON, or has a wrong key
 */
export async function readConfig(path: string): Promise<GivenConfig> {
  let value: unknown;
  try {
    value = await readJson(path);
  } catch (error) {
    if (!isMissing(error)) throw error;
    throw new UsageError(`--config must name a file; there is none at '${path}'`);
  }
  return withPaths(checkConfig(value), (to) => resolve(dirname(path), to));
}

/** The folder in which a run has begun. @throws RunError if there is none */
export async function readRun(run: string): Promise<{ files: RunFiles; config: RunConfig; images: RunImages }> {
  const files = filesOf(run);
  if (!(await exists(files.config)))
    throw new RunError(`there is no run in '${run}', because it has no ${names.config}; cedargrad train makes one`);
  const given = checkConfig(await readJson(files.config), files.config);
  const missing = wholeKeys.find((key) => given[key] === undefined);
  if (missing !== undefined) throw new RunError(`${files.config} must be as train wrote it; ${missing} is missing`);
  const config = withPaths(given, (to) => resolve(run, to)) as RunConfig;
  return { files, config, images: await readImages(files.images) };
}

async function readImages(path: string): Promise<RunImages> {
  const value = (await readJson(path).catch((error: unknown) => {
    if (isMissing(error)) return null;
    throw error;
  })) as RunImages | null;
  const isNames = (list: unknown): boolean => Array.isArray(list) && list.every((name) => typeof name === 'string');
  if (isNames(value?.training) && isNames(value?.validation)) return value as RunImages;
  throw new RunError(`${path} must list the images of the run, as train wrote it`);
}

const wholeKeys = [
  ...(['data', 'transforms', 'noise', 'model', 'loss', 'optimizer', 'schedule', 'epochs'] as const),
  ...(['batchSize', 'seed', 'device', 'ema', 'earlyStopping', 'clipNorm'] as const),
];

/** The configuration as the file has it, with paths relative to the run. */
export const writtenConfig = (run: string, config: RunConfig): object => ({
  cedargrad: version,
  ...withPaths(config, (to) => relative(resolve(run), to).replaceAll('\\', '/') || '.'),
});

export const writeConfig = (run: string, config: RunConfig): Promise<void> =>
  writeJson(filesOf(run).config, writtenConfig(run, config));

/** Writes JSON for people, with short lists in one line. */
const writeJson = (path: string, value: unknown): Promise<void> => {
  const lines = JSON.stringify(value, null, 2);
  const short = lines.replace(/\[\n[^[\]{}"]*\]/g, (list) =>
    list.replace(/\s+/g, ' ').replace('[ ', '[').replace(' ]', ']'),
  );
  return writeFileAtomic(path, `${short}\n`);
};

/** Whether a folder has any file of a run. */
export async function hasRun(run: string): Promise<boolean> {
  const found = await Promise.all(Object.values(filesOf(run)).map(exists));
  return found.includes(true);
}

/** Makes the folder of a new run, in place of one that is there. */
export async function beginRun(run: string, config: RunConfig, images: RunImages): Promise<RunFiles> {
  const files = filesOf(run);
  // Where nothing can be written, this fails first, and the old run stays.
  await writeConfig(run, config);
  const { config: _, ...others } = files;
  await Promise.all(Object.values(others).map((file) => rm(file, { force: true })));
  await writeJson(files.images, images);
  return files;
}
