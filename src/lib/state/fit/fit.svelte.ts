import { JoulewiseError } from '../../core/errors';
import { carriesModel, decodeModel, encodeModel } from '../../link/model-link';
import { fitModel, readModel, type FitInput } from '../../fit/fit';
import { readSaved } from '../../fit/saved';
import { ROUTINES, speedOf, type RoutineName } from '../../fit/routine';
import { placeDevice, type Placed } from '../../meter/place';
import type { PowerProfile } from '../../meter/profiles';
import { NOTHING_KNOWN, type KnownDevice } from '../../schema/known';
import type { EnergyModelRecord, SegmentKind } from '../../schema/energy-model';
import type { Boundary } from '../../schema/run';
import { callFit, keepKnown, knownDevice, type RoutineResult } from '../../session/fit/fit';
import { pairedSampler } from '../../session/threads/sampler';
import { FIT } from '../../texts/fit';
import { sentence } from '../../texts/sentence';

export type MeterChoice = keyof typeof FIT.meters;

const ROUTINE_OF = {
  sampler: 'counter',
  glance: 'glance',
  battery: 'battery',
  steps: 'steps',
  speed: 'speed',
} as const satisfies Record<MeterChoice, RoutineName>;

/** Choices that the paired sampler answers. */
export const asksSampler = (meter: MeterChoice) => meter === 'sampler' || meter === 'glance';

/** The largest file of readings that is read. */
const MOST_MIB = 64;
/** A model takes a few kilobytes. */
const MOST_MODEL_BYTES = 64 * 2 ** 10;

/** The fit of this device's energy model, from its routine to what is kept. */
class FitState {
  known = $state.raw<KnownDevice>(NOTHING_KNOWN);
  error = $state<string | null>(null);
  /** The piece under way; null = none is. */
  doing = $state.raw<{ done: number; of: number; kind: SegmentKind; left: number } | null>(null);
  /** A routine that has run, and waits for readings of its time. */
  waiting = $state.raw<RoutineResult | null>(null);
  /** A model that a link or a file brought, and nobody took yet. */
  offered = $state.raw<EnergyModelRecord | null>(null);
  link = $state<string | null>(null);
  #abort: AbortController | null = null;

  get busy(): boolean {
    return this.doing !== null;
  }

  async load(address: string): Promise<void> {
    try {
      this.known = await knownDevice();
      if (!carriesModel(address)) return;
      const model = await decodeModel(address);
      // Nothing is offered that is kept already.
      if (this.known[model.hardware].model?.id !== model.id) this.offered = model;
    } catch (error) {
      this.error = sentence(error);
    }
  }

  /** Reads a file with a fitted model, as "Download" wrote it: it is offered as one of a link is. */
  async offerFile(file: File): Promise<void> {
    this.error = null;
    this.offered = null;
    try {
      if (file.size > MOST_MODEL_BYTES) throw new JoulewiseError('input.format', FIT.notModel);
      let json: unknown;
      try {
        json = JSON.parse(await file.text());
      } catch (cause) {
        throw new JoulewiseError('input.format', FIT.notModel, { cause });
      }
      const model = readModel(json);
      if (this.known[model.hardware].model?.id === model.id) this.error = FIT.kept(model.id);
      else this.offered = model;
    } catch (error) {
      this.error = sentence(error);
    }
  }

  /** @param device what the browser calls the hardware: part of the model */
  async start(hardware: keyof KnownDevice, meter: MeterChoice, device: string): Promise<void> {
    if (this.busy) return;
    const name = ROUTINE_OF[meter];
    const { seconds } = ROUTINES[name];
    this.error = this.waiting = this.link = null;
    this.doing = { done: 0, of: 1, kind: 'idle', left: seconds };
    this.#abort = new AbortController();
    const { signal } = this.#abort;
    try {
      const ran = await callFit(
        'routine',
        { hardware, name, threads: null, sampler: asksSampler(meter) ? pairedSampler() : null },
        { signal, onEvent: (event) => (this.doing = { ...event, left: seconds * (1 - event.done / event.of) }) },
      );
      this.known = await keepKnown(ran.hardware, { speed: speedOf(ran.segments) });
      if (asksSampler(meter)) {
        if (ran.answered) await this.#fit(ran, ran.answered, ran.answered, device);
        else this.error = FIT.nothingCounted;
      } else if (meter !== 'speed') this.waiting = ran;
    } catch (error) {
      if (!signal.aborted) this.error = sentence(error);
    } finally {
      this.doing = null;
    }
  }

  stop(): void {
    this.#abort?.abort();
  }

  /** Fits to a file's readings of the routine that waits for them. */
  async readings(file: File, boundary: Boundary, device: string): Promise<void> {
    const ran = this.waiting;
    if (!ran) return;
    this.error = null;
    try {
      if (file.size > MOST_MIB * 2 ** 20) throw new Error(FIT.tooLarge(MOST_MIB));
      const saved = await readSaved(file, boundary);
      await this.#fit(ran, saved, saved, device);
      this.waiting = null;
    } catch (error) {
      this.error = sentence(error);
    }
  }

  async #fit(
    { segments, hardware, threads }: RoutineResult,
    input: FitInput,
    { tier, boundary, source }: Pick<EnergyModelRecord, 'tier' | 'boundary' | 'source'>,
    device: string,
  ): Promise<void> {
    const createdAt = new Date().toISOString();
    await this.#keep(fitModel(segments, input, { createdAt, hardware, device, threads, tier, boundary, source }));
  }

  async #keep(model: EnergyModelRecord): Promise<void> {
    this.known = await keepKnown(model.hardware, { model });
  }

  async take(): Promise<void> {
    try {
      if (this.offered) await this.#keep(this.offered);
      this.offered = null;
    } catch (error) {
      this.error = sentence(error);
    }
  }

  async forget(hardware: keyof KnownDevice): Promise<void> {
    try {
      this.known = await keepKnown(hardware, { model: null, speed: null });
      this.link = null;
    } catch (error) {
      this.error = sentence(error);
    }
  }

  async share(model: EnergyModelRecord, origin: string): Promise<void> {
    this.link = `${origin}/device#${await encodeModel(model)}`;
  }

  /** What the speed leaves of a profile; null where nobody timed it. */
  placed(profile: PowerProfile): Placed | null {
    const speed = this.known[profile.kind].speed;
    return speed && placeDevice(profile, speed);
  }
}

export const fit = new FitState();
