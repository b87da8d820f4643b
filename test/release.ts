/**
 * Tests that the version, the changelog and the links of package.json agree, and that the release
 * check reports what a release still lacks.
 */
import { readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { disagreements, type Manifest, obstacles, releasesOf, type State } from '../scripts/release.js';
import { version } from '../src/version.js';

const test = suite('release');
const read = (file: string): string => readFileSync(new URL(`../${file}`, import.meta.url), 'utf8');

test('package.json and CHANGELOG.md agree', () => {
  assert.equal(disagreements(JSON.parse(read('package.json')), read('CHANGELOG.md')), []);
});

test('package.json and src/version.ts agree', () => {
  assert.is(version, (JSON.parse(read('package.json')) as Manifest).version);
});

test('the owner of the repository stands in package.json only', () => {
  const { repository } = JSON.parse(read('package.json')) as Manifest;
  const owner = /[\w-]+\/cedargrad/.exec(repository.url)?.[0] ?? '';
  assert.not.equal(owner, '');
  for (const file of ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', 'docs/releasing.md'])
    assert.not.ok(read(file).includes(owner), file);
});

const manifest: Manifest = {
  version: '0.2.0',
  repository: { type: 'git', url: 'git+https://github.com/someone/cedargrad.git' },
  homepage: 'https://github.com/someone/cedargrad#readme',
  bugs: 'https://github.com/someone/cedargrad/issues',
};
const changelog = '# Changelog\n\n## 0.2.0 (2027-01-31)\n\n### Added\n\n## 0.1.0 (2026-12-31)\n';
const ready: State = { changes: '', tags: ['v0.1.0'], hasFigures: true, today: '2027-01-31' };

test('headings give versions and dates', () => {
  assert.equal(releasesOf(changelog), [
    { version: '0.2.0', date: '2027-01-31' },
    { version: '0.1.0', date: '2026-12-31' },
  ]);
  assert.throws(() => releasesOf('## Unreleased\n'), /a heading must read '## 1\.2\.3 \(2026-12-31\)'/);
});

test('a version that is ready has no obstacle', () => {
  assert.equal(obstacles(manifest, changelog, ready), []);
  assert.equal(disagreements(manifest, changelog.replace('2027-01-31', 'unreleased')), []);
});

const cases: readonly (readonly [string, Partial<Manifest>, (text: string) => string, Partial<State>, RegExp])[] = [
  [
    'another homepage',
    { homepage: 'https://example.com' },
    (s) => s,
    {},
    /homepage must be https:\/\/github\.com\/someone/,
  ],
  ['another tracker', { bugs: 'https://github.com/other/cedargrad/issues' }, (s) => s, {}, /bugs must be .*someone/],
  [
    'no shorthand',
    { repository: { type: 'git', url: 'github:someone/cedargrad' } },
    (s) => s,
    {},
    /repository\.url must be git\+https:/,
  ],
  [
    'a version without heading',
    { version: '0.3.0' },
    (s) => s,
    {},
    /first heading must name package\.json's version 0\.3\.0/,
  ],
  ['versions out of order', {}, (s) => s.replace('0.1.0', '0.10.0'), {}, /0\.2\.0 must be later than 0\.10\.0/],
  ['dates out of order', {}, (s) => s.replace('2026-12', '2028-12'), {}, /must not have an earlier date/],
  ['an old version without date', {}, (s) => s.replace('2026-12-31', 'unreleased'), {}, /only the first version/],
  [
    'an unreleased version',
    {},
    (s) => s.replace('2027-01-31', 'unreleased'),
    {},
    /must be today's, 2027-01-31; got unrel/,
  ],
  ['a date of yesterday', {}, (s) => s.replace('01-31', '01-30'), {}, /must be today's/],
  ['no figures', {}, (s) => s, { hasFigures: false }, /bench\/history\/0\.2\.0\.json must exist/],
  ['a tag that exists', {}, (s) => s, { tags: ['v0.2.0'] }, /the tag v0\.2\.0 must not exist/],
  ['changes that are not committed', {}, (s) => s, { changes: ' M README.md' }, /everything must be committed/],
];
for (const [name, fields, edit, state, expected] of cases)
  test(`${name} is an obstacle`, () => {
    const found = obstacles({ ...manifest, ...fields }, edit(changelog), { ...ready, ...state });
    assert.match(found.join('\n'), expected);
    if (fields.repository === undefined) assert.is(found.length, 1, found.join('\n'));
  });

test('a placeholder for the owner is an obstacle', () => {
  const fields = JSON.parse(JSON.stringify(manifest).replaceAll('someone', 'OWNER')) as Manifest;
  assert.equal(disagreements(fields, changelog), []);
  assert.match(
    obstacles(fields, changelog, ready).join('\n'),
    /^package\.json: repository\.url must name the owner; got .*OWNER[^\n]*$/,
  );
});

test.run();
