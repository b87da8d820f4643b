/**
 * What must hold before a version is published: docs/releasing.md.
 * usage: npm run release-check   says what is missing
 * Not here: tests, sizes and the package itself, which .ci/run checks.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

/** The fields of package.json that a release is about. */
export interface Manifest {
  readonly version: string;
  /** The owner stands in its url, and the two fields below follow from it. */
  readonly repository: { readonly type: string; readonly url: string };
  readonly homepage: string;
  readonly bugs: string;
}

/** What stands in place of the owner's name until there is one. */
const placeholder = 'OWNER';

/** The headings of a changelog, newest first: `## 1.2.3 (2026-12-31)`, or `(unreleased)`. */
export function releasesOf(changelog: string): { version: string; date: string }[] {
  const headings = [...changelog.matchAll(/^## (.*)$/gm)].map(([, text]) => text);
  return headings.map((text) => {
    const [, version, date] = /^(\d+\.\d+\.\d+) \((unreleased|\d{4}-\d{2}-\d{2})\)$/.exec(text) ?? [];
    if (version === undefined)
      throw new Error(
        `changelog: a heading must read '## 1.2.3 (2026-12-31)' or '## 1.2.3 (unreleased)'; got '${text}'`,
      );
    return { version, date };
  });
}

const numbers = (version: string): number[] => version.split('.').map(Number);
/** Whether version a is later than b. */
const isLater = (a: string, b: string): boolean => {
  const [before, after] = [numbers(b), numbers(a)];
  const first = after.findIndex((part, i) => part !== before[i]);
  return first >= 0 && after[first] > before[first];
};

/** What must hold at any time, also between releases. */
export function disagreements({ version, repository: { url }, homepage, bugs }: Manifest, changelog: string): string[] {
  const found: string[] = [];
  const [, page] = /^git\+(https:\/\/github\.com\/[\w-]+\/cedargrad)\.git$/.exec(url) ?? [];
  if (page === undefined)
    found.push(`package.json: repository.url must be git+https://github.com/owner/cedargrad.git; got ${url}`);
  if (homepage !== `${page}#readme`)
    found.push(`package.json: homepage must be ${page}#readme, as repository.url says; got ${homepage}`);
  if (bugs !== `${page}/issues`)
    found.push(`package.json: bugs must be ${page}/issues, as repository.url says; got ${bugs}`);
  const releases = releasesOf(changelog);
  if (releases[0]?.version !== version)
    found.push(
      `CHANGELOG.md: the first heading must name package.json's version ${version}; got ${releases[0]?.version}`,
    );
  for (const [i, { version: later, date }] of releases.slice(0, -1).entries()) {
    const { version: earlier, date: before } = releases[i + 1];
    if (!isLater(later, earlier)) found.push(`CHANGELOG.md: ${later} must be later than ${earlier}, which follows it`);
    if (before === 'unreleased') found.push(`CHANGELOG.md: only the first version may be unreleased; got ${earlier}`);
    else if (date < before) found.push(`CHANGELOG.md: ${later} must not have an earlier date than ${earlier}`);
  }
  return found;
}

/** The state of the working copy. */
export interface State {
  /** What `git status --porcelain` prints. */
  readonly changes: string;
  readonly tags: readonly string[];
  /** Whether bench/history has figures of this version. */
  readonly hasFigures: boolean;
  /** YYYY-MM-DD. */
  readonly today: string;
}

/** What keeps the version from being published. */
export function obstacles(
  manifest: Manifest,
  changelog: string,
  { changes, tags, hasFigures, today }: State,
): string[] {
  const { version, repository } = manifest;
  const found = disagreements(manifest, changelog);
  const date = releasesOf(changelog)[0]?.date;
  if (repository.url.includes(`/${placeholder}/`))
    found.push(`package.json: repository.url must name the owner; got ${repository.url}`);
  if (date !== today) found.push(`CHANGELOG.md: the date of ${version} must be today's, ${today}; got ${date}`);
  if (!hasFigures) found.push(`bench/history/${version}.json must exist: npm run history -- --save`);
  if (tags.includes(`v${version}`)) found.push(`git: the tag v${version} must not exist yet`);
  if (changes !== '') found.push(`git: everything must be committed; got\n${changes}`);
  return found;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const read = (file: string): string => readFileSync(join(root, file), 'utf8');
  const git = (...args: string[]): string => execFileSync('git', args, { cwd: root, encoding: 'utf8' }).trimEnd();
  const manifest = JSON.parse(read('package.json')) as Manifest;
  const found = obstacles(manifest, read('CHANGELOG.md'), {
    changes: git('status', '--porcelain'),
    tags: git('tag').split('\n'),
    hasFigures: existsSync(join(root, 'bench/history', `${manifest.version}.json`)),
    today: new Date().toISOString().slice(0, 10),
  });
  for (const obstacle of found) console.log(obstacle);
  if (found.length === 0) console.log(`${manifest.version} may be published`);
  process.exitCode = found.length === 0 ? 0 : 1;
}
