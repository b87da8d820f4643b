/**
 * Checks the page that trains (examples/web) as a static site, in Chromium and in Firefox. Pictures
 * of it are written to out/web-page, to be looked at.
 * usage: npm run web-check
 * CHROMIUM and FIREFOX in the environment may name the browsers.
 */
import { launch } from '../browser/chromium.mjs';
import { check, fail, finish } from '../browser/report.mjs';
import { checkAccess } from './access.mjs';
import { checkAnswers } from './answers.mjs';
import { checkDrawing } from './drawing.mjs';
import { checkFiles } from './files.mjs';
import { checkFirefox } from './firefox.mjs';
import { buildSite, serveSite } from './site.mjs';
import { checkSizes } from './sizes.mjs';
import { checkTraining } from './training.mjs';

const context = { loaded: new Set() };
const only = process.argv.slice(2);
const parts = {
  training: checkTraining,
  drawing: checkDrawing,
  files: checkFiles,
  answers: checkAnswers,
  access: checkAccess,
  sizes: checkSizes,
  firefox: checkFirefox,
};
try {
  if (await check('the page builds as a static site', () => void buildSite())) {
    Object.assign(context, await serveSite());
    context.browser = await launch();
    for (const [name, part] of Object.entries(parts)) if (only.length === 0 || only.includes(name)) await part(context);
  }
} catch (error) {
  fail('the checks of the page', error.stack);
}
await finish(context);
