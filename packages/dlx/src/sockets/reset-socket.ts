import type { Socket } from 'node:net';

/**
 * Breaks off a connection by a reset. One whose FIN is just on its way out is closed instead: Node refuses to reset it
 * (`EINVAL`), and then neither closes it nor tells of its end, ever.
 */
export function resetSocket(socket: Socket): void {
  if (socket.writableEnded && !socket.writableFinished) socket.destroy();
  else socket.resetAndDestroy();
}
