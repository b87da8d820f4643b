/**
 * Detects defects that JSON.parse accepts and file formats forbid. Not here: the formats
 * themselves.
 */

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
