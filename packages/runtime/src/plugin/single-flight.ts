/** Lists a namespace once at a time: a call joins the list that has not ended yet. */
export function singleFlight<T>(list: (namespace?: string) => Promise<T>): (namespace?: string) => Promise<T> {
  const pending = new Map<string | undefined, Promise<T>>();
  return (namespace) => {
    const before = pending.get(namespace);
    if (before !== undefined) return before;
    const listing = Promise.resolve(list(namespace)).finally(() => pending.delete(namespace));
    pending.set(namespace, listing);
    return listing;
  };
}
