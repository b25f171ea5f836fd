import type { FakeApi } from '@scaler/testing-kit/kubernetes';

/** An Event: the object that it is about, and its message. */
export interface Message {
  readonly name: string;
  readonly message: string;
}

interface EventObject {
  readonly reason?: string;
  readonly message?: string;
  readonly involvedObject?: { readonly name?: string };
}

/** The Events of a namespace that have this reason. */
export function eventsOf({ store }: FakeApi, namespace: string, reason: string): readonly Message[] {
  const events = store.list('v1/events', { namespace }).items as unknown as readonly EventObject[];
  return events
    .filter((event) => event.reason === reason)
    .map(({ message = '', involvedObject: { name = '' } = {} }) => ({ name, message }));
}
