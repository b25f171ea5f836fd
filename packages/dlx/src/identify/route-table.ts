import type { Route } from '@scaler/scaler-types';
import type { Lane } from '../gate/lane.ts';
import { type Claim, Claims } from './claims.ts';

/** The result of a look-up: one lane, several that are equally good, or nothing. */
export type Found = Lane | 'ambiguous' | undefined;

/** A lane's claim to a host and path. */
export interface RouteClaim extends Claim {
  /** Not for a request that names host and path alone. */
  readonly ambiguous: boolean;
}

/** A longer path names nothing here: each request looks for every beginning of its own path that is known. */
export const longestPath = 1024;

/** One host's paths. */
class Paths {
  readonly exact = new Claims<string, RouteClaim>();
  /** Without final slash. */
  readonly prefixes = new Claims<string, RouteClaim>();
  /** How many prefixes there are of each length. */
  readonly lengths = new Map<number, number>();

  get empty(): boolean {
    return this.exact.size === 0 && this.prefixes.size === 0;
  }
}

/** Host and path → lane, as an Ingress matches them. Where two claim the same, the older claim has it. */
export class RouteTable {
  readonly #hosts = new Map<string, Paths>();

  add(route: Route, claim: RouteClaim): void {
    const path = pathOf(route);
    if (path.length > longestPath) return;
    const host = hostKey(route.host);
    const paths = this.#hosts.get(host) ?? new Paths();
    this.#hosts.set(host, paths);
    if (isExact(route)) {
      paths.exact.add(path, claim);
      return;
    }
    const before = paths.prefixes.size;
    paths.prefixes.add(path, claim);
    if (paths.prefixes.size > before) paths.lengths.set(path.length, (paths.lengths.get(path.length) ?? 0) + 1);
  }

  /** `claim`: the one that was added for it. */
  remove(route: Route, claim: RouteClaim): void {
    const path = pathOf(route);
    const host = hostKey(route.host);
    const paths = this.#hosts.get(host);
    if (paths === undefined) return;
    if (isExact(route)) paths.exact.remove(path, claim);
    else {
      const before = paths.prefixes.size;
      paths.prefixes.remove(path, claim);
      if (paths.prefixes.size < before) shorten(paths.lengths, path.length);
    }
    if (paths.empty) this.#hosts.delete(host);
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
    const paths = this.#hosts.get(host);
    if (paths === undefined) return undefined;
    const claim = paths.exact.first(path) ?? closestPrefix(paths, path);
    return claim?.ambiguous === true ? 'ambiguous' : claim?.lane;
  }
}

/** Two routes of one target with the same key are one. */
export function routeKey(route: Route): string {
  return `${isExact(route) ? 'Exact' : 'Prefix'} ${hostKey(route.host)} ${pathOf(route)}`;
}

/** Prefixes match whole elements: `/foo` matches `/foo` and `/foo/bar`, not `/foobar`. The longest counts. */
function closestPrefix({ prefixes, lengths }: Paths, path: string): RouteClaim | undefined {
  let closest: RouteClaim | undefined;
  let longest = -1;
  for (const length of lengths.keys()) {
    if (length <= longest || length > path.length) continue;
    if (length < path.length && path.charCodeAt(length) !== 47) continue;
    const claim = prefixes.first(path.slice(0, length));
    if (claim === undefined) continue;
    closest = claim;
    longest = length;
  }
  return closest;
}

function shorten(lengths: Map<number, number>, length: number): void {
  const left = (lengths.get(length) ?? 1) - 1;
  if (left === 0) lengths.delete(length);
  else lengths.set(length, left);
}

function isExact({ pathType }: Route): boolean {
  return pathType === 'Exact';
}

function pathOf(route: Route): string {
  const { path = '/' } = route;
  return isExact(route) || !path.endsWith('/') ? path : path.slice(0, -1);
}

function hostKey(host: string): string {
  return (host.endsWith('.') ? host.slice(0, -1) : host).toLowerCase();
}
