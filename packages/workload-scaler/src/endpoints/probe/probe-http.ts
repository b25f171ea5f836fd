import { type ClientRequest, request as httpRequest, type RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Clock } from '@scaler/scaler-types';
import { KubeError } from '@scaler/kube';
import type { ProbeSpec } from '../../workload/pod-shape.ts';
import { answerTo } from './answer-to.ts';
import { limitConnect } from './connect.ts';

export type HttpProbeSpec = Extract<ProbeSpec, { type: 'http' }>;

// Like the kubelet: what comes after is not waited for.
const maxBodyBytes = 10_240;

/**
 * Asks a pod by HTTP and resolves with the status. Redirects are not followed: an app that answers one is up. As with
 * the kubelet, certificates are not checked: they are made for names, and a probe has an address only.
 */
export async function requestStatus(
  spec: HttpProbeSpec,
  address: string,
  clock: Clock,
  signal: AbortSignal,
): Promise<number> {
  const request = send(spec, address, signal);
  request.once('socket', (socket) => limitConnect(socket, clock));
  const none = new KubeError('connection', 'The connection closed without an answer');
  const answer = await answerTo(request, none);
  let bytes = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > maxBodyBytes) break;
  }
  return answer.statusCode ?? 0;
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

/** The kubelet's rule. @throws KubeError `unavailable` */
export function requireSuccess(status: number, spec: HttpProbeSpec): void {
  if (status >= 200 && status < 400) return;
  throw new KubeError('unavailable', `GET ${spec.path} on port ${spec.port} answered ${status}`, { status });
}
