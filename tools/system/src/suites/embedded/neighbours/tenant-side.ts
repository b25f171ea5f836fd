import type { ServerImage } from '@scaler/testing-kit/kubernetes';
import { startProgram } from './program.ts';
import type { TenantCall, TenantCalls, TenantReply } from './tenant-program.ts';

/** The process in which the tenants' clients and apps run, from the side of the trial. */
export interface TenantSide extends Disposable {
  readonly pid: number;
  /** An image whose containers run there. */
  readonly image: ServerImage;
  /** Has it do one of its calls. */
  call<Name extends keyof TenantCalls>(
    name: Name,
    argument: Parameters<TenantCalls[Name]>[0],
  ): ReturnType<TenantCalls[Name]>;
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
  const call = ((name, argument) =>
    new Promise<unknown>((resolve, reject) => {
      const id = ++last;
      waiting.set(id, ({ value, error }) => (error === undefined ? resolve(value) : reject(new Error(error))));
      child.send({ id, name, argument } satisfies TenantCall, (error) => {
        if (error !== null) answered({ id, error: error.message });
      });
    })) as TenantSide['call'];
  return {
    pid: child.pid ?? 0,
    image: {
      async start({ env, podIP, signal }) {
        const pod = env['HOSTNAME'] ?? podIP;
        signal.addEventListener('abort', () => void call('kill', pod).catch(() => undefined), { once: true });
        await call('start', { pod, podIP, env });
        return { stop: () => call('stop', pod) };
      },
    },
    call,
    [Symbol.dispose]: () => void child.kill('SIGKILL'),
  };
}
