/** A Host in its one form: lower case, without final dot; the port apart. */
export interface HostKey {
  readonly name: string;
  readonly port: number | undefined;
}

const pattern = /^(\[[0-9a-fA-F:.]+\]|[^\s:/?#@[\]]+?)\.?(?::(\d{0,5}))?$/;

/** Undefined when it is not a host. */
export function parseHost(host: string): HostKey | undefined {
  const match = pattern.exec(host);
  if (match === null) return undefined;
  const port = match[2] === undefined || match[2] === '' ? undefined : Number(match[2]);
  if (port !== undefined && port > 65_535) return undefined;
  return { name: (match[1] as string).toLowerCase(), port };
}
