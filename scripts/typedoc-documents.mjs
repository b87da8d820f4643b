// A plugin of typedoc. It adds the documents to the site: those of docs/, the changelog and the
// page for contributors, grouped as below, all decisions, and the sources that documents link to.
// typedoc's own projectDocuments takes names and groups from a block at the top of each document,
// which GitHub shows as a table. This plugin takes the name from the first heading.
// Not here: the documents' text and links, which typedoc renders and checks.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, extname, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  Converter,
  DocumentReflection,
  IndexEvent,
  JSX,
  KindRouter,
  MinimalSourceFile,
  PageEvent,
  ReferenceReflection,
} from 'typedoc';

const repository = fileURLToPath(new URL('..', import.meta.url));

/** The documents in the order of the navigation. site-check.ts fails if one of docs/ is missing. */
const groups = {
  Guides: ['first-model', 'guide', 'from-pytorch', 'from-tensorflow', 'devices', 'compile', 'own-op', 'own-device'],
  Topics: ['training', 'distributed', 'unpooling', 'models', 'onnx', 'examples', 'command-line', 'performance'],
  'For contributors': [
    'architecture',
    'adding-an-op',
    'adding-a-device',
    'kernel-names',
    'judges',
    'mutation-survivors',
    'releasing',
    '../CONTRIBUTING',
  ],
  About: ['../CHANGELOG'],
};

const read = (path) => readFileSync(repository + path, 'utf8');
const titleOf = (text) => /^# (.+)$/m.exec(text)[1].replaceAll('`', '');
const linkPattern = /\]\(([^)#\s]+)[^)]*\)/g;

/** Files that are no documents and that a document links to, but for pictures. */
function sourcesOf(documents) {
  const linked = documents.flatMap((path) =>
    Array.from(read(path).matchAll(linkPattern), ([, target]) => target)
      .filter((target) => !/^[a-z]+:|\.(md|png)$|\/$/.test(target))
      .map((target) => relative(repository, resolve(repository, dirname(path), target))),
  );
  return [...new Set(linked)].sort();
}

/** A file as one block of code. It has four backticks, because comments may have three. */
const asCode = (path) => `# ${path}\n\n\`\`\`\`${extname(path).slice(1) || 'text'}\n${read(path)}\n\`\`\`\`\n`;

/** Names pages by their files, so that an address remains when a heading changes. */
class Router extends KindRouter {
  getIdealBaseName(reflection) {
    const path = reflection.isDocument() ? reflection.project.files.getReflectionPath(reflection) : undefined;
    if (path === undefined) return super.getIdealBaseName(reflection);
    const file = relative(repository, path);
    return file.endsWith('.md') ? `pages/${file.replace(/^docs\//, '').replace(/\.md$/, '')}` : `sources/${file}`;
  }
}

export function load(app) {
  app.renderer.defineRouter('files', Router);

  app.converter.on(Converter.EVENT_BEGIN, ({ project }) => {
    const add = (parent, path, text, frontmatter = {}) => {
      const file = new MinimalSourceFile(text, repository + path);
      const { content } = app.converter.parseRawComment(file, project.files);
      const document = new DocumentReflection(titleOf(text), parent, content, frontmatter);
      parent.addChild(document);
      project.registerReflection(document, undefined, file.fileName);
      return document;
    };
    /** Adds a page that lists others, which are below it in the navigation. */
    const addList = (path, title, parts, group) => {
      const links = parts.map(([file, text]) => `- [${titleOf(text)}](${relative(dirname(path), file)})\n`);
      const list = add(project, path, `# ${title}\n\n${links.join('')}`, { group });
      for (const [file, text] of parts) add(list, file, text);
      return list;
    };

    const documents = [];
    for (const [group, names] of Object.entries(groups))
      for (const name of names) {
        const path = relative(repository, `${repository}docs/${name}.md`);
        add(project, path, read(path), { group });
        documents.push(path);
      }
    const decisions = readdirSync(`${repository}docs/decisions`).map((file) => `docs/decisions/${file}`);
    const list = addList(
      'docs/decisions/index.md',
      'Decisions',
      decisions.sort().map((path) => [path, read(path)]),
      'For contributors',
    );
    project.files.registerReflectionPath(`${repository}docs/decisions/`, list);
    const sources = sourcesOf(['README.md', ...documents, ...decisions]);
    addList(
      'docs/sources.md',
      'Sources in these pages',
      sources.map((path) => [path, asCode(path)]),
      'About',
    );
  });

  // cedargrad/browser exports everything a second time. Without this, search finds it twice.
  app.renderer.on(IndexEvent.PREPARE_INDEX, (event) => {
    for (const found of event.searchResults.filter((reflection) => reflection instanceof ReferenceReflection))
      event.removeResult(event.searchResults.indexOf(found));
  });

  // Without an icon, browsers ask the host for /favicon.ico, which is outside the site.
  app.renderer.hooks.on('head.begin', () => JSX.createElement('link', { rel: 'icon', href: 'data:,' }));

  // typedoc writes navigationLinks into every page as they are. A relative one must begin at the
  // page's own folder. A table scrolls on a narrow screen, and the keyboard must reach it for that.
  app.renderer.on(PageEvent.END, (page) => {
    const up = '../'.repeat(page.url.split('/').length - 1);
    page.contents = page.contents
      ?.replaceAll('href="../index.html"', `href="${up}../index.html"`)
      .replaceAll('<table>', '<table tabindex="0">');
  });
}
