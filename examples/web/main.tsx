/** Starts the page that trains. Not here: its parts (ui/) and the training (worker/). */
import { render } from 'preact';
import { App } from './ui/app.js';
import { startPage } from './ui/page.js';

const root = document.querySelector('#page')!;
root.replaceChildren();
startPage((part) => render(<App {...part} />, root));
