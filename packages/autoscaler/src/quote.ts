/** What others wrote is quoted no longer than this. */
const longestQuote = 80;

/** Text of others, for a sentence: cut, without control characters. */
export function cut(text: string, longest = longestQuote): string {
  const shown = text.slice(0, longest).replaceAll(/\p{Cc}/gu, ' ');
  return text.length > longest ? `${shown}…` : shown;
}

/** A value of others, for a sentence, as JSON; a list or an object by its kind alone, since its text may be long. */
export function quoted(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(cut(value));
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === 'object' && value !== null) return 'an object';
  return String(value);
}
