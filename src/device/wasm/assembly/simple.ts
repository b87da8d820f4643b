/** Copying and filling. */
import { Opcode } from '../protocol/command';
import { CopyWord, FillWord } from '../protocol/simple';
import { address, arg, next } from './core';

/** Words per chunk. */
const block = 8192;

/** Copies words. */
function copy(p: usize): void {
  const words = arg(p, CopyWord.size);
  for (let c = next(); c * block < words; c = next()) {
    const offset = (<usize>(c * block)) << 2;
    memory.copy(
      address(p, CopyWord.to) + offset,
      address(p, CopyWord.from) + offset,
      (<usize>min(block, words - c * block)) << 2,
    );
  }
}

/** Fills words with a value. */
function fill(p: usize): void {
  const words = arg(p, FillWord.size);
  const value = arg(p, FillWord.value);
  const lanes = i32x4.splat(value);
  for (let c = next(); c * block < words; c = next()) {
    const start = c * block;
    const end = min(start + block, words);
    let at = address(p, FillWord.to) + ((<usize>start) << 2);
    let i = start;
    for (; i + 4 <= end; i += 4, at += 16) v128.store(at, lanes);
    for (; i < end; i++, at += 4) store<i32>(at, value);
  }
}

export function dispatchSimple(opcode: i32, p: usize): void {
  if (opcode == Opcode.copy) copy(p);
  else if (opcode == Opcode.fill) fill(p);
  else unreachable();
}
