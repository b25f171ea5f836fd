const leastBytes = 256;

/** So many are joined into one chunk. */
export const joinedBytes = 16_384;
/** So many chunks go on as they come. */
export const singleChunks = 8;
/** Smaller ones behind those wait for what else has come with them. */
export const smallChunk = 1024;

/** Chunks in one piece of memory: each by itself takes some 200 bytes more than it holds. */
export class GatheredBytes {
  #bytes: Buffer | undefined;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  add(chunk: Buffer): void {
    const length = this.#length + chunk.length;
    let bytes = this.#bytes;
    if (bytes === undefined || bytes.length < length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(leastBytes, length, 2 * this.#length));
      bytes?.copy(larger, 0, 0, this.#length);
      this.#bytes = bytes = larger;
    }
    chunk.copy(bytes, this.#length);
    this.#length = length;
  }

  /** All of it; it is empty then. */
  take(): Buffer {
    const all = this.peek();
    this.#bytes = undefined;
    this.#length = 0;
    return all;
  }

  /** All of it, which stays. */
  peek(): Buffer {
    return this.#bytes?.subarray(0, this.#length) ?? Buffer.alloc(0);
  }
}
