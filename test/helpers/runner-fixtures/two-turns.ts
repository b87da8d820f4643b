import { suite } from 'uvu';
import * as assert from 'uvu/assert';

const first = suite('first turn');
first('wrong', () => assert.unreachable('forgotten by the exit code'));
first.run();
await new Promise((wake) => setTimeout(wake, 50));
const second = suite('second turn');
second('right', () => {});
second.run();
