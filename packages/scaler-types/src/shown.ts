/** How much of a text that others write stands in a message. */
export const shownLength = 80;

/** The beginning of a text in quotes, and how long it is where that is not all: for messages, which have to stay short. */
export function shown(text: string): string {
  if (text.length <= shownLength) return `"${text}"`;
  return `"${text.slice(0, shownLength)}…" (${text.length} characters)`;
}

/** Text of others, for a sentence: its beginning, without control characters. */
export function cut(text: string, longest = shownLength): string {
  const beginning = text.slice(0, longest).replaceAll(/\p{Cc}/gu, ' ');
  return text.length > longest ? `${beginning}…` : beginning;
}

/** A value of others, for a sentence, as JSON; a list or an object by its kind alone, since its text may be long. */
export function quoted(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(cut(value));
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === 'object' && value !== null) return 'an object';
  return String(value);
}
