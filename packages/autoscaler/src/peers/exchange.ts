import type { ClientRequest, IncomingMessage } from 'node:http';

/**
 * Sends a request that changes nothing twice over, and reads its answer. Asks once more, on a new connection, when the
 * server closed a kept one at this very moment.
 */
export async function exchange<T>(
  send: () => ClientRequest,
  body: string | undefined,
  read: (answer: IncomingMessage) => Promise<T>,
): Promise<T> {
  const kept = { reused: false };
  try {
    return await exchangeOnce(send(), body, read, kept);
  } catch (error) {
    if (!kept.reused || (error as { code?: unknown }).code !== 'ECONNRESET') throw error;
    return exchangeOnce(send(), body, read, kept);
  }
}

function exchangeOnce<T>(
  sent: ClientRequest,
  body: string | undefined,
  read: (answer: IncomingMessage) => Promise<T>,
  kept: { reused: boolean },
): Promise<T> {
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
      read(answer).then(resolve, reject);
    });
    sent.end(body);
  });
}
