import { type ClientHttp2Stream, connect, type IncomingHttpHeaders } from 'node:http2';
import type { Clock } from '@scaler/scaler-types';
import { KubeError } from '@scaler/kube';
import type { ProbeSpec } from '../../workload/pod-shape.ts';
import { openSocket } from './connect.ts';

export type GrpcProbeSpec = Extract<ProbeSpec, { type: 'grpc' }>;

const maxAnswerBytes = 1_024;

/**
 * Asks `grpc.health.v1.Health/Check` of a pod, without TLS, as the kubelet does.
 *
 * @throws KubeError `unavailable` when it answers anything but SERVING; else why there is no answer.
 */
export function checkHealth(spec: GrpcProbeSpec, address: string, clock: Clock, signal: AbortSignal): Promise<void> {
  return new Promise<void>((resolve, reject) => {
    signal.throwIfAborted();
    const session = connect('http://pod', {
      createConnection: () => openSocket(address, spec.port, clock),
      // A stream that the pod opens has no listener: its error would end the process.
      settings: { enablePush: false },
    });
    const end = (settle: () => void): void => {
      signal.removeEventListener('abort', onAbort);
      settle();
      session.destroy();
    };
    const onAbort = (): void => end(() => reject(signal.reason as Error));
    signal.addEventListener('abort', onAbort, { once: true });
    session.on('error', (error) => end(() => reject(error)));
    session.once('close', () => end(() => reject(new KubeError('connection', 'The gRPC connection closed'))));
    ask(session.request(head(address, spec.port)), spec).then(
      () => end(resolve),
      (error: Error) => end(() => reject(error)),
    );
  });
}

function head(address: string, port: number): Record<string, string> {
  return {
    ':method': 'POST',
    ':path': '/grpc.health.v1.Health/Check',
    ':authority': address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`,
    'content-type': 'application/grpc',
    te: 'trailers',
    'user-agent': 'kube-probe/scaler',
  };
}

function ask(stream: ClientHttp2Stream, spec: GrpcProbeSpec): Promise<void> {
  return new Promise((resolve, reject) => {
    const text = `Health check of "${spec.service}" on port ${spec.port}`;
    const chunks: Buffer[] = [];
    let bytes = 0;
    let grpcStatus: string | undefined;
    const readStatus = (headers: IncomingHttpHeaders): void => {
      grpcStatus ??= headers['grpc-status'] as string | undefined;
    };
    stream.on('response', readStatus).on('trailers', readStatus).on('error', reject);
    stream.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= maxAnswerBytes) chunks.push(chunk);
      // Which ends the session.
      else reject(new KubeError('unavailable', `${text} answered more than ${maxAnswerBytes} bytes`));
    });
    stream.on('close', () => {
      const serving = grpcStatus === '0' && isServing(Buffer.concat(chunks));
      if (serving) resolve();
      else
        reject(
          new KubeError('unavailable', `${text}: not SERVING (grpc-status ${grpcStatus?.slice(0, 20) ?? 'missing'})`),
        );
    });
    stream.end(requestFrame(spec.service));
  });
}

// HealthCheckRequest { string service = 1 } in one uncompressed gRPC frame.
function requestFrame(service: string): Buffer {
  const name = Buffer.from(service);
  const message = name.length === 0 ? name : Buffer.concat([Buffer.from([0x0a]), varint(name.length), name]);
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 0x7f; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80);
  return Buffer.from([...bytes, rest]);
}

// HealthCheckResponse { ServingStatus status = 1 }, of which SERVING is 1; the only field there is.
function isServing(answer: Buffer): boolean {
  return answer.length === 7 && answer[0] === 0 && answer[5] === 0x08 && answer[6] === 1;
}
