import { describe, expect, test } from '@jest/globals';
import type { HttpRoute, HttpRouteMatch, ParentReference } from '@scaler/kube';
import { type GatewayInfo, hostedRoute, reaches, trimGateway, trimHttpRoute } from './http-route.ts';

const parent: ParentReference = { name: 'public', namespace: 'infra' };
const web = { name: 'web', port: 80 };
const api = { name: 'api', port: 80 };
const other = { ...web, namespace: 'elsewhere' };
const path = (value: string, type?: 'Exact' | 'RegularExpression'): HttpRouteMatch => ({
  path: { value, ...(type && { type }) },
});
const canary: HttpRouteMatch = { headers: [{ name: 'x-canary', value: '1' }] };

function route(spec: NonNullable<HttpRoute['spec']>, status: HttpRoute['status'] = {}): HttpRoute {
  return { metadata: { namespace: 'shop', name: 'front' }, spec: { parentRefs: [parent], ...spec }, status };
}

/** `service path`, `=` before an exact one, `?` after what is ambiguous. */
function pathsOf(rules: NonNullable<HttpRoute['spec']>['rules'] & object): string[] {
  return trimHttpRoute(route({ rules })).paths.map(
    ({ service, path: wanted, pathType, ambiguous }) =>
      `${service} ${pathType === 'Exact' ? '=' : ''}${wanted}${ambiguous === true ? '?' : ''}`,
  );
}

describe('paths of an HTTPRoute', () => {
  test('are those of its matches; no match is any path', () => {
    const rules = [
      { backendRefs: [web] },
      { matches: [path('/api'), path('/v1', 'Exact')], backendRefs: [api] },
      { matches: [], backendRefs: [{ ...api, port: 81 }] },
    ];
    expect(pathsOf(rules.slice(0, 2))).toEqual(['web /', 'api /api', 'api =/v1']);
    expect(pathsOf(rules.slice(2))).toEqual(['api /']);
  });

  test.each([
    ['two Services by weight', [{ backendRefs: [web, api] }], ['web /?', 'api /?']],
    ['a Service and one of weight 0', [{ backendRefs: [web, { ...api, weight: 0 }] }], ['web /']],
    ['a Service of its own and one of another namespace', [{ backendRefs: [web, other] }], ['web /?']],
    ['a Service of another namespace', [{ backendRefs: [other] }], []],
    ['what is no Service', [{ backendRefs: [{ ...web, group: 'example.com', kind: 'Pool' }] }], []],
    ['nothing, as a redirect', [{ matches: [path('/old')] }, { backendRefs: [web] }], ['web /']],
    ['two ports of a Service', [{ backendRefs: [web, { ...web, port: 81 }] }], ['web /?', 'web /?']],
    [
      'another Service by header',
      [{ backendRefs: [web] }, { matches: [canary], backendRefs: [api] }],
      ['web /?', 'api /?'],
    ],
    [
      'the same Service by method',
      [{ matches: [{ method: 'GET' }, { method: 'PUT' }], backendRefs: [web] }],
      ['web /'],
    ],
    [
      'one Service by method below another',
      [{ backendRefs: [web] }, { matches: [{ ...path('/api/'), method: 'GET' }], backendRefs: [api] }],
      ['web /', 'api /api/?'],
    ],
    [
      'one Service by method beside another',
      [
        { matches: [path('/a')], backendRefs: [web] },
        { matches: [{ ...path('/ab'), method: 'GET' }], backendRefs: [api] },
      ],
      ['web /a', 'api /ab'],
    ],
  ])('that lead to %s', (_what, rules, expected) => {
    expect(pathsOf(rules)).toEqual(expected);
  });

  test('that are regular expressions are left out, and that is said where they lead to a Service of its own', () => {
    const rules = [{ matches: [path('/a.*', 'RegularExpression'), path('/b')], backendRefs: [web] }];
    expect(pathsOf(rules)).toEqual(['web /b']);
    expect(trimHttpRoute(route({ rules })).problems).toEqual([
      expect.stringMatching(/front has the path \/a\.\*, a Reg/),
    ]);
    expect(trimHttpRoute(route({ rules: [{ ...rules[0]!, backendRefs: [other] }] })).problems).toEqual([]);
  });
});

describe('hosts of an HTTPRoute', () => {
  const gateway = trimGateway({
    metadata: { namespace: 'infra', name: 'public' },
    spec: {
      listeners: [
        { name: 'shop', port: 443, protocol: 'HTTPS', hostname: '*.Shop.example.com' },
        { name: 'one', port: 80, protocol: 'HTTP', hostname: 'one.example.com' },
        { name: 'raw', port: 5432, protocol: 'TCP' },
      ],
    },
  });
  const hostsOf = (spec: NonNullable<HttpRoute['spec']>, known: GatewayInfo | undefined = gateway, status = {}) =>
    hostedRoute(trimHttpRoute(route(spec, status)), (name) => (name === 'infra/public' ? known : undefined)).hosts;

  test.each([
    [
      'its own where a listener has them',
      ['a.shop.example.com', 'a.b.shop.example.com', 'bank.example.com'],
      ['a.shop.example.com', 'a.b.shop.example.com'],
    ],
    ['its own, written in any way', ['ONE.example.com'], ['one.example.com']],
    ['what it has in common with a listener', ['*.example.com'], ['*.shop.example.com', 'one.example.com']],
    ['those of the listeners, where it has none', undefined, ['*.shop.example.com', 'one.example.com']],
    ['none, where no listener has any of them', ['bank.example.com', 'shop.example.com'], []],
  ])('are %s', (_what, hostnames, expected) => {
    expect(hostsOf(hostnames === undefined ? {} : { hostnames })).toEqual(expected);
  });

  test('are those of the listener that is meant, by name or port', () => {
    expect(hostsOf({ parentRefs: [{ ...parent, sectionName: 'one' }] })).toEqual(['one.example.com']);
    expect(hostsOf({ parentRefs: [{ ...parent, port: 443 }] })).toEqual(['*.shop.example.com']);
    expect(hostsOf({ parentRefs: [{ ...parent, sectionName: 'raw' }] })).toEqual([]);
  });

  test('are any, where neither it nor a listener names one', () => {
    const open = trimGateway({ metadata: gateway, spec: { listeners: [{ name: 'http', port: 80 }] } });
    expect(hostsOf({}, open)).toEqual(['*']);
    expect(hostsOf({ hostnames: ['a.example.com'] }, open)).toEqual(['a.example.com']);
  });

  test('of a Gateway that is not known are its own; where it has none there are none, and that is said', () => {
    const spec = { hostnames: ['a.example.com'], parentRefs: [{ name: 'set', kind: 'ListenerSet' }] };
    expect(hostsOf(spec)).toEqual(['a.example.com']);
    const bare = trimHttpRoute(route({ rules: [{ backendRefs: [web] }] }));
    const unknown = hostedRoute(bare, () => undefined);
    expect([unknown.hosts, unknown.routes]).toEqual([[], []]);
    expect(unknown.problems).toEqual([expect.stringMatching(/no hostnames.*Gateway infra\/public are not known/)]);
    expect(hostedRoute(bare, () => gateway).problems).toEqual([]);
  });

  test('are none without a Gateway: in a mesh, or where every controller refused it', () => {
    const hostnames = ['one.example.com'];
    expect(hostsOf({ hostnames, parentRefs: [] })).toEqual([]);
    expect(hostsOf({ hostnames, parentRefs: [{ group: '', kind: 'Service', name: 'web' }] })).toEqual([]);
    const verdict = (...verdicts: string[]) => ({
      parents: verdicts.map((status) => ({ parentRef: parent, conditions: [{ type: 'Accepted', status }] })),
    });
    expect(hostsOf({ hostnames }, gateway, verdict('False'))).toEqual([]);
    expect(hostsOf({ hostnames }, gateway, verdict('False', 'True'))).toEqual(hostnames);
    expect(hostsOf({ hostnames }, gateway, verdict('Unknown'))).toEqual(hostnames);
  });
});

test('a wildcard reaches any depth below it, not itself without the star', () => {
  expect(['a.x.io', 'a.b.x.io', '*.b.x.io', '*.x.io'].every((host) => reaches('*.x.io', host))).toBe(true);
  expect(['x.io', 'ax.io', '*', '*.io'].some((host) => reaches('*.x.io', host))).toBe(false);
});
