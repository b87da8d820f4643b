/**
 * All small changes of a source file that a test should detect: another operator, a number off by
 * one, a negated condition, an omitted statement, …. Not here: types, texts of errors, imports and
 * declarations, which no test should depend on.
 */
import { createHash } from 'node:crypto';
import ts from 'typescript';

export interface Mutant {
  /** From the repository, with slashes. */
  readonly file: string;
  readonly start: number;
  readonly end: number;
  readonly replacement: string;
  /** Counted from 1. */
  readonly line: number;
  /** The lines that change, without the space around them, as they are and as they become. */
  readonly before: string;
  readonly after: string;
  /**
   * The mutant's rank in the sample. The smallest ranks come first. The rank is drawn from the
   * seed, the file's name and the change, so that a mutant keeps it when other lines change.
   */
  readonly rank: number;
}

interface Change {
  readonly start: number;
  readonly end: number;
  readonly replacement: string;
}

const binaries: Readonly<Record<string, readonly string[]>> = {
  '+': ['-'],
  '-': ['+'],
  '*': ['/'],
  '/': ['*'],
  '%': ['*'],
  '**': ['*'],
  '<<': ['>>'],
  '>>': ['<<'],
  '>>>': ['<<'],
  '&': ['|'],
  '|': ['&'],
  '^': ['&'],
  '<': ['<=', '>='],
  '<=': ['<', '>'],
  '>': ['>=', '<='],
  '>=': ['>', '<'],
  '===': ['!=='],
  '!==': ['==='],
  '==': ['!='],
  '!=': ['=='],
  '&&': ['||'],
  '||': ['&&'],
  '+=': ['-='],
  '-=': ['+='],
  '*=': ['/='],
  '/=': ['*='],
  '|=': ['&='],
  '&=': ['|='],
  '<<=': ['>>='],
  '>>=': ['<<='],
  '??=': ['='],
};

/** Methods and functions by the one they are mistaken for. */
const methods: Readonly<Record<string, string>> = {
  add: 'sub',
  sub: 'add',
  mul: 'div',
  div: 'mul',
  max: 'min',
  min: 'max',
  maximum: 'minimum',
  minimum: 'maximum',
  floor: 'ceil',
  ceil: 'floor',
  round: 'floor',
  sqrt: 'abs',
  exp: 'log',
  log: 'exp',
  sum: 'mean',
  mean: 'sum',
  greater: 'greaterEqual',
  greaterEqual: 'less',
  less: 'lessEqual',
  equal: 'notEqual',
  every: 'some',
  some: 'every',
  push: 'unshift',
  unshift: 'push',
  shift: 'pop',
  pop: 'shift',
  lt: 'le',
  le: 'lt',
  gt: 'ge',
  ge: 'gt',
  lt_s: 'le_s',
  le_s: 'lt_s',
  gt_s: 'ge_s',
  ge_s: 'gt_s',
  and: 'or',
  or: 'and',
  any_true: 'all_true',
  all_true: 'any_true',
};

/** What is the same with its first two arguments exchanged. */
const commutative = /^(max|min|imul|add|mul|and|or|xor|eq|ne|equal|maximum|minimum|hypot|sameShape|set|madd)$/;

/** Operators in the text of gpu.js kernels, which is written with spaces around them. */
const textual: readonly (readonly [RegExp, string])[] = [
  [/ \+ /g, ' - '],
  [/ - /g, ' + '],
  [/ \* /g, ' / '],
  [/ \/ /g, ' * '],
  [/ < /g, ' <= '],
  [/ > /g, ' >= '],
  [/ <= /g, ' < '],
  [/ >= /g, ' > '],
  [/ === /g, ' !== '],
  [/ !== /g, ' === '],
  [/ && /g, ' || '],
  [/ \|\| /g, ' && '],
  [/ \+= /g, ' -= '],
  [/ = 0;/g, ' = 1;'],
  [/ = 1;/g, ' = 0;'],
  [/Math\.max/g, 'Math.min'],
  [/Math\.min/g, 'Math.max'],
  [/Math\.floor/g, 'Math.ceil'],
];
const holdsKernels = /^src\/device\/gpu\/(adam|conv|elementwise|functions|launch|matmul|movement|pool|reduce)\.ts$/;
const looksLikeCode = /[;=[\]]|Math\.| [-+*/<>] /;

const isText = (node: ts.Node): boolean =>
  ts.isStringLiteral(node) ||
  ts.isTemplateExpression(node) ||
  ts.isNoSubstitutionTemplateLiteral(node) ||
  (ts.isBinaryExpression(node) && (isText(node.left) || isText(node.right)));
const isError = (node: ts.Node): boolean => ts.isNewExpression(node) && /Error$/.test(node.expression.getText());
/** What can trade places with another argument: a name, a member, a number. */
const isPlain = (node: ts.Node): boolean =>
  (ts.isIdentifier(node) && node.text !== 'op') ||
  ts.isNumericLiteral(node) ||
  ts.isPropertyAccessExpression(node) ||
  ts.isElementAccessExpression(node);

/** Changes at one node; those of its children are not among them. */
function* changesAt(node: ts.Node, file: string): Generator<Change> {
  const replace = (what: ts.Node, replacement: string): Change => ({
    start: what.getStart(),
    end: what.getEnd(),
    replacement,
  });
  const negate = (what: ts.Expression): Change => replace(what, `!(${what.getText()})`);

  if (ts.isBinaryExpression(node)) {
    const operator = node.operatorToken.getText();
    if (operator === '??') yield replace(node, node.left.getText());
    // A loop with one more iteration may read past an end without an effect. A loop with one
    // iteration less has one.
    else if (operator === '<' && ts.isForStatement(node.parent))
      yield replace(node.right, `${node.right.getText()} - 1`);
    else if (!operator.startsWith('+') || !(isText(node.left) || isText(node.right)))
      for (const other of binaries[operator] ?? []) yield replace(node.operatorToken, other);
  } else if (ts.isNumericLiteral(node)) {
    // One more does not show in a large number.
    const value = Number(node.text);
    yield replace(node, String(value < 16 ? value + 1 : value * 2));
    if (value > 0 && value < 16 && Number.isInteger(value)) yield replace(node, String(value - 1));
  } else if (node.kind === ts.SyntaxKind.TrueKeyword || node.kind === ts.SyntaxKind.FalseKeyword)
    yield replace(node, node.kind === ts.SyntaxKind.TrueKeyword ? 'false' : 'true');
  else if (ts.isPrefixUnaryExpression(node)) {
    if (node.operator === ts.SyntaxKind.ExclamationToken || node.operator === ts.SyntaxKind.MinusToken)
      yield replace(node, node.operand.getText());
  } else if (ts.isIfStatement(node)) {
    yield negate(node.expression);
    if (node.elseStatement === undefined && ts.isBlock(node.parent)) yield replace(node, ';');
  } else if (ts.isConditionalExpression(node)) yield negate(node.condition);
  else if (ts.isWhileStatement(node)) yield replace(node.expression, 'false');
  else if (ts.isExpressionStatement(node)) {
    const call = node.expression;
    const isSuper = ts.isCallExpression(call) && call.expression.kind === ts.SyntaxKind.SuperKeyword;
    if (!isSuper && !ts.isStringLiteral(call)) yield replace(node, ';');
  } else if (ts.isContinueStatement(node)) yield replace(node, ';');
  else if (ts.isReturnStatement(node)) {
    if (node.expression !== undefined && !file.includes('/assembly/'))
      yield replace(node.expression, 'undefined as never');
  } else if (ts.isArrayLiteralExpression(node)) {
    const isTarget = ts.isBinaryExpression(node.parent) && node.parent.left === node;
    const [first, second] = [node.elements[0], node.elements.at(-1) as ts.Expression];
    if (node.elements.length > 1 && !isTarget) {
      const end = node.elements.at(-2) as ts.Expression;
      yield { start: end.getEnd(), end: second.getEnd(), replacement: '' };
      yield { start: first.getStart(), end: node.elements[1].getStart(), replacement: '' };
    }
  } else if (ts.isCallExpression(node)) {
    const called = ts.isPropertyAccessExpression(node.expression) ? node.expression.name : node.expression;
    const other = Object.hasOwn(methods, called.getText()) ? methods[called.getText()] : undefined;
    if (other !== undefined && ts.isPropertyAccessExpression(node.expression)) yield replace(called, other);
    const [a, b] = node.arguments;
    if (
      b !== undefined &&
      isPlain(a) &&
      isPlain(b) &&
      a.getText() !== b.getText() &&
      !commutative.test(called.getText())
    )
      yield { start: a.getStart(), end: b.getEnd(), replacement: `${b.getText()}, ${a.getText()}` };
  } else if (
    holdsKernels.test(file) &&
    (ts.isStringLiteral(node) || ts.isTemplateLiteralToken(node)) &&
    looksLikeCode.test(node.text)
  ) {
    const text = node.getText();
    for (const [operator, other] of textual)
      for (const found of text.matchAll(operator)) {
        const start = node.getStart() + found.index;
        yield { start, end: start + found[0].length, replacement: other };
      }
  }
}

/** Names of what decides only how fast something runs, or how work is cut up: no test may time. */
const speedOnly = /^(parallel|worthSharing\w*|divisor|lineOf|transposedProduct|looks|nap)$/;
const decidesSpeed = (node: ts.Node): boolean =>
  (ts.isVariableDeclaration(node) || ts.isFunctionDeclaration(node)) &&
  node.name !== undefined &&
  speedOnly.test(node.name.getText());

/** What no test can see, or what is not code. */
function isOutside(node: ts.Node): boolean {
  return (
    decidesSpeed(node) ||
    ts.isTypeNode(node) ||
    ts.isInterfaceDeclaration(node) ||
    ts.isTypeAliasDeclaration(node) ||
    ts.isImportDeclaration(node) ||
    ts.isExportDeclaration(node) ||
    // Both sides of the wasm device read the same numbers.
    ts.isEnumMember(node) ||
    ts.isDecorator(node) ||
    isError(node)
  );
}

function* changesIn(node: ts.Node, file: string): Generator<Change> {
  if (isOutside(node)) return;
  yield* changesAt(node, file);
  const children: ts.Node[] = [];
  ts.forEachChild(node, (child) => void children.push(child));
  for (const child of children) yield* changesIn(child, file);
}

/** A number in [0, 1) that looks drawn at random, but is always the same for the same text. */
const drawn = (text: string): number => createHash('sha256').update(text).digest().readUIntBE(0, 6) / 2 ** 48;

/**
 * All mutants of a file, in the order of its text. A file's share of the sample is proportional to
 * its lines.
 */
export function mutantsOf(file: string, text: string, seed: number): Mutant[] {
  const tree = ts.createSourceFile(file, text, ts.ScriptTarget.ESNext, true);
  const seen = new Map<string, number>();
  const changes = [...changesIn(tree, file)];
  const density = changes.length / text.split('\n').length;
  return changes.map(({ start, end, replacement }) => {
    const first = text.lastIndexOf('\n', start - 1) + 1;
    const next = text.indexOf('\n', end);
    const last = next < 0 ? text.length : next;
    const before = text.slice(first, last).trim();
    const after = (text.slice(first, start) + replacement + text.slice(end, last)).trim();
    const change = JSON.stringify([seed, file, before, after]);
    const repeat = seen.get(change) ?? 0;
    seen.set(change, repeat + 1);
    return {
      file,
      start,
      end,
      replacement,
      line: tree.getLineAndCharacterOfPosition(start).line + 1,
      before,
      after,
      rank: drawn(`${change} ${repeat}`) * density,
    };
  });
}
