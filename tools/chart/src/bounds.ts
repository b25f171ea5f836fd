import type { Problems } from './offline.ts';
import { run } from '@scaler/command';
import { kubectl } from './kubectl.ts';
import { appNamespace } from './sleepers.ts';

/** One write, and the verdict that the real API server must give on it. */
interface Attempt {
  what: string;
  /** The account that writes; undefined: an administrator. */
  as?: string;
  args: string[];
  input?: object;
  /** A text that the refusal must contain; undefined: the write is allowed. */
  refused?: string;
}

const deployment = (patch: object): string[] => [
  ...['-n', appNamespace, 'patch', 'deployment', 'always', '--dry-run=server', '--type=merge'],
  ...['-p', JSON.stringify(patch)],
];
const old = (patch: object): string[] => [
  ...['-n', appNamespace, 'patch', 'deployment', 'old', '--dry-run=server', '--type=merge'],
  ...['-p', JSON.stringify(patch)],
];
const service = (patch: object): string[] => [
  ...['-n', appNamespace, 'patch', 'service', 'selector', '--dry-run=server', '--type=merge'],
  ...['-p', JSON.stringify(patch)],
];
const create = ['create', '--dry-run=server', '-f', '-'];

/** Writes with the stolen tokens of the two accounts, and annotations of people. */
function attempts(namespace: string, dlxAddress: string): Attempt[] {
  const autoscaler = `system:serviceaccount:${namespace}:scaler-autoscaler`;
  const dlx = `system:serviceaccount:${namespace}:scaler-dlx`;
  const image = { spec: { template: { spec: { containers: [{ name: 'always', image: 'evil' }] } } } };
  const own = "scaler's own accounts";
  const annotated = (annotations: object): string[] => deployment({ metadata: { annotations } });
  return [
    { what: 'replicas by the autoscaler', as: autoscaler, args: deployment({ spec: { replicas: 2 } }) },
    { what: 'replicas by the DLX', as: dlx, args: deployment({ spec: { replicas: 2 } }) },
    {
      what: 'no replicas by the DLX',
      as: dlx,
      args: deployment({ spec: { replicas: 0 } }),
      refused: 'takes no replicas away',
    },
    { what: 'an image by the autoscaler', as: autoscaler, args: deployment(image), refused: own },
    { what: 'an image by the DLX', as: dlx, args: deployment(image), refused: own },
    ...[{ paused: true }, { minReadySeconds: 9 }, { strategy: { type: 'Recreate', rollingUpdate: null } }].map(
      (spec) => ({
        what: `${Object.keys(spec)[0]} by the autoscaler`,
        as: autoscaler,
        args: deployment({ spec }),
        refused: own,
      }),
    ),
    {
      what: 'a label that is not scaler’s own',
      as: dlx,
      args: deployment({ metadata: { labels: { team: 'x' } } }),
      refused: 'no labels',
    },
    {
      what: 'opting out',
      as: autoscaler,
      args: deployment({ metadata: { labels: { 'scaler/enabled': null } } }),
      refused: 'no labels',
    },
    {
      what: 'a label of scaler’s own, by a person',
      args: deployment({ metadata: { labels: { 'scaler/port-x-1': '1' } } }),
    },
    {
      what: 'an annotation that is not scaler’s own',
      as: autoscaler,
      args: annotated({ note: 'x' }),
      refused: 'no annotations',
    },
    {
      what: 'an owner',
      as: autoscaler,
      args: deployment({ metadata: { ownerReferences: [{ apiVersion: 'v1', kind: 'Secret', name: 'x', uid: 'x' }] } }),
      refused: 'no owners',
    },
    {
      what: 'a workload that is not opted in',
      as: autoscaler,
      args: [
        '-n',
        namespace,
        'patch',
        'deployment',
        'scaler-dlx',
        '--dry-run=server',
        '--type=merge',
        '-p',
        '{"spec":{"replicas":9}}',
      ],
      refused: 'opted in',
    },
    {
      what: 'its own key in a selector',
      as: autoscaler,
      args: service({ spec: { selector: { 'scaler/asleep': 'x' } } }),
    },
    {
      what: 'its own key out of a selector',
      as: autoscaler,
      args: service({ spec: { selector: { 'scaler/asleep': null } } }),
    },
    {
      what: 'another key in a selector',
      as: autoscaler,
      args: service({ spec: { selector: { app: 'other' } } }),
      refused: 'no key',
    },
    {
      what: 'the ports of a Service',
      as: autoscaler,
      args: service({ spec: { ports: [{ port: 81, name: 'http' }] } }),
      refused: 'nothing of a Service',
    },
    {
      what: 'externalIPs of a Service',
      as: autoscaler,
      args: service({ spec: { externalIPs: ['192.0.2.1'] } }),
      refused: 'nothing of a Service',
    },
    {
      what: 'a Service by the DLX',
      as: dlx,
      args: service({ spec: { selector: { 'scaler/asleep': 'x' } } }),
      refused: 'forbidden',
    },
    { what: 'a slice that names the DLX', as: autoscaler, args: create, input: slice(dlxAddress, 20_001, 'scaler') },
    {
      what: 'a slice that names another address',
      as: autoscaler,
      args: create,
      input: slice('192.0.2.1', 20_001, 'scaler'),
      refused: 'pods of the DLX only',
    },
    {
      what: 'a slice with a port of others',
      as: autoscaler,
      args: create,
      input: slice(dlxAddress, 22, 'scaler'),
      refused: 'ports of the DLX',
    },
    {
      what: 'a slice of another controller',
      as: autoscaler,
      args: create,
      input: slice(dlxAddress, 20_001, 'me'),
      refused: 'are theirs',
    },
    ...widerSlices(autoscaler, namespace, dlxAddress),
    ...widerServices(autoscaler, namespace),
    ...widerReplicas(autoscaler, dlx),
    ...events(autoscaler, dlx),
    ...wrongAnnotations(annotated),
    { what: 'a right annotation', args: annotated({ 'scaler/cooldown': '1m30s' }) },
    { what: 'an old object with a wrong annotation', args: old({ spec: { replicas: 1 } }) },
    {
      what: 'another wrong annotation on it',
      args: old({ metadata: { annotations: { 'scaler/cooldown': 'late' } } }),
      refused: 'scaler/cooldown is "late", allowed is',
    },
  ];
}

const patched = (where: string, what: string, patch: object): string[] => [
  ...['-n', where, 'patch', ...what.split('/'), '--dry-run=server', '--type=merge', '-p', JSON.stringify(patch)],
];

/** The slices that a stolen token would write: other endpoints in place of a pod of the DLX, or another Service. */
function widerSlices(as: string, namespace: string, dlxAddress: string): Attempt[] {
  const right = slice(dlxAddress, 20_001, 'scaler');
  const wide = (what: string, changes: object, refused?: string): Attempt => ({
    ...{ what, as, args: create, input: { ...right, ...changes } },
    ...(refused !== undefined && { refused }),
  });
  const elsewhere = (where: string, service: string): object => ({
    metadata: {
      ...right.metadata,
      namespace: where,
      labels: { ...right.metadata.labels, 'kubernetes.io/service-name': service },
      ownerReferences: [{ apiVersion: 'v1', kind: 'Service', name: service, uid: '0' }],
    },
  });
  const at = (...addresses: string[]): object[] => addresses.map((address) => ({ addresses: [address] }));
  const other = 'of a family that the DLX has';
  return [
    wide('an IPv6 slice', { addressType: 'IPv6', endpoints: at('2001:db8::1') }, other),
    wide('an IPv6 slice without endpoints', { addressType: 'IPv6', endpoints: [] }, other),
    wide('an FQDN slice', { addressType: 'FQDN', endpoints: at('evil.example.com') }, other),
    wide(
      'a slice with the DLX and another address',
      { endpoints: at(dlxAddress, '192.0.2.1') },
      'pods of the DLX only',
    ),
    wide('a slice of all ports', { ports: [{ name: 'http', protocol: 'TCP' }] }, 'no such key: port'),
    wide('a slice for kube-dns', elsewhere('kube-system', 'kube-dns'), "the system's namespaces"),
    wide('a slice for the DLX itself', elsewhere(namespace, 'scaler-dlx'), 'none of scaler itself'),
    wide(
      'a slice beside two owners',
      { metadata: { ...right.metadata, ownerReferences: [] } },
      'belongs to the Service',
    ),
    wide('a slice without endpoints', { endpoints: [] }),
    wide('a slice without ports', { ports: [] }),
  ];
}

/** Services that no park diverts. */
function widerServices(as: string, namespace: string): Attempt[] {
  const asleep = { spec: { selector: { 'scaler/asleep': '0123456789abcdef' } } };
  return [
    ['the key on kube-dns', 'kube-system', 'service/kube-dns', "the system's namespaces"],
    ['the key on the DLX itself', namespace, 'service/scaler-dlx', 'none of scaler itself'],
    ['the key on a Service without a selector', 'default', 'service/kubernetes', 'no selector'],
    ['the key on a headless Service', appNamespace, 'service/headless', 'no address of its own'],
  ].map(([what = '', where = '', service = '', refused = '']) => ({
    ...{ what, as, args: patched(where, service, asleep), refused },
  }));
}

/** More replicas than the owner asked for, at once or in two steps; `always` has or had two, and the bound is one. */
function widerReplicas(autoscaler: string, dlx: string): Attempt[] {
  const scaled = (replicas: number): string[] => deployment({ spec: { replicas } });
  const recorded = (state: string): string[] => deployment({ metadata: { annotations: { 'scaler/state': state } } });
  const refused = { as: autoscaler, refused: 'no more replicas' };
  return [
    { what: 'one more replica by the DLX', as: dlx, args: scaled(3), refused: 'no more replicas' },
    { what: 'one more replica by the autoscaler', ...refused, args: scaled(3) },
    { what: 'as many as its owner wants', as: dlx, args: large({ spec: { replicas: 150 } }) },
    {
      what: 'more than its owner wants',
      as: dlx,
      args: large({ spec: { replicas: 151 } }),
      refused: 'no more replicas',
    },
    {
      what: 'a record of as many',
      as: autoscaler,
      args: recorded('{"epoch":"e","replicas":2,"by":"\\"replicas\\":900"}'),
    },
    { what: 'a record of more', ...refused, args: recorded('{"replicas":3,"by":""}') },
    {
      what: 'a record of more beside one of few',
      ...refused,
      args: recorded('{"replicas":1,"replicas":1000,"by":""}'),
    },
    { what: 'a record of more in other digits', ...refused, args: recorded('{"replicas":1e3,"by":""}') },
    { what: 'a record of more behind a space', ...refused, args: recorded('{"replicas": 1000,"by":""}') },
    {
      what: 'a record of more under an escaped name',
      ...refused,
      args: recorded('{"replicas":1,"\\u0072eplicas":1000}'),
    },
  ];
}

const large = (patch: object): string[] => patched(appNamespace, 'deployment/large', patch);

function events(autoscaler: string, dlx: string): Attempt[] {
  const event = (component: string): object => ({
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name: 'attempt', namespace: appNamespace },
    involvedObject: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'always', namespace: appNamespace },
    ...{ reason: 'Attempt', message: 'attempt', type: 'Normal', source: { component }, reportingComponent: component },
  });
  return [
    { what: 'an Event of scaler', as: dlx, args: create, input: event('scaler') },
    {
      what: "an Event in kubelet's name",
      as: autoscaler,
      args: create,
      input: event('kubelet'),
      refused: 'in the name of scaler',
    },
  ];
}

function wrongAnnotations(annotated: (annotations: object) => string[]): Attempt[] {
  const wrong = {
    routing: 'sideways',
    metrics: 'requests',
    'idle-after': '0s',
    cooldown: 'soon',
    pause: 'maybe',
    veto: 'http://evil/',
    replicas: '0',
    'dry-run': 'yes',
    hosts: 'a b',
    quiet: '{}',
    mesh: 'on',
  };
  const long = {
    'tcp-ports': Array.from({ length: 1_001 }, (_, i) => `${i + 1}`).join(),
    settle: `${'9'.repeat(100)}h`,
    metrics: `requests_per_5m<=${'9'.repeat(50_000)}`,
  };
  return Object.entries({ ...wrong, ...long }).map(([name, value]) => {
    const shown = value.length <= 80 ? value : `${value.slice(0, 80)}…`;
    return {
      what: `scaler/${name}: ${shown}`,
      args: annotated({ [`scaler/${name}`]: value }),
      refused: `scaler/${name} is "${shown}", allowed is`,
    };
  });
}

function slice(address: string, port: number, manager: string) {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      name: 'selector-attempt',
      namespace: appNamespace,
      labels: { 'kubernetes.io/service-name': 'selector', 'endpointslice.kubernetes.io/managed-by': manager },
      ownerReferences: [{ apiVersion: 'v1', kind: 'Service', name: 'selector', uid: '0' }],
    },
    addressType: 'IPv4',
    ports: [{ name: 'http', port, protocol: 'TCP' }],
    endpoints: [{ addresses: [address] }],
  };
}

/** A slice that exists, and would become another Service's. */
async function movedSlice(as: string, dlxAddress: string): Promise<Attempt> {
  const uid = await kubectl(['-n', appNamespace, 'get', 'service', 'headless', '-o', 'jsonpath={.metadata.uid}']);
  const of = (service: string): object => {
    const one = slice(dlxAddress, 20_001, 'scaler');
    const labels = { ...one.metadata.labels, 'kubernetes.io/service-name': service };
    const ownerReferences = [{ apiVersion: 'v1', kind: 'Service', name: service, uid }];
    return { ...one, metadata: { ...one.metadata, name: 'moved', labels, ownerReferences } };
  };
  await kubectl(['--as', as, 'create', '-f', '-'], JSON.stringify(of('headless')));
  const args = ['replace', '--dry-run=server', '-f', '-'];
  return {
    what: "a slice that becomes another Service's",
    as,
    args,
    input: of('selector'),
    refused: 'stays with its Service',
  };
}

/** Tries both admission policies against the real API server. */
export async function checkBounds(namespace: string, say: (line: string) => void): Promise<Problems> {
  const address = await kubectl([
    ...['-n', namespace, 'get', 'pods', '-l', 'app.kubernetes.io/component=dlx'],
    ...['-o', 'jsonpath={.items[0].status.podIP}'],
  ]);
  const problems: Problems = [];
  let refusals = 0;
  const autoscaler = `system:serviceaccount:${namespace}:scaler-autoscaler`;
  const moved = await movedSlice(autoscaler, address);
  const all = [...attempts(namespace, address), moved];
  for (const { what, as, args, input, refused } of all) {
    const who = as === undefined ? [] : ['--as', as];
    const { code, text } = await run('kubectl', [...who, ...args], { input: input && JSON.stringify(input) });
    if (refused === undefined) {
      if (code !== 0) problems.push(`${what}: refused: ${text}`);
      continue;
    }
    if (code === 0) problems.push(`${what}: allowed`);
    else if (!text.includes(refused)) problems.push(`${what}: refused without "${refused}": ${text}`);
    else refusals += 1;
  }
  await run('kubectl', ['-n', appNamespace, 'delete', 'endpointslice', 'moved', '--ignore-not-found']);
  say(`policies: ${refusals} writes refused, ${all.length - refusals} allowed`);
  return problems;
}

/** Checks the rights of the two accounts, in the namespaces that they manage and in others. */
export async function checkScope(namespace: string, inside: string, outside: string): Promise<Problems> {
  const verbs: [string, string, string, boolean][] = [];
  for (const app of ['autoscaler', 'dlx']) {
    for (const resource of [
      'pods',
      'services',
      'deployments.apps',
      'endpointslices.discovery.k8s.io',
      'secrets',
      'configmaps',
      'nodes',
    ]) {
      const managed = ['pods', 'services', 'deployments.apps', 'endpointslices.discovery.k8s.io'].includes(resource);
      verbs.push([app, `list ${resource}`, inside, managed], [app, `list ${resource}`, outside, false]);
    }
    for (const verb of ['patch', 'delete', 'create', 'update']) {
      verbs.push(
        [app, `${verb} deployments.apps`, inside, verb === 'patch'],
        [app, `${verb} deployments.apps`, outside, false],
      );
    }
    verbs.push(
      [app, 'create pods', inside, false],
      [app, 'create pods/exec', inside, false],
      [app, 'patch services', inside, app === 'autoscaler'],
    );
  }
  const problems: Problems = [];
  for (const [app, question, where, allowed] of verbs) {
    const as = `system:serviceaccount:${namespace}:scaler-${app}`;
    const { text } = await run('kubectl', ['auth', 'can-i', ...question.split(' '), '-n', where, '--as', as]);
    if (/^yes$/m.test(text) !== allowed) problems.push(`${app} may ${allowed ? 'not ' : ''}${question} in ${where}`);
  }
  return problems;
}
