/** A folder in memory. */
export function memoryFolder() {
  const files: Record<string, Uint8Array> = {};
  return {
    files,
    open: (name: string) => {
      const pieces: Uint8Array[] = [];
      return Promise.resolve({
        append: (data: Uint8Array) => {
          pieces.push(data.slice());
          return Promise.resolve();
        },
        close: () => {
          files[name] = new Uint8Array(Buffer.concat(pieces));
          return Promise.resolve();
        },
      });
    },
  };
}
