/**
 * What a call needs when it leaves its recording, so that the rest of it can run as usual: memory
 * and graph nodes of its own.
 * Not here: when it leaves (replay.ts).
 */
import type { Storage } from '../../device/storage.js';
import { Node } from '../graph.js';
import { moveOut } from './copies.js';
import type { Contents, Entry, OpEntry } from './entries.js';

/** The storages that the program holds, although it had released them before this entry. */
export function heldOf({ held }: Contents, { ended }: Entry): readonly Storage[] {
  return ended.length === 0 ? ended : ended.filter((storage) => storage.references > (held.get(storage) ?? 0));
}

/**
 * Moves the results that the program holds out of memory that later commands of the plan reuse.
 * That memory counts as free.
 */
export function rescue(contents: Contents, cursor: number): void {
  for (const entry of contents.entries.slice(cursor)) heldOf(contents, entry).forEach(moveOut);
}

/**
 * Gives the results of this call a graph node of their own, as if the operation had just been
 * applied.
 */
export function renew({ op, attrs, made, given, now }: OpEntry, nodes: Map<Node, Node>): void {
  const recorded = made.find(({ like }) => like.node !== null)?.like.node ?? null;
  const node = recorded === null ? null : new Node(op, attrs, given, now);
  if (recorded !== null && node !== null) nodes.set(recorded, node);
  for (const t of now) {
    if (t.node !== null) t.node = node;
    else if (t.owner !== null) t.owner = nodes.get(t.owner) ?? t.owner;
  }
}
