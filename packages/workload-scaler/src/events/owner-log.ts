import type { Clock, LogFields, Logger } from '@scaler/scaler-types';

/** Lines a minute about what one namespace's owner should see to. Events tell the owner; this is for the operator of scaler. */
const linesPerMinute = 30;
const windowMs = 60_000;
const longestText = 500;
const mostNamespaces = 1_024;

/** Warns of what an owner wrote. What stands there is the owner's text, so each namespace has a share of the log. */
export type WarnOwner = (namespace: string, message: string, fields: LogFields) => void;

interface Share {
  readonly sinceMs: number;
  lines: number;
  left: number;
}

export function createOwnerLog(clock: Clock, logger: Logger): WarnOwner {
  const shares = new Map<string, Share>();
  const shareOf = (namespace: string): Share => {
    const nowMs = clock.monotonic();
    const known = shares.get(namespace);
    if (known !== undefined && nowMs - known.sinceMs < windowMs) return known;
    if (known !== undefined && known.left > 0) {
      logger.warn('More about a namespace was left out of the log', { namespace, lines: known.left });
    }
    const share = { sinceMs: nowMs, lines: 0, left: 0 };
    shares.delete(namespace);
    shares.set(namespace, share);
    // The oldest window is the first.
    const [oldest] = shares.keys();
    if (shares.size > mostNamespaces && oldest !== undefined) shares.delete(oldest);
    return share;
  };
  return (namespace, message, fields) => {
    const share = shareOf(namespace);
    if (share.lines >= linesPerMinute) {
      share.left += 1;
      return;
    }
    share.lines += 1;
    logger.warn(message, Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, cut(value)])));
  };
}

function cut(value: unknown): unknown {
  return typeof value === 'string' && value.length > longestText ? `${value.slice(0, longestText)}…` : value;
}
