/**
 * A text of at most so many characters that holds on to no other. What is cut out of a large one would keep all of it, and
 * so would one that is joined of such pieces.
 */
export function keptText(text: string, most: number): string {
  return Buffer.from(text.length > most ? text.slice(0, most) : text).toString();
}
