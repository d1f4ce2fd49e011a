import { mainReadings } from '../../meter/readings';
import { ANSWERING, PRESSURES, type Conditions, type RunRecord } from '../../schema/run';
import { CONDITIONS } from '../../texts/conditions';

/** Compute Pressure and Battery Status, which TypeScript's library does not know. */
interface PressureObserverLike {
  observe(source: 'cpu', options: { sampleInterval: number }): Promise<void>;
  disconnect(): void;
}
type PressureObserverClass = new (take: (records: { state: string }[]) => void) => PressureObserverLike;
interface Battery extends EventTarget {
  charging: boolean;
}

const SAMPLE_MS = 1000;
/** A slice that takes this much longer than the first was slowed by something. */
export const SLOW = 1.15;

export interface Watch {
  /** What was seen since the last call. */
  take(): Omit<Conditions, 'slowing'>;
  end(): void;
}

/** Watches what may spoil a measurement, as far as a page can see it. */
export async function watchConditions(): Promise<Watch> {
  let hiddenMs = 0;
  let hiddenSince = document.visibilityState === 'hidden' ? performance.now() : null;
  const visibility = () => {
    if (hiddenSince !== null) hiddenMs += performance.now() - hiddenSince;
    hiddenSince = document.visibilityState === 'hidden' ? performance.now() : null;
  };
  document.addEventListener('visibilitychange', visibility);

  const battery = await (navigator as { getBattery?: () => Promise<Battery> }).getBattery?.().catch(() => null);
  let discharged = battery ? !battery.charging : false;
  const charging = () => (discharged ||= battery?.charging === false);
  battery?.addEventListener('chargingchange', charging);

  let worst = -1;
  let state = -1;
  const Observer = (globalThis as { PressureObserver?: PressureObserverClass }).PressureObserver;
  const observer = Observer
    ? new Observer((records) => {
        for (const record of records) {
          state = (PRESSURES as readonly string[]).indexOf(record.state);
          worst = Math.max(worst, state);
        }
      })
    : null;
  await observer?.observe('cpu', { sampleInterval: SAMPLE_MS }).catch(() => undefined);

  return {
    take() {
      visibility();
      const seen = {
        onBattery: battery ? discharged : null,
        hiddenSeconds: hiddenMs / 1000,
        pressure: PRESSURES[worst] ?? null,
      };
      hiddenMs = 0;
      discharged = battery ? !battery.charging : false;
      worst = state;
      return seen;
    },
    end() {
      document.removeEventListener('visibilitychange', visibility);
      battery?.removeEventListener('chargingchange', charging);
      observer?.disconnect();
    },
  };
}

const secondsPerTicket = (run: RunRecord): number | null => {
  const answering = mainReadings(run.phases).filter((p) => ANSWERING.has(p.phase));
  const seconds = answering.reduce((n, p) => n + p.seconds, 0);
  return seconds > 0 && run.tickets.length > 0 ? seconds / run.tickets.length : null;
};

/** Time of a slice over that of the first slice of the same variant and task; null for the first itself. */
export function slowingOf(run: RunRecord, earlier: readonly RunRecord[]): number | null {
  const first = earlier.find((r) => r.variant === run.variant && r.task === run.task && r.slice === 0);
  const [now, then] = [secondsPerTicket(run), first ? secondsPerTicket(first) : null];
  return run.slice === 0 || now === null || then === null ? null : now / then;
}

/** What conditions mean for a measurement, in sentences. */
export function warningsOf({ onBattery, hiddenSeconds, pressure, slowing }: Conditions): string[] {
  const warnings: string[] = [];
  if (hiddenSeconds !== null && hiddenSeconds > 0) warnings.push(CONDITIONS.hidden);
  if (onBattery) warnings.push(CONDITIONS.battery);
  if (pressure === 'serious' || pressure === 'critical') warnings.push(CONDITIONS.pressure);
  if (slowing !== null && slowing > SLOW) warnings.push(CONDITIONS.slowing(slowing));
  return warnings;
}
