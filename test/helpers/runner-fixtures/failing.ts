import { suite } from 'uvu';
import * as assert from 'uvu/assert';

const test = suite('failing');
test('right', () => {});
test('wrong', () => assert.is(1, 2, 'a wrong sum'));
test.run();
