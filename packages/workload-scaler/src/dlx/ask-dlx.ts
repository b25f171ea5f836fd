import { request, type RequestOptions } from 'node:http';
import type { ScalerContext } from '@scaler/scaler-types';
import { dlxPorts } from '@scaler/scaler-types/dlx-api';
import { answerTo } from '../endpoints/probe/answer-to.ts';

interface Place {
  readonly address: string;
  readonly port: number;
}

/** An answer; of its text no more than {@link longestText} characters. */
export interface Answer {
  readonly status: number;
  readonly type: string | undefined;
  readonly text: string;
}

/** Sends one request to a DLX. @throws why there is no answer. */
export async function answerOf(
  { address, port }: Place,
  { body, ...asked }: RequestOptions & { body?: string },
  signal: AbortSignal,
): Promise<Answer> {
  const sent = request({ host: address, port, agent: false, signal, ...asked });
  const answer = await answerTo(sent, new Error(`${address}:${port} gave no answer`), body);
  let text = '';
  for await (const chunk of answer.setEncoding('utf8') as AsyncIterable<string>) {
    text += chunk.slice(0, longestText - text.length);
    // It says no more that matters: a pod's answer may be endless.
    if (text.length >= longestText) break;
  }
  return { status: answer.statusCode ?? 0, type: answer.headers['content-type'], text };
}

export const longestText = 4_096;

/** Sends one question to a DLX. @throws why there is no answer. */
export async function askDlx(
  to: Place,
  { body, ...asked }: { readonly method: string; readonly path: string; readonly body: object },
  token: ScalerContext['dlxToken'],
  signal: AbortSignal,
): Promise<Answer> {
  const authorization = token && { Authorization: `Bearer ${await token()}` };
  const headers = { 'Content-Type': 'application/json', ...authorization };
  return answerOf(to, { ...asked, headers, body: JSON.stringify(body) }, signal);
}

/** Where one DLX takes questions. */
export interface Asked extends Place {
  /** The infrastructure port. */
  readonly port: number;
  /** The control port, asked first where there is a token. */
  readonly control?: number;
}

/** Where the DLX at an address takes questions, by the ports of its Service. */
export function askedAt(address: string, ports: Readonly<Record<string, number>> = {}): Asked & { control: number } {
  const { infra, control } = dlxPorts;
  return { address, port: ports[infra.name] ?? infra.port, control: ports[control.name] ?? control.port };
}

/**
 * Sends one question to a DLX, on the control port where there is a token. One that was started before there was such a port
 * refuses the connection there, and is asked on its infrastructure port, which never sees the token.
 *
 * @throws why there is no answer.
 */
export async function askEither(
  { address, port, control }: Asked,
  question: Parameters<typeof askDlx>[1],
  token: ScalerContext['dlxToken'],
  signal: AbortSignal,
): Promise<Answer> {
  const infra = { address, port };
  if (token === undefined || control === undefined) return askDlx(infra, question, undefined, signal);
  try {
    return await askDlx({ address, port: control }, question, token, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ECONNREFUSED') throw error;
    return askDlx(infra, question, undefined, signal);
  }
}
