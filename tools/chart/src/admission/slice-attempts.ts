import { type Account, type Attempt, created } from './attempt.ts';
import { kubectl } from '../kubectl.ts';
import { appNamespace } from '../sleepers.ts';

/** Writes of EndpointSlices with the autoscaler's stolen token. */
export function sliceAttempts(autoscaler: Account, namespace: string, dlxAddress: string): Attempt[] {
  const notPods = 'pods of the DLX only';
  return [
    autoscaler('a slice that names the DLX', created(slice(dlxAddress))),
    autoscaler('a slice that names another address', created(slice('192.0.2.1')), notPods),
    autoscaler('a slice with a port of others', created(slice(dlxAddress, { port: 22 })), 'ports of the DLX'),
    autoscaler('a slice of another controller', created(slice(dlxAddress, { manager: 'me' })), 'are theirs'),
    ...widerSlices(autoscaler, namespace, dlxAddress),
  ];
}

/** The slices that a stolen token would write: other endpoints in place of a pod of the DLX, or another Service. */
function widerSlices(autoscaler: Account, namespace: string, dlxAddress: string): Attempt[] {
  const right = slice(dlxAddress);
  const wide = (what: string, changes: object, refused?: string): Attempt =>
    autoscaler(what, created({ ...right, ...changes }), refused);
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
  const twoOwners = { metadata: { ...right.metadata, ownerReferences: [] } };
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
    wide('a slice beside two owners', twoOwners, 'belongs to the Service'),
    wide('a slice without endpoints', { endpoints: [] }),
    wide('a slice without ports', { ports: [] }),
  ];
}

function slice(address: string, { port = 20_001, manager = 'scaler' } = {}) {
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
export async function movedSlice(autoscaler: Account, dlxAddress: string): Promise<Attempt> {
  const uid = await kubectl(['-n', appNamespace, 'get', 'service', 'headless', '-o', 'jsonpath={.metadata.uid}']);
  const of = (service: string): object => {
    const one = slice(dlxAddress);
    const labels = { ...one.metadata.labels, 'kubernetes.io/service-name': service };
    const ownerReferences = [{ apiVersion: 'v1', kind: 'Service', name: service, uid }];
    return { ...one, metadata: { ...one.metadata, name: 'moved', labels, ownerReferences } };
  };
  const write = { args: ['replace', '--dry-run=server', '-f', '-'], input: of('selector') };
  const attempt = autoscaler("a slice that becomes another Service's", write, 'stays with its Service');
  await kubectl(['--as', attempt.as ?? '', 'create', '-f', '-'], JSON.stringify(of('headless')));
  return attempt;
}
