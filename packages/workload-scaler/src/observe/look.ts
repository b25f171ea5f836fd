import type { Snapshot } from '../cache/snapshot.ts';
import type { Dependencies } from '../dependencies.ts';
import type { Facts } from '../machine/facts.ts';
import { gather } from './observe.ts';
import { provide } from './wanted.ts';

/** Gathers the facts, and does what gathering asks for. */
export function look(deps: Dependencies, snapshot: Snapshot): Facts {
  const { facts, wanted } = gather(deps, snapshot);
  if (!provide(deps, snapshot, wanted)) return facts;
  return gather(deps, snapshot).facts;
}
