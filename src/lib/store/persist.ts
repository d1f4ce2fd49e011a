/** Asks once that the browser keep what is stored here; it may refuse, which costs nothing now. */
export async function askToPersist(): Promise<boolean> {
  const storage = (navigator as Partial<Navigator>).storage;
  return (await storage?.persist?.().catch(() => false)) ?? false;
}
