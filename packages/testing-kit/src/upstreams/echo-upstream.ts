import { listen } from '../listen.ts';
import { createEchoServer, type EchoBehaviour, type EchoRecord } from './echo-app.ts';

/** Where an echo upstream listens and how it behaves. */
export interface EchoUpstreamOptions extends Partial<EchoBehaviour> {
  /** Address to listen on. Default `127.0.0.1`. */
  readonly host?: string;
  /** Port to listen on. Default 0: any free one. */
  readonly port?: number;
  /** Connections are refused from the start. Default false. */
  readonly refuse?: boolean;
}

/** An HTTP server in this process which answers with what it received. */
export interface EchoUpstream {
  readonly host: string;
  readonly port: number;
  /** `http://host:port` */
  readonly url: string;
  /** May be changed while it runs. */
  readonly behaviour: EchoBehaviour;
  /** Requests as they arrived, oldest first. */
  readonly requests: readonly EchoRecord[];
  readonly count: number;
  /** The `x-request-id`s that arrived more than once. */
  duplicates(): string[];
  /** Starts or stops refusing connections; the port is kept. Established connections are reset when it starts. */
  refuse(refusing: boolean): Promise<void>;
  /** Finishes the requests in flight, then closes. */
  stop(): Promise<void>;
  /** Closes at once and resets every connection. Idempotent. */
  close(): Promise<void>;
}

/** Starts an echo upstream. */
export async function startEchoUpstream(options: EchoUpstreamOptions = {}): Promise<EchoUpstream> {
  const { host = '127.0.0.1', refuse = false, ...behaviour } = options;
  const log: EchoRecord[] = [];
  let port = options.port ?? 0;
  let echo = createEchoServer({ identity: `${host}:${process.pid}`, ...behaviour });
  let refusing = false;
  const all = (): EchoRecord[] => [...log, ...echo.requests];

  const setRefusing = async (wanted: boolean): Promise<void> => {
    if (wanted === refusing) return;
    refusing = wanted;
    if (wanted) await echo.kill();
    else {
      // A closed server cannot be reopened safely: its connections' end would belong to both lives.
      log.push(...echo.requests);
      echo = createEchoServer(echo.behaviour);
      await listen(echo.server, host, port);
    }
  };

  port = await listen(echo.server, host, port);
  await setRefusing(refuse);
  return {
    host,
    port,
    url: `http://${host}:${port}`,
    get behaviour() {
      return echo.behaviour;
    },
    get requests() {
      return all();
    },
    get count() {
      return log.length + echo.count;
    },
    duplicates: () => duplicatesOf(all()),
    refuse: setRefusing,
    stop: () => echo.stop(),
    close: () => echo.kill(),
  };
}

/** The request ids that occur more than once; requests without an id are left out. */
export function duplicatesOf(requests: readonly EchoRecord[]): string[] {
  const seen = new Map<string, number>();
  for (const { requestId } of requests) seen.set(requestId, (seen.get(requestId) ?? 0) + 1);
  return [...seen].filter(([id, times]) => id !== '' && times > 1).map(([id]) => id);
}
