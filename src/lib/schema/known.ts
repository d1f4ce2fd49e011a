import * as v from 'valibot';
import { EnergyModel } from './energy-model';

const rate = v.pipe(v.number(), v.finite(), v.minValue(0));

/** How fast the processor or the graphics of this device was, all threads together. */
export const MeasuredSpeedSchema = v.object({ bytesPerSecond: rate, operationsPerSecond: rate });
export type MeasuredSpeed = v.InferOutput<typeof MeasuredSpeedSchema>;

const KnownHardwareSchema = v.object({
  /** Fitted at a meter; null = none is kept. */
  model: v.nullable(EnergyModel.schema),
  /** Null = nobody timed it. */
  speed: v.nullable(MeasuredSpeedSchema),
});

/** What running kernels on this device told of it, by what computes. Kept on the device; a model leaves it as a file or a link. */
export const KnownDeviceSchema = v.object({ cpu: KnownHardwareSchema, gpu: KnownHardwareSchema });
export type KnownDevice = v.InferOutput<typeof KnownDeviceSchema>;

export const NOTHING_KNOWN: KnownDevice = {
  cpu: { model: null, speed: null },
  gpu: { model: null, speed: null },
};
