/** `a, b, c and 7 more`: a list of others' names as a message has it, however long it is. */
export function fewOf(names: readonly string[], most = 5): string {
  const listed = names.slice(0, most).join(', ');
  return names.length <= most ? listed : `${listed} and ${names.length - most} more`;
}
