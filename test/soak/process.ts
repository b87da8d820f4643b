/**
 * One style of loop on one device, in a process of its own. Prints as JSON how much memory it took.
 * run.ts calls it.
 * usage: node process.ts STYLE DEVICE STEPS
 */
import { type DeviceName, device, setDefaultDevice } from 'cedargrad';
import { styles } from './styles.js';

const [style, on, count] = process.argv.slice(2);
const steps = Number(count);
const [name, mode] = on.split(' ');
const chosen = await device(name as DeviceName, mode === undefined ? {} : { mode: mode as 'cpu' });
setDefaultDevice(chosen);
const step = styles[style]();

/** The most resident memory and device memory of each tenth of the run, in MB. */
const tenths = Array.from({ length: 10 }, () => ({ rss: 0, device: 0 }));
const start = performance.now();
for (let i = 1; i <= steps; i++) {
  const made = step(i);
  if (made instanceof Promise) await made;
  else if (i % 100 === 0) await made.item();
  if (i % 10 === 0) {
    const tenth = tenths[Math.min(9, Math.floor((10 * i) / (steps + 1)))];
    tenth.rss = Math.max(tenth.rss, process.memoryUsage.rss() / 2 ** 20);
    tenth.device = Math.max(tenth.device, chosen.memory().bytes / 2 ** 20);
  }
}
const seconds = (performance.now() - start) / 1000;
await chosen.close();
console.log(JSON.stringify({ tenths, seconds }));
