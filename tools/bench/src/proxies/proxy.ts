/** A proxy in a process of its own, which forwards everything to one app; disposing ends it. */
export interface Proxy extends AsyncDisposable {
  readonly name: string;
  readonly pid: number;
  readonly port: number;
}
