/**
 * The script that drives the page in Firefox: it runs in the page, presses its buttons, and posts
 * what it finds. Not here: what is expected (firefox.mjs).
 */
const post = (report) => fetch('/report', { method: 'POST', body: JSON.stringify(report) });
addEventListener('error', ({ message }) => post({ problem: message }));
addEventListener('unhandledrejection', ({ reason }) => post({ problem: String(reason) }));
for (const name of ['error', 'warn']) console[name] = (...words) => post({ problem: words.join(' ') });

const until = async (what, holds) => {
  for (let i = 0; i < 1200; i++) {
    if (holds()) return;
    await new Promise((done) => setTimeout(done, 50));
  }
  throw new Error(`waited in vain until ${what}`);
};
const frames = () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
const find = (selector) => document.querySelector(selector);
const button = (name) => [...document.querySelectorAll('button')].find(({ textContent }) => textContent === name);
const numbers = () => [...document.querySelectorAll('.numbers dd')].map(({ textContent }) => Number(textContent));
const isOpen = () => find('main')?.getAttribute('aria-busy') === 'false' && !button('Reset').disabled && find('.fact');

const press = async (name) => {
  await until(`${name} can be pressed`, () => button(name)?.disabled === false);
  button(name).click();
  await frames();
};

/** Trains on a device. Returns what it runs on, its losses and the number of steps. */
async function train(device, steps) {
  find(`#device-${device}`).click();
  await frames();
  await until(`${device} is open`, isOpen);
  await press('Step');
  await until('the first step is done', () => numbers()[0] === 1);
  const [, first] = numbers();
  await press('Start');
  await until(`${steps} steps are done`, () => numbers()[0] >= steps);
  await press('Pause');
  await until('the last pictures are shown', () =>
    [...document.querySelectorAll('.help')].some(({ textContent }) => textContent.includes(`after ${numbers()[0]} `)),
  );
  const runsOn = [...document.querySelectorAll('.fact')].find(({ textContent }) => /^Runs on/.test(textContent));
  const [done, last] = numbers();
  return { runsOn: runsOn.textContent, first, last, steps: done };
}

/** The weights that the page offers as a download. */
async function download(name) {
  let address = null;
  const click = HTMLAnchorElement.prototype.click;
  HTMLAnchorElement.prototype.click = function take() {
    address = this.href;
  };
  await press(name);
  await until('a file is offered', () => address !== null);
  HTMLAnchorElement.prototype.click = click;
  return [...new Uint8Array(await (await fetch(address)).arrayBuffer())];
}

const outputs = () =>
  [...document.querySelectorAll('.strip[aria-label^="Outputs"] canvas')].flatMap((canvas) => {
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    return Array.from({ length: data.length / 4 }, (_, i) => data[4 * i]);
  });

try {
  await until('a network is open', isOpen);
  const { device } = Object.fromEntries(new URLSearchParams(location.search));
  const trained = await train(device, 50);
  const { violations } = await globalThis.axe.run(document, { resultTypes: ['violations'] });
  const found = violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target)}`);
  const others = performance.getEntriesByType('resource').filter(({ name }) => !name.startsWith(location.origin));
  await post({
    ...trained,
    violations: found,
    others: others.map(({ name }) => name).filter((name) => !/^(data|blob):/.test(name)),
    outputs: outputs(),
    weights: await download('Download safetensors'),
  });
} catch (error) {
  await post({ problem: String(error) });
}
