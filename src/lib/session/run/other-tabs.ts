import { othersRun } from '../tab/tabs';

/** Tabs tell each other nothing, so it is looked up now and then. */
const LOOK_MS = 1000;

/** Tells whether other tabs run another plan than this one, until what it returns is called. */
export function watchOthers(hash: string, tell: (others: boolean) => void): () => void {
  let asked = true;
  const look = async () => {
    const others = await othersRun(hash);
    if (asked) tell(others);
  };
  void look();
  const timer = setInterval(() => void look(), LOOK_MS);
  return () => {
    asked = false;
    clearInterval(timer);
  };
}
