/**
 * Literals of Python, as the headers of numpy's files are written: text, whole numbers, True,
 * False, None, tuples, lists and dictionaries. Not here: what a header must say (npy.ts).
 * @source docs.python.org, ast.literal_eval
 */

export type Literal = string | number | boolean | null | Literal[] | Map<string, Literal>;

/** Headers are two or three deep. */
const mostDepth = 16;

/** Reads a text from left to right. What is wrong throws a SyntaxError with its position. */
class Reader {
  private at = 0;
  constructor(private readonly text: string) {}

  /** The whole text as one value. */
  whole(): Literal {
    const value = this.value(0);
    if (this.peek() !== '') this.fail('one value');
    return value;
  }

  private fail(expected: string): never {
    const found = this.text.slice(this.at, this.at + 20);
    throw new SyntaxError(`${JSON.stringify(found)} at character ${this.at}, where ${expected} was due`);
  }
  /** The next character that is not a space. */
  private peek(): string {
    while (/^\s$/.test(this.text.charAt(this.at))) this.at++;
    return this.text.charAt(this.at);
  }
  private take(letter: string): boolean {
    if (this.peek() !== letter) return false;
    this.at++;
    return true;
  }
  private match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text)?.[0];
    this.at += found?.length ?? 0;
    return found;
  }

  private value(depth: number): Literal {
    if (depth > mostDepth) this.fail(`nesting of at most ${mostDepth}`);
    const letter = this.peek();
    if (letter === '(' || letter === '[') return this.list(letter === '(' ? ')' : ']', depth);
    if (letter === '{') return this.dictionary(depth);
    if (letter === "'" || letter === '"') return this.string();
    const word = this.match(/True|False|None|-?\d{1,15}L?(?![\d.\w])/y);
    if (word === undefined) this.fail('a value');
    return word === 'None' ? null : word === 'True' || word === 'False' ? word === 'True' : Number.parseInt(word, 10);
  }
  private string(): string {
    // A backslash would begin an escape, which no name of a type needs.
    const quoted = this.match(/'[^'\\\n]*'|"[^"\\\n]*"/y);
    return quoted === undefined ? this.fail('text') : quoted.slice(1, -1);
  }
  private list(end: string, depth: number): Literal {
    this.at++;
    const items: Literal[] = [];
    let isTuple = end === ']';
    while (!this.take(end)) {
      items.push(this.value(depth + 1));
      if (this.take(',')) isTuple = true;
      else if (this.peek() !== end) this.fail(`',' or '${end}'`);
    }
    // One value in parentheses without a comma is that value.
    return items.length === 1 && !isTuple ? (items[0] as Literal) : items;
  }
  private dictionary(depth: number): Map<string, Literal> {
    this.at++;
    const items = new Map<string, Literal>();
    while (!this.take('}')) {
      this.peek();
      const key = this.string();
      if (items.has(key)) this.fail(`another key than '${key}' once more`);
      if (!this.take(':')) this.fail("':'");
      items.set(key, this.value(depth + 1));
      if (!this.take(',') && this.peek() !== '}') this.fail("',' or '}'");
    }
    return items;
  }
}

/** The value that a literal stands for. @throws SyntaxError for anything else */
export const parseLiteral = (text: string): Literal => new Reader(text).whole();
