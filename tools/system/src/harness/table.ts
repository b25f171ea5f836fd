/** Prints rows of texts and numbers as aligned lines; the first row is the head. */
export function printTable(
  rows: readonly (readonly (string | number)[])[],
  log: (line: string) => void = console.log,
): void {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, i) => (widths[i] = Math.max(widths[i] ?? 0, String(cell).length)));
  }
  for (const row of rows) {
    const cells = row.map((cell, i) => {
      const text = String(cell);
      return typeof cell === 'number' ? text.padStart(widths[i] ?? 0) : text.padEnd(widths[i] ?? 0);
    });
    log(`  ${cells.join('  ')}`.trimEnd());
  }
}
