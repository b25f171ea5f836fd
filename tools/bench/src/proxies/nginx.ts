import { cores } from '../machine/cores.ts';
import { startConfigured } from './configured.ts';
import type { Proxy } from './proxy.ts';

export interface NginxOptions {
  readonly core: number | undefined;
  /** The text of its `server` block; the folder is its own. */
  config(folder: string): { readonly http?: string; readonly server: string };
}

/** One worker, without a log. */
export function startNginx(name: string, { core, config }: NginxOptions): Promise<Proxy> {
  return startConfigured({
    name,
    program: 'nginx',
    core,
    config: (port, folder) => configText(port, folder, config(folder)),
    args: (path, folder) => ['-p', folder, '-e', 'stderr', '-c', path],
  });
}

/** `master_process off`: the one process is the worker, so it can be placed and measured as one. */
function configText(port: number, folder: string, { http = '', server }: { http?: string; server: string }): string {
  const temp = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  return `
daemon off;
master_process off;
worker_processes 1;
error_log stderr crit;
pid ${folder}/pid;
events { worker_connections 16384; }
http {
  access_log off;
  sendfile on;
  tcp_nopush on;
  tcp_nodelay on;
  keepalive_timeout 1h;
  keepalive_requests 100000000;
  client_max_body_size 0;
${temp.map((what) => `  ${what}_temp_path ${folder}/${what};`).join('\n')}
${http}
  server {
    listen 127.0.0.1:${port} backlog=4096;
${server}
  }
}
`;
}

/** A reverse proxy that streams, with kept-alive connections to the app. */
export function startNginxProxy(appPort: number): Promise<Proxy> {
  return startNginx('nginx', {
    core: cores.proxy,
    config: () => ({
      http: `
  upstream app {
    server 127.0.0.1:${appPort};
    keepalive 512;
    keepalive_requests 100000000;
  }`,
      server: `
    location / {
      proxy_pass http://app;
      proxy_http_version 1.1;
      proxy_request_buffering off;
      proxy_max_temp_file_size 0;
      proxy_set_header Connection "";
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_set_header X-Forwarded-Proto $scheme;
      proxy_set_header X-Forwarded-Host $http_host;
    }`,
    }),
  });
}
