/** Hands a file to the user. */
export function saveFile(name: string, content: Blob | string, type = 'application/octet-stream'): void {
  const url = URL.createObjectURL(typeof content === 'string' ? new Blob([content], { type }) : content);
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  // The download has begun by then; revoking at once would cancel it in some browsers.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

/** `joulewise-2026-11-23.csv`, from a date that may be no date. */
export const fileName = (iso: string, extension: string) => {
  const day = /^\d{4}-\d{2}-\d{2}/.exec(iso)?.[0];
  return `joulewise${day ? `-${day}` : ''}.${extension}`;
};
