import { groupVersionOf, type Kind } from '../kinds.ts';
import { type ApiRequest } from './request.ts';
import { jsonReply, type Reply } from './reply.ts';

/** A group that is served beside the kinds, with resources of its own. */
export type ExtraGroup = { readonly group: string; readonly versions: readonly string[]; resources(): unknown[] };

const writable = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'];
const changeable = ['get', 'patch', 'update'];

/** An entry of an APIResourceList. */
export function resourceOf(name: string, kind: string, verbs: readonly string[], more: object = {}): unknown {
  return { name, singularName: '', namespaced: true, kind, verbs, ...more };
}

function resourcesOf({ resource, kind, namespaced, shortNames, scale, hasStatus }: Kind): unknown[] {
  const ofScale = { namespaced, group: 'autoscaling', version: 'v1' };
  return [
    resourceOf(resource, kind, writable, { namespaced, singularName: kind.toLowerCase(), shortNames }),
    ...(scale ? [resourceOf(`${resource}/scale`, 'Scale', changeable, ofScale)] : []),
    ...(hasStatus ? [resourceOf(`${resource}/status`, kind, changeable, { namespaced })] : []),
  ];
}

function groupOf(name: string, versions: readonly string[]): object {
  const all = versions.map((version) => ({ groupVersion: `${name}/${version}`, version }));
  return { name, versions: all, preferredVersion: all[0] };
}

/** The versions of each group but the core one. */
function groups(kinds: readonly Kind[], extra: readonly ExtraGroup[]): Map<string, readonly string[]> {
  const found = new Map<string, readonly string[]>();
  for (const { group, version } of [...kinds, { group: 'authentication.k8s.io', version: 'v1' }]) {
    if (group !== '') found.set(group, [...new Set([...(found.get(group) ?? []), version])]);
  }
  for (const { group, versions } of extra) if (versions.length > 0) found.set(group, versions);
  return found;
}

const tokenReviews = resourceOf('tokenreviews', 'TokenReview', ['create'], {
  namespaced: false,
  singularName: 'tokenreview',
});

function resourceList(groupVersion: string, kinds: readonly Kind[], extra: readonly ExtraGroup[]): Reply | undefined {
  const served = extra.find(({ group, versions }) =>
    versions.some((version) => `${group}/${version}` === groupVersion),
  );
  const resources = [
    ...kinds.filter((kind) => groupVersionOf(kind) === groupVersion).flatMap(resourcesOf),
    ...(groupVersion === 'authentication.k8s.io/v1' ? [tokenReviews] : []),
    ...(served?.resources() ?? []),
  ];
  if (resources.length === 0 && served === undefined) return undefined;
  return jsonReply({ kind: 'APIResourceList', apiVersion: 'v1', groupVersion, resources });
}

const plain = (text: string, status = 200): Reply => ({ status, text, contentType: 'text/plain; charset=utf-8' });
const version = {
  major: '1',
  minor: '35',
  gitVersion: 'v1.35.0-fake',
  gitCommit: '',
  gitTreeState: '',
  buildDate: '1970-01-01T00:00:00Z',
  goVersion: '',
  compiler: '',
  platform: 'linux/amd64',
};

/** The answer to a discovery request; `undefined` when the path is no such one. */
export function discover(
  request: ApiRequest,
  kinds: readonly Kind[],
  extra: readonly ExtraGroup[],
  host: string,
): Reply | undefined {
  const { path } = request;
  if (['/readyz', '/healthz', '/livez'].includes(path)) return plain('ok');
  if (path === '/version') return jsonReply(version);
  if (path === '/api') {
    return jsonReply({
      kind: 'APIVersions',
      versions: ['v1'],
      serverAddressByClientCIDRs: [{ clientCIDR: '0.0.0.0/0', serverAddress: host }],
    });
  }
  const all = groups(kinds, extra);
  if (path === '/apis')
    return jsonReply({
      kind: 'APIGroupList',
      apiVersion: 'v1',
      groups: [...all].map(([name, versions]) => groupOf(name, versions)),
    });
  const [, group = ''] = /^\/apis\/([^/]+)$/.exec(path) ?? [];
  const versions = all.get(group);
  if (versions !== undefined) return jsonReply({ kind: 'APIGroup', apiVersion: 'v1', ...groupOf(group, versions) });
  const groupVersion = path === '/api/v1' ? 'v1' : /^\/apis\/([^/]+\/[^/]+)$/.exec(path)?.[1];
  return groupVersion === undefined ? undefined : resourceList(groupVersion, kinds, extra);
}

/** The server's answer for an unknown path. */
export const nothingHere: Reply = plain('404 page not found\n', 404);
