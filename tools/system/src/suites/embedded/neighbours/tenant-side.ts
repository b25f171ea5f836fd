import type { ServerImage } from '@scaler/testing-kit/kubernetes';
import type { Answer } from '../../../harness/ask.ts';
import { startProgram } from './program.ts';
import type { Lateness, TenantCall, TenantCalls, TenantReply, TenantRequest } from './tenant-calls.ts';

/** The process in which the tenants' clients and apps run, from the side of the trial. */
export interface TenantSide {
  readonly pid: number;
  /** An image whose containers run there. */
  readonly image: ServerImage;
  ask(request: TenantRequest): Promise<Answer>;
  lateness(): Promise<Lateness>;
  close(): void;
}

export function startTenantSide(): TenantSide {
  const child = startProgram('tenant-program.ts');
  const waiting = new Map<number, (reply: TenantReply) => void>();
  let last = 0;
  const answered = (reply: TenantReply): void => {
    waiting.get(reply.id)?.(reply);
    waiting.delete(reply.id);
  };
  child.on('message', answered);
  child.once('exit', (code) => {
    for (const id of waiting.keys()) answered({ id, error: `the tenants' process ended with ${code}` });
  });

  const call = <Name extends keyof TenantCalls>(
    name: Name,
    argument: Parameters<TenantCalls[Name]>[0],
  ): Promise<ReturnType<TenantCalls[Name]>> =>
    new Promise((resolve, reject) => {
      const id = ++last;
      waiting.set(id, ({ value, error }) => {
        if (error === undefined) resolve(value as ReturnType<TenantCalls[Name]>);
        else reject(new Error(error));
      });
      child.send({ id, name, argument } satisfies TenantCall, (error) => {
        if (error !== null) answered({ id, error: error.message });
      });
    });

  return {
    pid: child.pid ?? 0,
    image: {
      async start({ env, podIP, signal }) {
        const pod = env['HOSTNAME'] ?? podIP;
        const kill = (): void => void call('kill', { pod }).catch(() => undefined);
        signal.addEventListener('abort', kill, { once: true });
        await call('start', { pod, podIP, env });
        return { stop: () => call('stop', { pod }) };
      },
    },
    ask: (request) => call('ask', request),
    lateness: () => call('lateness', null),
    close: () => void child.kill('SIGKILL'),
  };
}
