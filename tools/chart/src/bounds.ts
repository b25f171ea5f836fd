import type { Problems } from './offline.ts';
import { kubectl, run } from './kubectl.ts';
import { appNamespace } from './sleepers.ts';

/** What the real API server has to say to one write. */
interface Attempt {
  what: string;
  /** Who; undefined: an administrator. */
  as?: string;
  args: string[];
  input?: object;
  /** What the refusal has to say; undefined: it is allowed. */
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
    { what: 'replicas by the autoscaler', as: autoscaler, args: deployment({ spec: { replicas: 3 } }) },
    { what: 'replicas by the DLX', as: dlx, args: deployment({ spec: { replicas: 3 } }) },
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
      what: 'a label of others',
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
    { what: 'an annotation of others', as: autoscaler, args: annotated({ note: 'x' }), refused: 'no annotations' },
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
      what: 'a slice that names somebody else',
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
      what: 'a slice of somebody else',
      as: autoscaler,
      args: create,
      input: slice(dlxAddress, 20_001, 'me'),
      refused: 'are theirs',
    },
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
  return Object.entries(wrong).map(([name, value]) => ({
    what: `scaler/${name}: ${value}`,
    args: annotated({ [`scaler/${name}`]: value }),
    refused: `scaler/${name} is "${value}", allowed is`,
  }));
}

function slice(address: string, port: number, manager: string): object {
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

/** Both admission policies against the real API server. */
export async function checkBounds(namespace: string, say: (line: string) => void): Promise<Problems> {
  const address = await kubectl([
    ...['-n', namespace, 'get', 'pods', '-l', 'app.kubernetes.io/component=dlx'],
    ...['-o', 'jsonpath={.items[0].status.podIP}'],
  ]);
  const problems: Problems = [];
  let refusals = 0;
  const all = attempts(namespace, address);
  for (const { what, as, args, input, refused } of all) {
    const who = as === undefined ? [] : ['--as', as];
    const { code, text } = await run('kubectl', [...who, ...args], input && JSON.stringify(input));
    if (refused === undefined) {
      if (code !== 0) problems.push(`${what}: refused: ${text}`);
      continue;
    }
    if (code === 0) problems.push(`${what}: allowed`);
    else if (!text.includes(refused)) problems.push(`${what}: refused without "${refused}": ${text}`);
    else refusals += 1;
  }
  say(`policies: ${refusals} writes refused, ${all.length - refusals} allowed`);
  return problems;
}

/** What the two accounts may do, where they manage a list of namespaces, and where they do not. */
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
