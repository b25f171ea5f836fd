import { type ClientRequest, type IncomingMessage, request as httpRequest, type RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Clock } from '@scaler/scaler-types';
import { KubeError } from '@scaler/kube';
import type { ProbeSpec } from '../../workload/pod-shape.ts';
import { limitConnect } from './connect.ts';

export type HttpProbeSpec = Extract<ProbeSpec, { type: 'http' }>;

// Like the kubelet: what comes after is not waited for.
const maxBodyBytes = 10_240;

/**
 * Asks a pod by HTTP and resolves with the status. Redirects are not followed: an app that answers one is up. As with
 * the kubelet, certificates are not checked: they are made for names, and a probe has an address only.
 */
export function requestStatus(
  spec: HttpProbeSpec,
  address: string,
  clock: Clock,
  signal: AbortSignal,
): Promise<number> {
  return new Promise((resolve, reject) => {
    const request = send(spec, address, signal);
    request.once('socket', (socket) => limitConnect(socket, clock));
    // For as long as there is one: a second error without a listener would end the process.
    request.on('error', reject);
    // A pod may go over to another protocol, of which nothing else tells.
    let answered = false;
    request.once('close', () => {
      if (!answered) reject(new KubeError('connection', 'The connection closed without an answer'));
    });
    request.once('response', (response) => {
      answered = true;
      drain(response);
      response.on('error', reject);
      response.once('close', () => resolve(response.statusCode ?? 0));
    });
    request.end();
  });
}

function send(spec: HttpProbeSpec, address: string, signal: AbortSignal): ClientRequest {
  const options: RequestOptions = {
    host: address,
    port: spec.port,
    path: spec.path.replace(/[^\x21-\x7e]/g, encodeURIComponent),
    headers: { 'user-agent': 'kube-probe/scaler', accept: '*/*', ...Object.fromEntries(spec.headers) },
    agent: false,
    signal,
  };
  return spec.tls ? httpsRequest({ ...options, rejectUnauthorized: false }) : httpRequest(options);
}

function drain(response: IncomingMessage): void {
  let bytes = 0;
  response.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > maxBodyBytes) response.destroy();
  });
}

/** The kubelet's rule. @throws KubeError `unavailable` */
export function requireSuccess(status: number, spec: HttpProbeSpec): void {
  if (status >= 200 && status < 400) return;
  throw new KubeError('unavailable', `GET ${spec.path} on port ${spec.port} answered ${status}`, { status });
}
