import * as v from 'valibot';
import { BOUNDARIES } from './run';

/** How this browser reaches a paired sampler (`sampler/`). Kept on the device, never in a plan, a record or a link. */
export const SamplerAccess = v.object({
  /** Origin and path before `/v1`, without a slash at its end. */
  url: v.string(),
  token: v.string(),
  /** Graphics card that counts, by its PCI address; null where there is one at most. */
  gpu: v.nullable(v.string()),
  /** What is counted; null = what suits the engine. */
  boundary: v.nullable(v.picklist(BOUNDARIES)),
});
export type SamplerAccess = v.InferOutput<typeof SamplerAccess>;
