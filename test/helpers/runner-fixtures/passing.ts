import { suite } from 'uvu';

const test = suite('passing');
test('one', () => {});
test('two', () => {});
test.run();
