/**
 * JSON in files: parsing, with the defects that JSON.parse accepts and file formats forbid. Not
 * here: the formats themselves.
 */
import { FormatError } from '../errors.js';

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

export const isObject = (value: Json | undefined): value is { [key: string]: Json } =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The beginning of a value's text, for messages. */
export const quote = (value: Json | undefined): string => (JSON.stringify(value) ?? 'nothing').slice(0, 80);

/** The maximum depth. Real headers are less deep, and a stack overflows far beyond it. */
const mostDepth = 32;

const whitespace = new Set([' ', '\t', '\n', '\r']);

/** Whether text has half of a surrogate pair, which UTF-8 cannot encode. */
export const hasLoneSurrogate = (text: string): boolean => /\p{Surrogate}/u.test(text);

/** The position of the closing quotation mark of the string that begins at `start`. */
function endOfString(text: string, start: number): number {
  let at = start + 1;
  for (; text[at] !== '"'; at++) if (text[at] === '\\') at++;
  return at;
}

/**
 * The first defect of syntactically valid JSON: a name that occurs twice in an object, a string
 * with half of a surrogate pair, or nesting that is too deep. Returns the rule and what violates
 * it, or null if there is no defect.
 */
export function flawOf(json: string): { rule: string; got: string } | null {
  /** The names so far in each open object. An open array is null. */
  const open: (Set<string> | null)[] = [];
  for (let at = 0; at < json.length; at++) {
    const letter = json[at];
    if (letter === '{' || letter === '[') {
      open.push(letter === '{' ? new Set() : null);
      if (open.length > mostDepth)
        return { rule: `JSON must not nest deeper than ${mostDepth}`, got: `depth ${open.length} at character ${at}` };
    } else if (letter === '}' || letter === ']') open.pop();
    else if (letter === '"') {
      const end = endOfString(json, at);
      const literal = json.slice(at, end + 1);
      const value: string = JSON.parse(literal);
      if (hasLoneSurrogate(value)) return { rule: 'text must be well-formed Unicode', got: literal.slice(0, 80) };
      at = end;
      while (whitespace.has(json.charAt(at + 1))) at++;
      const names = json[at + 1] === ':' ? open.at(-1) : null;
      if (names?.has(value)) return { rule: 'a name must not stand twice in one object', got: literal.slice(0, 80) };
      names?.add(value);
    }
  }
  return null;
}

/**
 * Parses the object of a file. `what` names the text in messages, as 'the header'.
 * @throws FormatError for text that is not sound JSON in UTF-8, or another value than an object
 */
export function parseJson(op: string, what: string, bytes: Uint8Array): { [key: string]: Json } {
  let text: string;
  let value: Json;
  try {
    // Copied because a browser's decoder refuses shared memory.
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes.slice());
    value = JSON.parse(text);
  } catch (error) {
    throw new FormatError(op, `${what} must be JSON in UTF-8`, (error as Error).message);
  }
  const flaw = flawOf(text);
  if (flaw !== null) throw new FormatError(op, flaw.rule, flaw.got);
  if (!isObject(value)) throw new FormatError(op, `${what} must be a JSON object`, quote(value));
  return value;
}
