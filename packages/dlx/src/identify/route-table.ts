import type { Route } from '@scaler/scaler-types';
import type { Lane } from '../hold/lane.ts';

interface Entry {
  readonly path: string;
  readonly exact: boolean;
  readonly ambiguous: boolean;
  readonly lane: Lane;
}

/** What a look-up found: one lane, several that nothing tells apart, or nothing. */
export type Found = Lane | 'ambiguous' | undefined;

/** Host and path → lane, as an Ingress matches them. Two resources that claim the same: neither has it. */
export class RouteTable {
  readonly #hosts = new Map<string, Entry[]>();

  add(route: Route, lane: Lane): void {
    const { path = '/', pathType, ambiguous = false } = route;
    const entry = { path: withoutFinalSlash(path), exact: pathType === 'Exact', ambiguous, lane };
    const host = hostKey(route.host);
    const entries = this.#hosts.get(host);
    if (entries === undefined) this.#hosts.set(host, [entry]);
    else entries.push(entry);
  }

  remove(route: Route, lane: Lane): void {
    const host = hostKey(route.host);
    const rest = (this.#hosts.get(host) ?? []).filter((entry) => entry.lane !== lane);
    if (rest.length === 0) this.#hosts.delete(host);
    else this.#hosts.set(host, rest);
  }

  /** An exact host goes before `*.example.com`; `*` is asked for by {@link findAnyHost}. */
  find(host: string, path: string): Found {
    const exact = this.#match(host, path);
    if (exact !== undefined) return exact;
    const dot = host.indexOf('.');
    return dot === -1 ? undefined : this.#match(`*${host.slice(dot)}`, path);
  }

  findAnyHost(path: string): Found {
    return this.#match('*', path);
  }

  #match(host: string, path: string): Found {
    let best: Entry | undefined;
    let ambiguous = false;
    for (const entry of this.#hosts.get(host) ?? []) {
      if (!pathMatches(entry, path)) continue;
      const rank = best === undefined ? 1 : compare(entry, best);
      if (rank > 0) ambiguous = entry.ambiguous;
      else if (rank === 0 && (entry.ambiguous || entry.lane !== best?.lane)) ambiguous = true;
      if (rank > 0) best = entry;
    }
    return ambiguous ? 'ambiguous' : best?.lane;
  }
}

/** Positive when `a` is the closer match: exact before prefix, then the longer path. */
function compare(a: Entry, b: Entry): number {
  if (a.exact !== b.exact) return a.exact ? 1 : -1;
  return a.path.length - b.path.length;
}

/** Prefixes match whole elements: `/foo` matches `/foo` and `/foo/bar`, not `/foobar`. */
function pathMatches({ path, exact }: Entry, wanted: string): boolean {
  if (exact) return withoutFinalSlash(wanted) === path && (path === '' || wanted.length === path.length);
  if (!wanted.startsWith(path)) return false;
  return wanted.length === path.length || wanted.charCodeAt(path.length) === 47;
}

function withoutFinalSlash(path: string): string {
  return path.endsWith('/') ? path.slice(0, -1) : path;
}

function hostKey(host: string): string {
  return (host.endsWith('.') ? host.slice(0, -1) : host).toLowerCase();
}
