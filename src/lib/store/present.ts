/** Name of the record database. */
export const DATABASE = 'joulewise';

/** Whether this browser keeps any records, without loading what reads them; true where it does not say. */
export async function hasRecords(): Promise<boolean> {
  const list = await indexedDB.databases().catch(() => null);
  return list === null || list.some(({ name }) => name === DATABASE);
}
