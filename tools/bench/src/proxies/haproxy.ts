import { cores } from '../machine/cores.ts';
import { startConfigured } from './configured.ts';
import type { Proxy } from './proxy.ts';

/** One thread, with kept-alive connections to the app. */
export function startHaproxy(appPort: number): Promise<Proxy> {
  return startConfigured({
    name: 'haproxy',
    program: 'haproxy',
    core: cores.proxy,
    config: (port) => configText(port, appPort),
    args: (path) => ['-db', '-f', path],
  });
}

function configText(port: number, appPort: number): string {
  return `
global
  nbthread 1
  maxconn 4096
defaults
  mode http
  option forwardfor
  http-reuse always
  timeout client 1h
  timeout server 1h
  timeout connect 1s
frontend in
  bind 127.0.0.1:${port} backlog 4096
  default_backend app
backend app
  server app 127.0.0.1:${appPort}
`;
}
