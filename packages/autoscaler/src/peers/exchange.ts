import type { ClientRequest, IncomingHttpHeaders, IncomingMessage } from 'node:http';

/** An answer, read to its end. */
export interface Answer {
  status: number | undefined;
  headers: IncomingHttpHeaders;
  /** Undefined: it was longer than allowed, and not read to its end. */
  text: string | undefined;
}

/**
 * Sends a request that changes nothing twice over, and reads its answer, up to `longest` bytes. Asks once more, on a new
 * connection, when the server closed a kept one at this very moment.
 */
export async function exchange(send: () => ClientRequest, body: string | undefined, longest: number): Promise<Answer> {
  const kept = { reused: false };
  try {
    return await exchangeOnce(send(), body, longest, kept);
  } catch (error) {
    if (!kept.reused || (error as { code?: unknown }).code !== 'ECONNRESET') throw error;
    return exchangeOnce(send(), body, longest, kept);
  }
}

function exchangeOnce(
  sent: ClientRequest,
  body: string | undefined,
  longest: number,
  kept: { reused: boolean },
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    sent.on('error', (error) => {
      kept.reused = sent.reusedSocket;
      reject(error);
    });
    let answered = false;
    // The answer may switch to another protocol: Node gives no other sign of that, not even when the signal aborts.
    sent.once('close', () => {
      if (!answered) reject(new Error('the connection closed without an answer'));
    });
    sent.on('response', (answer) => {
      answered = true;
      const { statusCode: status, headers } = answer;
      readBody(answer, longest).then((text) => resolve({ status, headers, text }), reject);
    });
    sent.end(body);
  });
}

async function readBody(answer: IncomingMessage, longest: number): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    length += chunk.length;
    // To leave the loop ends the connection.
    if (length > longest) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
