/**
 * Sums of products in Einstein's notation, composed of permutations, sums and matrix products.
 * Not here: the matrix product itself (matmul.ts).
 */
import { checkText, shown } from '../../arguments.js';
import { ShapeError, show, ValueError } from '../../errors.js';
import type { Tensor } from '../../tensor/tensor.js';
import { checkFloat } from '../../values/dtype.js';
import { sameShape, sizeOf } from '../../values/shape.js';
import { checkTensor } from '../graph.js';
import { composed } from '../lifetimes.js';
import { where } from './arithmetic.js';

/** A tensor with a letter for each axis. */
interface Labelled {
  readonly tensor: Tensor;
  readonly axes: readonly string[];
}

const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/**
 * Gives the axes of '...' letters that the equation does not use, which are counted from the last
 * one, as numpy broadcasts.
 */
function spellOut(equation: string, operands: readonly Tensor[]): { text: string; shared: readonly string[] } {
  const text = equation.replaceAll(' ', '');
  if (!text.includes('...')) return { text, shared: [] };
  const [left, right] = text.split('->');
  const counts = left
    .split(',')
    .map((term, k) => (term.includes('...') ? Math.max((operands[k]?.rank ?? 0) - (term.length - 3), 0) : 0));
  const shared = [...letters].filter((letter) => !text.includes(letter)).slice(0, Math.max(...counts));
  const spell = (term: string, count: number): string =>
    term.replace('...', shared.slice(shared.length - count).join(''));
  const all = left.replaceAll(/[^A-Za-z]/g, '');
  const once = [...all].filter((letter) => all.indexOf(letter) === all.lastIndexOf(letter)).sort();
  const terms = left.split(',').map((term, k) => spell(term, counts[k]));
  return { text: `${terms.join()}->${spell(right ?? `...${once.join('')}`, shared.length)}`, shared };
}

/** Repeats axes of size 1 whose letter stands for an axis of '...'. */
function broadcast(terms: readonly Labelled[], shared: readonly string[]): Labelled[] {
  const most = new Map(shared.map((letter) => [letter, 1]));
  for (const { tensor, axes } of terms)
    for (const [i, letter] of axes.entries())
      if (most.has(letter)) most.set(letter, Math.max(most.get(letter) ?? 1, tensor.shape[i]));
  return terms.map(({ tensor, axes }) => {
    const shape = tensor.shape.map((n, i) => (n === 1 ? (most.get(axes[i]) ?? 1) : n));
    return { tensor: sameShape(shape, tensor.shape) ? tensor : tensor.expand(shape), axes };
  });
}

/** The letters of the operands, and of the result. */
function parseEquation(equation: string, count: number): { inputs: string[][]; output: string[] } {
  const op = 'einsum';
  const got = `equation=${shown(equation)}`;
  const [left, right, ...more] = equation.replaceAll(' ', '').split('->');
  if (more.length > 0 || !/^[A-Za-z,]*$/.test(left) || !/^[A-Za-z]*$/.test(right ?? ''))
    throw new ValueError(op, "the equation must be letters, as in 'ij,jk->ik'", got);
  const inputs = left.split(',').map((word) => [...word]);
  if (inputs.length !== count)
    throw new ValueError(op, 'the equation must have one term for each operand', `${got}, ${count} operands`);
  const all = inputs.flat();
  const once = [...new Set(all)].filter((letter) => all.indexOf(letter) === all.lastIndexOf(letter)).sort();
  const output = right === undefined ? once : [...right];
  const odd = output.find((letter, i) => !all.includes(letter) || output.indexOf(letter) !== i);
  if (odd !== undefined)
    throw new ValueError(
      op,
      'each letter of the result must be one of the operands, and stand once',
      `${got}, '${odd}'`,
    );
  return { inputs, output };
}

/** Takes the diagonal of axes that share a letter. */
function diagonals({ tensor, axes }: Labelled): Labelled {
  const second = axes.findIndex((letter, i) => axes.indexOf(letter) !== i);
  if (second < 0) return { tensor, axes };
  const first = axes.indexOf(axes[second]);
  const n = tensor.shape[first];
  const isEqual = Uint8Array.from({ length: n * n }, (_, i) => Number(Math.floor(i / n) === i % n));
  const mask = tensor.upload(
    isEqual,
    'bool',
    axes.map((_, i) => (i === first || i === second ? n : 1)),
  );
  return diagonals({
    tensor: where(mask, tensor, 0).sum(second),
    axes: axes.filter((_, i) => i !== second),
  });
}

/** Sums over the axes whose letters are not needed. */
function sumOthers({ tensor, axes }: Labelled, needed: ReadonlySet<string>): Labelled {
  const gone = axes.flatMap((letter, i) => (needed.has(letter) ? [] : [i]));
  return gone.length === 0
    ? { tensor, axes }
    : { tensor: tensor.sum(gone), axes: axes.filter((letter) => needed.has(letter)) };
}

/** Brings axes into an order. */
const inOrder = ({ tensor, axes }: Labelled, order: readonly string[]): Tensor =>
  order.every((letter, i) => letter === axes[i]) ? tensor : tensor.permute(order.map((letter) => axes.indexOf(letter)));

/** The sum of products of two tensors over the letters that are not needed any more. */
function contract(first: Labelled, second: Labelled, needed: ReadonlySet<string>): Labelled {
  const a = sumOthers(first, new Set([...needed, ...second.axes]));
  const b = sumOthers(second, new Set([...needed, ...first.axes]));
  const isShared = (letter: string): boolean => a.axes.includes(letter) && b.axes.includes(letter);
  const batch = a.axes.filter((letter) => isShared(letter) && needed.has(letter));
  const summed = a.axes.filter((letter) => isShared(letter) && !needed.has(letter));
  const rows = a.axes.filter((letter) => !isShared(letter));
  const columns = b.axes.filter((letter) => !isShared(letter));
  const sizes = (letters: readonly string[]): number[] =>
    letters.map((letter) =>
      a.axes.includes(letter) ? a.tensor.shape[a.axes.indexOf(letter)] : b.tensor.shape[b.axes.indexOf(letter)],
    );
  const [outer, m, k, n] = [batch, rows, summed, columns].map((letters) => sizeOf(sizes(letters)));
  const left = inOrder(a, [...batch, ...rows, ...summed]).reshape([outer, m, k]);
  const right = inOrder(b, [...batch, ...summed, ...columns]).reshape([outer, k, n]);
  const axes = [...batch, ...rows, ...columns];
  return { tensor: left.matmul(right).reshape(sizes(axes)), axes };
}

/** Checks that each axis has a letter. */
function checkRanks(operands: readonly Labelled[]): void {
  for (const [k, { tensor, axes }] of operands.entries())
    if (axes.length !== tensor.rank)
      throw new ShapeError(
        'einsum',
        'a term must have one letter for each axis',
        `'${axes.join('')}' for operand ${k}=${show(tensor.shape)}`,
      );
}

/** Checks that axes of one letter have one size. */
function checkSizes(operands: readonly Labelled[]): void {
  const sizes = new Map<string, number>();
  for (const [k, { tensor, axes }] of operands.entries()) {
    for (const [i, letter] of axes.entries()) {
      const size = sizes.get(letter) ?? tensor.shape[i];
      if (size !== tensor.shape[i])
        throw new ShapeError(
          'einsum',
          'axes of one letter must have one size',
          `'${letter}' is ${size}, and ${tensor.shape[i]} in operand ${k}=${show(tensor.shape)}`,
        );
      sizes.set(letter, size);
    }
  }
}

/**
 * The sum of products of tensors in Einstein's notation. Each term names the axes of an operand by
 * letters, and the result keeps the letters after the arrow: 'ij,jk->ik' is a matrix product, and
 * 'bii->b' a batch of traces. Without an arrow, the result has the letters that stand once, sorted.
 * '...' stands for any further axes, which are broadcast: '...ij,...jk->...ik'. Operands are
 * contracted from the left to the right.
 * @shape operands as their terms → the result as its term
 * @gradient of each operand, the sum of g times the other operands over the letters that it lacks
 * @throws ValueError for an equation that cannot be read, or a dtype that is not float; ShapeError
 * for a term of another rank, or a letter with two sizes
 * @source torch.einsum; numpy.einsum
 */
export function einsum(equation: string, ...operands: readonly Tensor[]): Tensor {
  for (const [k, tensor] of operands.entries()) {
    checkTensor('einsum', `operand ${k}`, tensor);
    checkFloat('einsum', tensor.dtype);
  }
  checkText('einsum', 'equation', equation);
  const { text, shared } = spellOut(equation, operands);
  const { inputs, output } = parseEquation(text, operands.length);
  const terms = operands.map((tensor, k): Labelled => ({ tensor, axes: inputs[k] }));
  checkRanks(terms);
  return composed(() => {
    const whole = broadcast(terms, shared);
    checkSizes(whole);
    const [first, ...others] = whole.map(diagonals);
    const product = others.reduce((done, next, k) => {
      const later = others.slice(k + 1).flatMap(({ axes }) => axes);
      return contract(done, next, new Set([...output, ...later]));
    }, first);
    return inOrder(sumOthers(product, new Set(output)), output);
  });
}
