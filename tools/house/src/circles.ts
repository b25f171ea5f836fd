import type { Imports } from './sources.ts';

/** Groups of files each of which imports, directly or by others, every other of its group. */
export function knotsIn(imports: Imports): string[][] {
  const order = finishingOrder(imports);
  const importers = new Map<string, string[]>();
  for (const [file, imported] of imports) {
    for (const one of imported) importers.set(one, [...(importers.get(one) ?? []), file]);
  }
  const taken = new Set<string>();
  const knots: string[][] = [];
  for (const file of order.reverse()) {
    const knot = reachable(file, importers, taken);
    if (knot.length > 1 || imports.get(file)?.includes(file) === true) knots.push(knot.sort());
  }
  return knots;
}

/** The shortest way from a file of a knot back to itself: `[a, b, a]`. */
export function shortestCircle(knot: readonly string[], imports: Imports): string[] {
  const circles = knot.map((file) => circleFrom(file, new Set(knot), imports));
  return circles.reduce((shortest, circle) => (circle.length < shortest.length ? circle : shortest));
}

function circleFrom(start: string, knot: ReadonlySet<string>, imports: Imports): string[] {
  const ways: string[][] = [[start]];
  const seen = new Set<string>();
  for (const way of ways) {
    for (const next of imports.get(way.at(-1) as string) ?? []) {
      if (next === start) return [...way, start];
      if (!knot.has(next) || seen.has(next)) continue;
      seen.add(next);
      ways.push([...way, next]);
    }
  }
  throw new Error(`${start} is in no circle`);
}

/** Depth first: a file stands behind all that it imports, circles aside. */
function finishingOrder(imports: Imports): string[] {
  const order: string[] = [];
  const seen = new Set<string>();
  const visit = (file: string): void => {
    if (seen.has(file)) return;
    seen.add(file);
    for (const one of imports.get(file) ?? []) visit(one);
    order.push(file);
  };
  for (const file of imports.keys()) visit(file);
  return order;
}

function reachable(start: string, edges: ReadonlyMap<string, readonly string[]>, taken: Set<string>): string[] {
  const found: string[] = [];
  const open = [start];
  for (let file = open.pop(); file !== undefined; file = open.pop()) {
    if (taken.has(file)) continue;
    taken.add(file);
    found.push(file);
    open.push(...(edges.get(file) ?? []));
  }
  return found;
}
