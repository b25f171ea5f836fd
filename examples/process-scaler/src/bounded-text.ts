/** Reads a stream as text; undefined when it is longer than so many bytes. */
export async function boundedText(chunks: AsyncIterable<Uint8Array>, most: number): Promise<string | undefined> {
  const taken: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of chunks) {
    length += chunk.length;
    if (length > most) return undefined;
    taken.push(chunk);
  }
  return Buffer.concat(taken).toString();
}
