/** Characters that a message quotes of a text from outside. */
export const shownLength = 80;

/** The beginning of a text in quotes, with its length where it is cut: for messages, which have to stay short. */
export function shown(text: string): string {
  if (text.length <= shownLength) return `"${text}"`;
  return `"${text.slice(0, shownLength)}…" (${text.length} characters)`;
}

/** The beginning of a text from outside, without control characters, for a sentence. */
export function cut(text: string, longest = shownLength): string {
  const beginning = text.slice(0, longest).replaceAll(/\p{Cc}/gu, ' ');
  return text.length > longest ? `${beginning}…` : beginning;
}

/** A value from outside, as JSON, for a sentence; a list or an object by its kind alone, since its text may be long. */
export function quoted(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(cut(value));
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === 'object' && value !== null) return 'an object';
  return String(value);
}
