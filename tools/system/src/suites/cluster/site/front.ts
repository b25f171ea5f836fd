import type { Ground } from '../scenario.ts';
import { configMap, deployment, podSpec, service } from './manifests.ts';

/** A pooling proxy before some Services: one nginx that keeps its connections to them. */
export interface Front {
  /** HTTP/1.1, by the Host: a Service's name. */
  readonly url: string;
  /** The same for gRPC. */
  readonly grpcUrl: string;
}

function config(namespace: string, services: readonly string[]): string {
  const upstream = (name: string, port: number, pool: string): string =>
    `upstream ${pool} { server ${name}.${namespace}.svc.cluster.local:${port}; keepalive 16; }`;
  const servers = services.map(
    (name) => `
    ${upstream(name, 80, `${name}-http`)}
    ${upstream(name, 9090, `${name}-grpc`)}
    server {
      listen 8080;
      server_name ${name};
      location / {
        proxy_pass http://${name}-http;
        proxy_http_version 1.1;
        proxy_buffering off;
        proxy_set_header Upgrade $http_upgrade;
        proxy_set_header Connection $connection_upgrade;
      }
    }
    server {
      listen 8081 http2;
      server_name ${name};
      location / { grpc_pass grpc://${name}-grpc; }
    }`,
  );
  const folders = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path /tmp/${name};`);
  return `
  worker_processes 1;
  daemon off;
  pid /tmp/nginx.pid;
  error_log stderr;
  events { worker_connections 1024; }
  http {
    access_log off;
    client_max_body_size 10m;
    server_names_hash_bucket_size 128;
    ${folders.join(' ')}
    map $http_upgrade $connection_upgrade { default upgrade; '' ''; }
    ${servers.join('\n')}
  }`;
}

/** Makes it, and waits until it serves. The Services must be there: their addresses are looked up at its start. */
export async function createFront(ground: Ground, namespace: string, services: readonly string[]): Promise<Front> {
  const container = {
    name: 'nginx',
    image: ground.images.nginx,
    command: ['/usr/sbin/nginx', '-c', '/etc/front/nginx.conf', '-e', 'stderr'],
    readinessProbe: { tcpSocket: { port: 8080 }, periodSeconds: 1 },
    volumeMounts: [
      { name: 'config', mountPath: '/etc/front' },
      { name: 'tmp', mountPath: '/tmp' },
    ],
  };
  const volumes = [
    { name: 'config', configMap: { name: 'front' } },
    { name: 'tmp', emptyDir: {} },
  ];
  await ground.apply([
    configMap(namespace, 'front', { 'nginx.conf': config(namespace, services) }),
    deployment(namespace, 'front', podSpec([container], { volumes })),
    service(namespace, 'front', [
      { name: 'http', port: 8080 },
      { name: 'grpc', port: 8081 },
    ]),
  ]);
  await ground.kubectl(['-n', namespace, 'rollout', 'status', 'deployment/front', '--timeout=60s']);
  return { url: `http://front.${namespace}:8080`, grpcUrl: `http://front.${namespace}:8081` };
}
