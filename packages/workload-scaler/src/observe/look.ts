import type { Snapshot } from '../cache/snapshot.ts';
import type { Dependencies } from '../dependencies.ts';
import type { Facts } from '../machine/facts.ts';
import { observe } from './observe.ts';
import { provide } from './wanted.ts';

/** Observes the facts, and does what observing asks for. */
export function look(deps: Dependencies, snapshot: Snapshot): Facts {
  const { facts, wanted } = observe(deps, snapshot);
  if (!provide(deps, snapshot, wanted)) return facts;
  return observe(deps, snapshot).facts;
}
