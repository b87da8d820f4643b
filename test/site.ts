/**
 * The check of the built site of documents finds what it should: links that lead nowhere, and files
 * from other hosts. The site itself is checked by `npm run docs`, which builds it.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { deflateSync } from 'node:zlib';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { documentProblems, linkProblems, loadsOf, loadsOfStyle, searchedWords } from '../scripts/site-check.js';

const test = suite('site');
let site = '';
test.before.each(() => {
  site = mkdtempSync(join(tmpdir(), 'site-'));
});
test.after.each(() => rmSync(site, { recursive: true, force: true }));

const write = (files: Readonly<Record<string, string>>): void => {
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(dirname(join(site, file)), { recursive: true });
    writeFileSync(join(site, file), text);
  }
};

test('links inside a site may name pages, anchors, and the page that trains', () => {
  write({
    'index.html': '<a href="pages/a.html#here">a</a><a href="../index.html">train</a><a href="#top" id="top">top</a>',
    'pages/a.html': '<h1 id="here">a</h1><a href="../index.html">home</a><a href="https://example.org/">other</a>',
  });
  assert.equal(linkProblems(site), []);
});

test('links that lead nowhere are found', () => {
  write({
    'index.html':
      '<a href="pages/b.html">b</a><img alt="" src="media/c.png"><a class="x" href="pages/a.html#there">a</a>',
    'pages/a.html': '<a href="../../index.html">train</a>',
  });
  assert.equal(linkProblems(site).sort(), [
    'index.html links to media/c.png, which is missing',
    'index.html links to pages/a.html#there, an anchor that is missing',
    'index.html links to pages/b.html, which is missing',
  ]);
});

test('what loads from another host is found, and a link that is clicked is not', () => {
  const html =
    '<script async src="https://a.example/x.js"></script><link rel="stylesheet" href="//b.example/x.css"/>' +
    '<img src="http://c.example/x.png"><a href="https://d.example/">d</a><img src="media/x.png">';
  assert.equal(loadsOf(html), ['https://a.example/x.js', '//b.example/x.css', 'http://c.example/x.png']);
  const css = '@import "https://a.example/f.css"; a { background: url(data:x) } b { src: url("//b.example/f.woff") }';
  assert.equal(loadsOfStyle(css), ['https://a.example/f.css', '//b.example/f.woff']);
  write({ 'index.html': html, 'media/x.png': '', 'assets/style.css': css });
  assert.is(linkProblems(site).length, 5);
});

test('words of the search, and documents without a page', () => {
  const data = {
    rows: [{ url: 'pages/guide.html' }, { url: 'classes/A.html' }],
    index: {
      invertedIndex: [
        ['nothing', { _index: 0, name: {}, document: { 0: {} } }],
        ['other', { _index: 1, name: { 1: {} }, document: {} }],
      ],
    },
  };
  write({
    'assets/search.js': `window.searchData = "${deflateSync(JSON.stringify(data)).toString('base64')}";`,
    'pages/guide.html': '',
  });
  assert.equal(
    [...searchedWords(site)].map(([url, words]) => [url, [...words]]),
    [
      ['pages/guide.html', ['nothing']],
      ['classes/A.html', []],
    ],
  );
  const problems = documentProblems(site);
  assert.ok(problems.includes('docs/devices.md has no page'));
  assert.ok(problems.includes('the search does not find "deployed" in pages/guide.html'));
  assert.not.ok(problems.includes('the search does not find "nothing" in pages/guide.html'));
});

test.run();
