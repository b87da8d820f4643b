import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ValueError } from '../../src/errors.js';
import { Progress } from '../../src/train/progress.js';

const progress = suite('progress');

/** A stream that remembers; with columns it is a terminal. */
function fake(columns?: number) {
  const written: string[] = [];
  return { written, isTTY: columns !== undefined, columns, write: (text: string) => written.push(text) };
}

progress('in a pipe, a line every tenth and one at the end', () => {
  const stream = fake();
  const p = new Progress(1000, { stream, label: 'cedn' });
  for (let step = 1; step <= 1000; step++)
    p.update(step, { loss: 1 / step, accuracy: step / 1000, stepsPerSecond: 50 });
  p.done();
  p.done();
  p.update(1, {});
  assert.is(stream.written.length, 10);
  assert.is(stream.written[0], 'cedn  100/1000  loss 0.01000  pixel accuracy 10.0 %  50.0 steps/s  18s left\n');
  assert.is(stream.written[9], 'cedn  1000/1000  loss 0.001000  pixel accuracy 100.0 %  50.0 steps/s\n');
});

progress('time left in minutes and hours; what is not known is not shown', () => {
  const stream = fake();
  const p = new Progress(100000, { stream });
  p.update(10000, { stepsPerSecond: 500 });
  p.update(20000, { stepsPerSecond: 10 });
  p.done();
  assert.equal(stream.written.slice(0, 2), [
    'train  10000/100000  500 steps/s  3m00s left\n',
    'train  20000/100000  10.0 steps/s  2h13m left\n',
  ]);
});

progress('few steps make no more lines than steps', () => {
  const stream = fake();
  const p = new Progress(3, { stream });
  for (let step = 1; step <= 3; step++) p.update(step, { stepsPerSecond: 1 });
  p.done();
  assert.equal(stream.written.length, 3);
});

progress('on a terminal one line is redrawn within its width', () => {
  for (const columns of [120, 60, 20]) {
    const stream = fake(columns);
    const p = new Progress(10, { stream, label: 'cedn' });
    p.update(5, { loss: 0.5, accuracy: 0.75, stepsPerSecond: 2 });
    p.done();
    const text = stream.written.join('');
    if (columns === 120) {
      assert.match(text, `[${'='.repeat(15)}${' '.repeat(15)}]`);
      assert.match(text, '5/10  loss 0.5000  pixel accuracy 75.0 %  2.00 steps/s  3s left');
    }
    // biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences take no columns
    const lines = text.replace(/\x1b(\[[0-9;?]*[A-Za-z]|[78])/g, '\n').split('\n');
    assert.ok(lines.every((line) => line.length < columns));
    assert.is(text.split('\n').length, 2, 'one line, ended once');
  }
});

progress('a terminal of no columns is written to as a pipe', () => {
  const stream = fake(0);
  const p = new Progress(2, { stream });
  p.update(2, { loss: 1 });
  p.done();
  assert.equal(stream.written.length, 1);
  assert.match(stream.written[0], /^train {2}2\/2 {2}loss 1\.000.*\n$/);
});

progress('runs where there is no process', () => {
  const module = fileURLToPath(new URL('../../src/train/progress.ts', import.meta.url));
  const code = `const exit = process.exit.bind(process);
    import(${JSON.stringify(module)}).then(({ Progress }) => { delete globalThis.process; const p = new Progress(2); p.update(1, { loss: 1 }); p.done(); }).then(() => exit(0), () => exit(1));`;
  assert.is(spawnSync(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', code]).status, 0);
});

progress('a bad total is refused', () => {
  assert.throws(
    () => new Progress(-1, { stream: fake() }),
    (e: unknown) =>
      e instanceof ValueError && e.message === 'Progress: total must be whole and not negative; got total=-1',
  );
});

progress.run();
