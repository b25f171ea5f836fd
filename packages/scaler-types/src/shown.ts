/** How much of a text that others write stands in a message. */
export const shownLength = 80;

/** The beginning of a text in quotes, and how long it is where that is not all: for messages, which have to stay short. */
export function shown(text: string): string {
  if (text.length <= shownLength) return `"${text}"`;
  return `"${text.slice(0, shownLength)}…" (${text.length} characters)`;
}
