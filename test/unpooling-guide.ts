/**
 * The pictures of docs/unpooling.md are those that the script draws now, and its links lead to its
 * headings. Not here: its programs (documents.ts).
 */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { pictures } from '../scripts/unpooling-pictures.js';
import { decodePng } from '../src/io/png.js';

const repository = fileURLToPath(new URL('..', import.meta.url));
const folder = `${repository}docs/images/unpooling`;
const guide = readFileSync(`${repository}docs/unpooling.md`, 'utf8');

const test = suite('unpooling guide');

test('the folder holds the pictures of the script and no others', () => {
  assert.equal(
    readdirSync(folder).sort(),
    Object.keys(pictures)
      .map((name) => `${name}.png`)
      .sort(),
  );
});

for (const [name, make] of Object.entries(pictures))
  test(`picture ${name}: current, small, and shown`, () => {
    const bytes = readFileSync(`${folder}/${name}.png`);
    const { width, height, data } = decodePng(bytes);
    const now = make();
    assert.equal([width, height], [now.width, now.height], 'npm run unpooling-pictures');
    assert.ok(Buffer.from(data).equals(now.data), 'npm run unpooling-pictures');
    assert.ok(bytes.length < 20_000, `${bytes.length} bytes`);
    assert.ok(guide.includes(`](images/unpooling/${name}.png)`), 'the guide shows it');
  });

test('links within the guide lead to headings', () => {
  const headings = [...guide.matchAll(/^#+ (.*)$/gm)].map(([, title]) =>
    title
      .toLowerCase()
      .replace(/[^a-z0-9 -]/g, '')
      .replaceAll(' ', '-'),
  );
  for (const [, anchor] of guide.matchAll(/\]\(#([^)]+)\)/g)) assert.ok(headings.includes(anchor), anchor);
});

test.run();
