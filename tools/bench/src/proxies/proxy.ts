/** A proxy in a process of its own, which forwards everything to one app. */
export interface Proxy {
  readonly name: string;
  readonly pid: number;
  readonly port: number;
  stop(): Promise<void>;
}
