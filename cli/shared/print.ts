/** Writes a line for a program or a person to read on. */
export const print = (text: string) => process.stdout.write(`${text}\n`);
/** Writes a line that tells how things go. */
export const say = (text: string) => process.stderr.write(`${text}\n`);
