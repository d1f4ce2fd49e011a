import { probeDevice } from '../../device/probe';
import { openMeter } from '../../meter/open';
import type { SamplerAccess } from '../../schema/sampler';
import type { TuneEngineName } from '../../tune/trainer';
import { HERE } from '../host/host';

/** A meter of a training in this browser: what prices it, and what counts it where a sampler is given. */
export const meterHere = async (
  engine: TuneEngineName,
  { profile, sampler }: { profile: string | null; sampler: SamplerAccess | null },
) =>
  openMeter(
    {
      device: await probeDevice(),
      engine,
      profile,
      sampler: HERE.samplerPort(sampler),
      known: (await HERE.known?.()) ?? null,
    },
    () => undefined,
  );
