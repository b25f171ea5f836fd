import type { ServicePort } from '../routing/service-info.ts';
import type { TargetPort } from '@scaler/scaler-types';

/** A port that `scaler/tcp-ports` names. */
export interface TcpPort {
  /** The Service port's number or name. */
  readonly port: number | string;
  readonly speaksFirst: TargetPort['speaksFirst'];
}

/** What a port's protocol is, as far as anybody said. */
export type PortProtocol = Pick<TargetPort, 'protocol' | 'speaksFirst'>;

/**
 * Protocols by the names that IANA, Kubernetes or Istio have for them. Left out on purpose is what goes over TLS, gRPC
 * among it: the name does not say whether a load balancer has taken TLS off, and the first bytes show it beyond doubt.
 */
export const protocolNames = {
  http: ['http', 'http2', 'h2c', 'kubernetes.io/h2c', 'kubernetes.io/ws'],
  client: [
    ...['redis', 'postgres', 'postgresql', 'mongo', 'mongodb', 'amqp', 'mqtt', 'kafka', 'cassandra', 'memcache'],
    ...['memcached', 'ldap', 'sip', 'rtsp'],
  ],
  server: ['mysql', 'mariadb', 'smtp', 'submission', 'imap', 'pop3', 'ftp', 'ssh', 'nats', 'vnc'],
  either: ['tcp'],
} as const;

/**
 * What is meant by a Service port's number alone. Taken for HTTP such a sleeper could not be woken by its clients, and
 * HTTP gets through a raw port too.
 */
export const protocolNumbers: Readonly<Record<number, string>> = {
  21: 'ftp',
  22: 'ssh',
  25: 'smtp',
  110: 'pop3',
  143: 'imap',
  389: 'ldap',
  587: 'submission',
  1883: 'mqtt',
  3306: 'mysql',
  4222: 'nats',
  5432: 'postgres',
  5672: 'amqp',
  5900: 'vnc',
  6379: 'redis',
  9042: 'cassandra',
  9092: 'kafka',
  11211: 'memcached',
  27017: 'mongodb',
};

/** What any protocol may be named after: `tcp-anything`, `http-anything`. */
const prefixes = ['http', 'http2', 'tcp'];

const known: ReadonlyMap<string, PortProtocol> = new Map<string, PortProtocol>([
  ...protocolNames.http.map((name) => [name, { protocol: 'http' }] as const),
  ...protocolNames.client.map((name) => [name, { protocol: 'tcp', speaksFirst: 'client' }] as const),
  ...protocolNames.server.map((name) => [name, { protocol: 'tcp', speaksFirst: 'server' }] as const),
  ...protocolNames.either.map((name) => [name, { protocol: 'tcp' }] as const),
]);

/** By `scaler/tcp-ports`, else by `appProtocol`, else by the port's name, else by its number; empty: none says it. */
export function protocolOf(port: ServicePort, tcpPorts: readonly TcpPort[]): PortProtocol {
  const said = byAppProtocol(port) ?? byName(port) ?? byNumber(port);
  const declared = tcpPorts.length === 0 ? undefined : declaredOf(port, tcpPorts);
  if (declared === undefined) return said ?? {};
  const speaksFirst = declared.speaksFirst ?? said?.speaksFirst;
  return { protocol: 'tcp', ...(speaksFirst === undefined ? {} : { speaksFirst }) };
}

const indexes = new WeakMap<readonly TcpPort[], ReadonlyMap<TcpPort['port'], TcpPort>>();

// There may be a thousand of both.
function declaredOf({ name = '', port }: ServicePort, tcpPorts: readonly TcpPort[]): TcpPort | undefined {
  let index = indexes.get(tcpPorts);
  if (index === undefined) {
    index = new Map(tcpPorts.map((one) => [one.port, one]));
    indexes.set(tcpPorts, index);
  }
  return index.get(port) ?? index.get(name);
}

const tlsNumbers = [443, 6443, 8443, 9443];
const tls = /^(https|tls|ssl)(-.*)?$/i;

/** Whether TLS is said to be spoken on a port, which the DLX knows by a client's first bytes. */
export function speaksTls({
  appProtocol,
  name = '',
  port,
}: Pick<ServicePort, 'appProtocol' | 'name' | 'port'>): boolean {
  return tls.test(appProtocol ?? name) || (appProtocol === undefined && tlsNumbers.includes(port));
}

const http2 = /^((kubernetes\.io\/)?h2c|(http2|grpc)(-(?!web$).*)?)$/i;

/** Whether HTTP/1.1 may be tried on a port: not where HTTP/2 is said to be spoken, which a pod need not take for it. */
export function speaksHttp1({ appProtocol, name = '' }: Pick<ServicePort, 'appProtocol' | 'name'>): boolean {
  return !http2.test(appProtocol ?? name);
}

function byAppProtocol({ appProtocol }: ServicePort): PortProtocol | undefined {
  // One that we do not know says more than the name all the same.
  return appProtocol === undefined ? undefined : (known.get(appProtocol.toLowerCase()) ?? {});
}

function byName({ name = '' }: ServicePort): PortProtocol | undefined {
  const prefix = prefixes.find((one) => name.startsWith(`${one}-`));
  return known.get(prefix ?? name);
}

function byNumber({ port }: ServicePort): PortProtocol | undefined {
  return known.get(protocolNumbers[port] ?? '');
}
