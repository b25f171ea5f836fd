import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * Path of the echo program: one file without dependencies, to be run by a bare Node 24.
 *
 * Environment: `PORT` (8080), `POD_IP` (address to listen on, 0.0.0.0), `START_DELAY_MS` (before it listens, 0),
 * `READY_AFTER_MS` (answers 503 until then, 0), `DELAY_MS`, `STATUS_CODE`, `RESET_FIRST`, `IDENTITY` (`HOSTNAME`).
 * `GET /healthz` is its probe, `GET /_log` answers the requests it had. At SIGTERM it closes its listener, finishes the
 * requests in flight and exits with 0.
 */
export function echoAppPath(): string {
  // The same file is TypeScript in the repository and JavaScript in the published package.
  return fileURLToPath(new URL(`./echo-app${extname(fileURLToPath(import.meta.url))}`, import.meta.url));
}
