import { type IncomingMessage, STATUS_CODES } from 'node:http';
import { readResponseHead, reasonPhrase } from '../head/response-head.ts';

/** The head of a `101 Switching Protocols`, as it is passed on; the fields of the connection are made anew. */
export function switchedHead({ statusMessage, rawHeaders, headers }: IncomingMessage): string {
  return head(101, statusMessage, rawHeaders, ['connection: Upgrade', `upgrade: ${headers.upgrade}`]);
}

/** The head of another 1xx, as it is passed on. */
export function informationHead(status: number, phrase: string, rawHeaders: readonly string[]): string {
  return head(status, phrase, rawHeaders, []);
}

function head(status: number, phrase: string | undefined, raw: readonly string[], added: readonly string[]): string {
  const lines = [`HTTP/1.1 ${status} ${reasonPhrase(status, phrase) ?? STATUS_CODES[status] ?? ''}`, ...added];
  const { fields } = readResponseHead(raw);
  for (let i = 0; i < fields.length; i += 2) {
    // It has no body, whatever it says.
    if ((fields[i] as string).toLowerCase() !== 'content-length') lines.push(`${fields[i]}: ${fields[i + 1]}`);
  }
  return `${lines.join('\r\n')}\r\n\r\n`;
}
