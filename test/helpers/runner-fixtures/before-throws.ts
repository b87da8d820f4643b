import { suite } from 'uvu';

const test = suite('before throws');
test.before(() => {
  throw new Error('no set-up');
});
test('never reached', () => {});
test.run();
