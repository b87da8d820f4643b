/** Markup in which text cannot become markup: `html` escapes every value that is not Markup. */

/** A piece of HTML. Only `html` and `raw` make one. */
export class Markup {
  constructor(readonly text: string) {}
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Most texts are numbers, paths and pictures, in which nothing must be replaced. */
const isHarmless = (text: string): boolean => /^[\w +/=.,:;%()[\]-]*$/.test(text);

/** Text in which nothing is markup. Control characters, which HTML forbids, become �. */
export const escape = (text: string): string =>
  isHarmless(text)
    ? text
    : text
        // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is replaced
        .replace(/[\0-\x08\x0b\x0c\x0e-\x1f\x7f]/g, '\ufffd')
        .replace(/\p{Surrogate}/gu, '\ufffd')
        .replace(/[&<>"']/g, (letter) => entities[letter] as string);

/** What may stand in a template. Null, undefined and false stand for nothing. */
export type Part = Markup | string | number | null | undefined | false | readonly Part[];

function textOf(part: Part): string {
  if (part instanceof Markup) return part.text;
  if (part === null || part === undefined || part === false) return '';
  return typeof part === 'object' ? part.map(textOf).join('') : escape(String(part));
}

/** A template of HTML. Values are escaped, also within quoted attributes. */
export const html = (strings: TemplateStringsArray, ...parts: readonly Part[]): Markup =>
  new Markup(strings.map((text, i) => text + (i < parts.length ? textOf(parts[i]) : '')).join(''));

/** Text of our own that is markup, a style sheet or a script already. */
export const raw = (text: string): Markup => new Markup(text);

/** JSON within a script element. No text in it can end the element. */
export const jsonScript = (value: unknown): Markup => raw(JSON.stringify(value).replaceAll('<', '\\u003c'));
