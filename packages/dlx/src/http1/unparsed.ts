import { METHODS } from 'node:http';
import type { Refusal } from '../outcome.ts';
import { bad } from './raw-message.ts';

/** What Node tells of bytes that its parser refused. */
export interface ParseError {
  readonly code?: string;
  readonly message: string;
  readonly rawPacket?: Buffer;
  readonly bytesParsed?: number;
}

const longestLine = 8192;
const known: ReadonlySet<string> = new Set(METHODS);
const ambiguous = 'a body may have one length, or be in chunks: with both, or with two, it has more than one reading';

/** The answer to it: in the parser's words, but where they say less than is known, or mislead. */
export function refusalOf(error: ParseError): Refusal {
  const { code, message } = error;
  if (code === 'HPE_HEADER_OVERFLOW') return bad(message, 431);
  if (/Duplicate Content-Length|(?:Content-Length|Transfer-Encoding) can't be present/.test(message))
    return bad(ambiguous);
  return ofLine(lineOf(error)) ?? bad(message);
}

/** Of a request line that is well formed, and yet not known here. */
function ofLine(line: string): Refusal | undefined {
  const [, method = '', version = ''] = /^([!#$%&'*+.^_`|~0-9A-Za-z-]{1,80}) +\S+ +HTTP\/(\d\.\d)$/.exec(line) ?? [];
  if (method === '') return undefined;
  if (!known.has(method))
    return bad(`the method "${method}" is not known here: known in HTTP/1 are ${METHODS.join(', ')}`, 501);
  if (version !== '1.0' && version !== '1.1') return bad(`HTTP/${version}: 1.0 and 1.1 are known`, 505);
  return undefined;
}

/** The line in which the parser stopped. */
function lineOf({ rawPacket, bytesParsed = 0 }: ParseError): string {
  if (rawPacket === undefined) return '';
  const begin = bytesParsed === 0 ? 0 : rawPacket.lastIndexOf('\n', bytesParsed - 1) + 1;
  const [line = ''] = rawPacket.toString('latin1', begin, begin + longestLine).split(/\r?\n/, 1);
  return line;
}
