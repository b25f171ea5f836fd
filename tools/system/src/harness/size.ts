/** A whole number from the environment. @throws Error that names the variable. */
export function sizeFrom(name: string, fallback: number): number {
  const text = process.env[name];
  if (text === undefined || text === '') return fallback;
  const value = Number(text);
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw new Error(`${name} is "${text}": it must be a whole number above 0`);
}

/** `TRIALS=full`: every case, however long it takes. */
export const isFull = process.env['TRIALS'] === 'full';
