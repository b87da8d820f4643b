/** docs/examples.md: it has each example, with its number of lines, and no example is long. */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

const test = suite('page of examples');
const repository = fileURLToPath(new URL('../..', import.meta.url));
const read = (file: string): string => readFileSync(`${repository}${file}`, 'utf8');
const mostLines = 80;

const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
const examples = readdirSync(`${repository}examples`)
  .map((file) => file.replace(/\.ts$/, ''))
  .filter((name) => scripts[name]?.includes(`examples/${name}.ts`));

test('each example has at most 80 lines, and the page says how many', () => {
  assert.ok(examples.length >= 8, examples.join(', '));
  const page = read('docs/examples.md');
  for (const name of examples) {
    const lines = read(`examples/${name}.ts`).split('\n').length - 1;
    assert.ok(lines <= mostLines, `${name}: ${lines} lines`);
    assert.match(page, new RegExp(`^\\| \`npm run ${name}\` \\| ${lines} \\|`, 'm'));
    assert.match(
      page,
      new RegExp(`^## ${name}\\n\\n\\[examples/${name}\\.ts\\]\\(\\.\\./examples/${name}\\.ts\\) `, 'm'),
    );
    assert.match(page, new RegExp(`^!\\[.{20,}\\]\\(images/${name}\\.png\\)$`, 'm'));
  }
});

test.run();
