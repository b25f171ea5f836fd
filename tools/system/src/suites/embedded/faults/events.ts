import type { EmbeddedSystem } from '@scaler/demo';

interface EventObject {
  readonly reason?: string;
  readonly message?: string;
  readonly involvedObject?: { readonly name?: string };
}

/** Messages of the Events of a workload that have this reason. */
export function eventsOf({ api }: EmbeddedSystem, namespace: string, name: string, reason: string): readonly string[] {
  const { items } = api.store.list('v1/events', { namespace });
  return (items as unknown as EventObject[])
    .filter((event) => event.reason === reason && event.involvedObject?.name === name)
    .map(({ message = '' }) => message);
}
