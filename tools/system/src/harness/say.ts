export function say(text = ''): void {
  process.stdout.write(`${text}\n`);
}
