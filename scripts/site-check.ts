/**
 * Checks the built site of documents: every document has a page, every link inside the site leads
 * somewhere, no page loads anything from another host, and the search knows the documents' words.
 * `npm run docs` runs it last. Not here: building the site (typedoc), and links to other sites,
 * which need a network.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inflateSync } from 'node:zlib';

const repository = fileURLToPath(new URL('..', import.meta.url));

/** The page that trains, which is built apart from the documents and stands in the folder above. */
const page = join('..', 'index.html');

const filesIn = (folder: string, ending: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith(ending));

interface Reference {
  readonly element: string;
  readonly target: string;
}

/** The attributes that name other files or anchors, with the elements that they belong to. */
export const referencesOf = (html: string): Reference[] =>
  Array.from(html.matchAll(/<(\w+)\b[^>]*?\s(?:href|src)="([^"]*)"/g), ([, element, target]) => ({ element, target }));

const isElsewhere = (target: string): boolean => /^([a-z]+:)?\/\//i.test(target);

/** What a page loads from another host. A link that the reader must click is none. */
export const loadsOf = (html: string): string[] =>
  referencesOf(html)
    .filter(({ element, target }) => element !== 'a' && isElsewhere(target))
    .map(({ target }) => target);

/** What a style sheet loads from another host. */
export const loadsOfStyle = (css: string): string[] =>
  Array.from(css.matchAll(/(?:url\(\s*["']?|@import\s+["'])([^"')]+)/g), ([, target]) => target).filter(isElsewhere);

/** The anchors of a page. */
const anchorsOf = (html: string): Set<string> =>
  new Set(Array.from(html.matchAll(/\s(?:id|name)="([^"]*)"/g), ([, anchor]) => anchor));

/** Every link of a site that leads nowhere, and everything that it loads from another host. */
export function linkProblems(site: string): string[] {
  const files = filesIn(site, '.html');
  const pages = new Map(files.map((file) => [file, readFileSync(join(site, file), 'utf8')]));
  const anchors = new Map<string, Set<string>>();
  const hasAnchor = (file: string, anchor: string): boolean => {
    const known = anchors.get(file) ?? anchorsOf(pages.get(file) ?? '');
    anchors.set(file, known);
    return known.has(anchor);
  };
  const problems: string[] = [];
  for (const [file, html] of pages) {
    for (const target of loadsOf(html)) problems.push(`${file} loads ${target}`);
    for (const { target } of referencesOf(html)) {
      if (isElsewhere(target) || /^(data|mailto):/.test(target)) continue;
      const [path, anchor = ''] = target.split('#').map(decodeURIComponent);
      const other = path === '' ? file : join(dirname(file), path);
      if (other === page) continue;
      if (!existsSync(join(site, other))) problems.push(`${file} links to ${target}, which is missing`);
      else if (anchor !== '' && other.endsWith('.html') && !hasAnchor(other, anchor))
        problems.push(`${file} links to ${target}, an anchor that is missing`);
    }
  }
  for (const file of filesIn(site, '.css'))
    for (const target of loadsOfStyle(readFileSync(join(site, file), 'utf8'))) problems.push(`${file} loads ${target}`);
  return problems;
}

/** What typedoc writes for its search: the rows of results, and an inverted index of lunr. */
interface SearchData {
  readonly rows: readonly { readonly url: string }[];
  readonly index: {
    readonly invertedIndex: readonly (readonly [word: string, fields: Record<string, Record<string, unknown>>])[];
  };
}

/** The words of each page's text that the search finds, by the page's address. */
export function searchedWords(site: string): Map<string, Set<string>> {
  const script = readFileSync(join(site, 'assets/search.js'), 'utf8');
  const [, data] = /"([^"]+)"/.exec(script) ?? [];
  const { rows, index } = JSON.parse(String(inflateSync(Buffer.from(data, 'base64')))) as SearchData;
  const words = new Map(rows.map(({ url }) => [url, new Set<string>()]));
  for (const [word, { document = {} }] of index.invertedIndex)
    for (const row of Object.keys(document)) words.get(rows[Number(row)].url)?.add(word);
  return words;
}

/** The documents whose page is missing, and the words of their headings that the search lacks. */
export function documentProblems(site: string): string[] {
  const searched = searchedWords(site);
  const problems: string[] = [];
  for (const file of filesIn(join(repository, 'docs'), '.md')) {
    const url = `pages/${file.replaceAll(sep, '/').replace(/\.md$/, '.html')}`;
    const found = searched.get(url);
    if (!existsSync(join(site, url)) || found === undefined) {
      problems.push(`docs/${file} has no page`);
      continue;
    }
    const text = readFileSync(join(repository, 'docs', file), 'utf8').replace(/^```[\s\S]*?^```$/gm, '');
    const headings = Array.from(text.matchAll(/^#+ (.+)$/gm), ([, heading]) => heading).join(' ');
    // Whole words only: to the search, a path or a word with an apostrophe is one word.
    for (const word of headings.toLowerCase().match(/(?<=^|\s)[a-z]{4,}(?=\s|$)/g) ?? [])
      if (!found.has(word)) problems.push(`the search does not find "${word}" in ${url}`);
  }
  return problems;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const site = join(repository, 'out/site/docs');
  const problems = [...linkProblems(site), ...documentProblems(site)];
  for (const problem of problems) console.error(problem);
  const where = relative(process.cwd(), site);
  console.log(`${where}: ${filesIn(site, '.html').length} pages, ${problems.length} problems`);
  if (problems.length > 0) process.exitCode = 1;
}
