import { ask } from './rig.ts';

/** New connections at a steady pace, each with one request. */
export interface Traffic {
  /** Ends it, and resolves with everything that was not answered by 200. */
  stop(): Promise<{ readonly sent: number; readonly lost: readonly string[] }>;
}

export function startTraffic(url: string, everyMs: number): Traffic {
  const waiting = new Set<Promise<void>>();
  const lost: string[] = [];
  let sent = 0;
  const send = (): void => {
    sent += 1;
    const one: Promise<void> = ask(url)
      .then((status) => void (status === 200 || lost.push(String(status))))
      .catch((error: unknown) => void lost.push(String(error)))
      .finally(() => waiting.delete(one));
    waiting.add(one);
  };
  const timer = setInterval(send, everyMs);
  return {
    stop: async () => {
      clearInterval(timer);
      await Promise.all(waiting);
      return { sent, lost };
    },
  };
}
