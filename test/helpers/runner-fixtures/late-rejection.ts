import { suite } from 'uvu';

const test = suite('late rejection');
test('passes', () => {
  setTimeout(() => void Promise.reject(new Error('too late')), 50);
});
test.run();
