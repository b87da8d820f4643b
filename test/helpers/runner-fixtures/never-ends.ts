import { suite } from 'uvu';

const test = suite('never ends');
test('waits for nothing', () => new Promise<void>(() => {}));
test.run();
