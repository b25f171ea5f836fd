import type { ClientRequest, IncomingMessage } from 'node:http';

/** Sends a request; resolves with the head of its answer. @throws why there is none: `none` where it just ends. */
export function answerTo(request: ClientRequest, none: Error, body?: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    // For as long as there is one: a second error without a listener would end the process.
    request.on('error', reject);
    request.once('response', resolve);
    // A pod may go over to another protocol: Node tells of that by nothing else, not even when the signal aborts.
    request.once('close', () => reject(none));
    request.end(body);
  });
}
