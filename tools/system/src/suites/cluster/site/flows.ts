import type { KubeClient } from '@scaler/kube';
import { askPod } from './api.ts';
import { systemNamespace } from '../main-job/system.ts';
import type { Helpers } from '../main-job/workload.ts';

/** What the client pod counted for one flow of requests. */
export interface FlowReport {
  sent: number;
  ok: number;
  inFlight: number;
  failed: number;
  slowestMs: number;
  errors: { at: string; text: string }[];
}

/** How one large POST ended. */
export interface PostReport {
  status: number;
  ms: number;
  hashRight: boolean;
  text?: string;
}

/** The client pod's flows of requests, and single POSTs from it. */
export interface Traffic {
  start(id: string, flow: { url: string; rps: number; keepAlive: boolean }): Promise<void>;
  pause(id: string): Promise<void>;
  resume(id: string): Promise<void>;
  stop(id: string): Promise<void>;
  reports(): Promise<Record<string, FlowReport>>;
  post(url: string, bytes: number): Promise<PostReport>;
}

export function createTraffic(client: KubeClient, { load }: Helpers): Traffic {
  const pod = { namespace: systemNamespace, name: load, port: 9000 };
  const flow = (id: string, verb = ''): string => `/flows/${encodeURIComponent(id)}${verb}`;
  return {
    start: async (id, options) => void (await askPod(client, pod, 'PUT', flow(id), options)),
    pause: async (id) => void (await askPod(client, pod, 'POST', flow(id, '/pause'))),
    resume: async (id) => void (await askPod(client, pod, 'POST', flow(id, '/resume'))),
    stop: async (id) => void (await askPod(client, pod, 'DELETE', flow(id))),
    reports: async () => (await askPod(client, pod, 'GET', '/flows')) as Record<string, FlowReport>,
    post: async (url, bytes) => (await askPod(client, pod, 'POST', '/once', { url, bytes })) as PostReport,
  };
}
