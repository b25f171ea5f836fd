import { answerTo } from '../endpoints/probe/answer-to.ts';
import { type IncomingMessage, request } from 'node:http';
import { kinds } from '@scaler/kube';
import { mapBounded } from '@scaler/async';
import { readService } from '../cache/snapshot.ts';
import { ownSelector } from '../routing/routing.ts';
import { selectorText } from '../workload/labels.ts';
import { type PodInfo, trimPod } from '../endpoints/pod-info.ts';
import { targetPortOf } from '../endpoints/candidate.ts';
import type { Dependencies } from '../dependencies.ts';
import type { Managed } from '../cache/lookup.ts';
import type { Veto } from '../config/values.ts';

const longestReason = 200;
/** A Service may have a thousand pods: so many are asked at once. */
const podsAtOnce = 32;

/** What is asked, and until when. */
interface Question extends Veto {
  readonly namespace: string;
  readonly signal: AbortSignal;
}

/** Where one pod is asked. */
interface Asked {
  readonly pod: PodInfo;
  readonly port: number;
}

/**
 * Asks every ready pod behind the Service that the setting names, at its own address: the Service itself may lead to the
 * DLX by then, where the question would count as a request. Undefined: each lets the resource sleep. Else why not, in
 * words; whatever is not known is a reason.
 */
export async function vetoOf(deps: Dependencies, managed: Managed, signal: AbortSignal): Promise<string | undefined> {
  const { veto } = managed.settings;
  if (veto === undefined) return undefined;
  const limit = new AbortController();
  const { vetoTimeoutMs } = deps.options;
  const cancel = deps.clock.after(vetoTimeoutMs, () => limit.abort(new Error(`no answer within ${vetoTimeoutMs} ms`)));
  const question = { ...veto, namespace: managed.workload.namespace, signal: AbortSignal.any([signal, limit.signal]) };
  try {
    return await firstVeto(await podsBehind(deps, question), (one) => askPod(one, question));
  } catch (error) {
    signal.throwIfAborted();
    const cause = limit.signal.aborted ? (limit.signal.reason as Error) : (error as Error);
    return `the veto of ${nameOf(veto)} is unknown: ${cause.message}`;
  } finally {
    cancel();
  }
}

/** Asks until one of them says why not. */
export async function firstVeto<T>(
  asked: readonly T[],
  ask: (one: T) => Promise<string | undefined>,
): Promise<string | undefined> {
  let veto: string | undefined;
  await mapBounded(asked, podsAtOnce, async (one) => {
    const answer = veto === undefined ? await ask(one) : undefined;
    veto ??= answer;
  });
  return veto;
}

function nameOf({ service, port, path }: Veto): string {
  return `${service}:${port}${path}`;
}

async function podsBehind({ client }: Dependencies, veto: Question): Promise<Asked[]> {
  const { namespace, signal } = veto;
  const service = await readService(client, { namespace, name: veto.service }, signal);
  if (service === undefined) throw new Error(`there is no Service ${veto.service}`);
  const port = service.ports.find((one) => one.port === veto.port && one.protocol === 'TCP');
  if (port === undefined) throw new Error(`the Service ${veto.service} has no TCP port ${veto.port}`);
  const labelSelector = selectorText(ownSelector(service));
  if (labelSelector === '') throw new Error(`the Service ${veto.service} has no selector, so its pods are not known`);
  const { items } = await client.list(kinds.pod, { namespace, labelSelector, trim: trimPod, signal });
  const ready = items.filter((pod) => pod.ready && !pod.terminating);
  if (ready.length === 0) throw new Error(`no pod behind the Service ${veto.service} is ready`);
  return ready.map((pod) => {
    const number = targetPortOf(port, pod.shape);
    if (number === undefined || pod.ip === undefined) throw new Error(`the pod ${pod.name} has no such port`);
    return { pod, port: number };
  });
}

async function askPod({ pod, port }: Asked, veto: Question): Promise<string | undefined> {
  const { path, signal } = veto;
  const headers = { host: `${veto.service}.${veto.namespace}.svc`, accept: 'text/plain', 'user-agent': 'scaler-veto' };
  const sent = request({ host: pod.ip, port, path, headers, signal, agent: false });
  const answer = await answerTo(sent, new Error('no answer')).catch((cause: Error) => {
    throw new Error(`${pod.ip}:${port}: ${cause.message}`, { cause });
  });
  const { statusCode = 0 } = answer;
  try {
    if (statusCode === 200 || statusCode === 204) return undefined;
    if (statusCode !== 409 && statusCode !== 423) {
      return `the veto of ${nameOf(veto)} is unknown: the pod ${pod.name} answered ${statusCode}`;
    }
    return `${nameOf(veto)} vetoes it: ${await firstLine(answer)}`;
  } finally {
    answer.destroy();
  }
}

// What has come is enough of a reason when the rest does not.
async function firstLine(answer: IncomingMessage): Promise<string> {
  let text = '';
  try {
    for await (const chunk of answer as AsyncIterable<Buffer>) {
      text += chunk.toString('utf8');
      if (text.length > longestReason || text.includes('\n')) break;
    }
  } catch {
    // Broken off, or out of time: a veto all the same.
  }
  const [line = ''] = text.split('\n', 1);
  const shown = line
    .replaceAll(/\p{Cc}/gu, ' ')
    .trim()
    .slice(0, longestReason);
  return shown === '' ? 'without a reason' : shown;
}
