import { type Attempt, create } from './attempt.ts';
import { kubectl } from '../kubectl.ts';
import { appNamespace } from '../sleepers.ts';

/** Writes of EndpointSlices with the autoscaler's stolen token. */
export function sliceAttempts(autoscaler: string, namespace: string, dlxAddress: string): Attempt[] {
  return [
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
  ];
}

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
export async function movedSlice(as: string, dlxAddress: string): Promise<Attempt> {
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
