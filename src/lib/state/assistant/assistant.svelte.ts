import { JoulewiseError } from '../../core/errors';
import type { Assistance, AssistRequest } from '../../measure/assist';
import { takesRecipes } from '../../schema/engines';
import type { TaskName } from '../../schema/run';
import { ASSISTANT } from '../../texts/assistant';
import { localCheckpoint } from '../../session/threads/checkpoint';
import { device } from '../device/device.svelte';
import { chosenOf, type Chosen } from '../results/chosen';
import { sentence } from '../../texts/sentence';
import { trainingTickets } from '../../session/threads/tickets';
import { pairedSampler } from '../../session/threads/sampler';
import { callData, keepEngine, type KeptEngine } from '../../session/threads/workers';

/** One variant that answers, in a thread of its own while it is in use. */
export class Seat {
  variant = $state('');
  status = $state<'closed' | 'opening' | 'ready' | 'answering'>('closed');
  /** Share of the weights that is loaded, 0 to 1. */
  loaded = $state<number | null>(null);
  fallbacks = $state.raw<readonly string[]>([]);
  /** Text so far, by task. */
  written = $state<Partial<Record<TaskName, string>>>({});
  made = $state.raw<readonly Assistance[] | null>(null);
  error = $state<string | null>(null);
  #engine: KeptEngine | null = null;
  #opened = '';
  #abort: AbortController | null = null;

  get busy(): boolean {
    return this.status === 'opening' || this.status === 'answering';
  }

  async answer(
    text: string,
    request: Omit<AssistRequest, 'train' | 'validation'>,
    variants: readonly string[],
    key: string,
    tickets: () => ReturnType<typeof trainingTickets>,
  ): Promise<void> {
    if (this.busy) return;
    this.error = null;
    this.made = null;
    this.written = {};
    const abort = (this.#abort = new AbortController());
    try {
      if (this.#opened !== key) {
        this.close();
        this.status = 'opening';
        const engine = (this.#engine = keepEngine());
        const checkpoint = await localCheckpoint(request.checkpoint, request.engine, variants);
        const given = await tickets();
        const { fallbacks } = await engine.call(
          'openAssistant',
          { ...request, checkpoint, given },
          {
            signal: abort.signal,
            transfer: given ? [given] : [],
            onEvent: ({ done, of }) => (this.loaded = of > 0 ? done / of : null),
          },
        );
        this.fallbacks = fallbacks;
        this.#opened = key;
      }
      this.status = 'answering';
      const engine = this.#engine;
      if (!engine) throw new JoulewiseError('cancelled', ASSISTANT.stopped);
      this.made = await engine.call(
        'assist',
        { text },
        { signal: abort.signal, onEvent: ({ task, text: written }) => (this.written[task] = written) },
      );
      this.status = 'ready';
    } catch (error) {
      if (!abort.signal.aborted) this.error = sentence(error);
      this.close();
    } finally {
      this.loaded = null;
    }
  }

  stop(): void {
    this.#abort?.abort();
  }

  /** Frees the thread and its memory. */
  close(): void {
    this.#engine?.end();
    this.#engine = null;
    this.#opened = '';
    this.status = 'closed';
  }
}

/** Answers pasted tickets with a chosen variant, and with a second one beside it. */
class AssistantState {
  chosen = $state.raw<Chosen | null>(null);
  loading = $state(false);
  error = $state<string | null>(null);
  text = $state('');
  first = new Seat();
  second = new Seat();
  #example = 0;

  /** Whether what is chosen was exported by others: there is nothing to export of it. */
  get readyMade(): boolean {
    return this.chosen !== null && !takesRecipes(this.chosen.plan.engine);
  }

  /** Takes an experiment's variants; its best one answers. */
  async choose(hash: string): Promise<void> {
    this.loading = true;
    this.error = null;
    try {
      const chosen = await chosenOf(hash);
      const { variants } = chosen;
      this.closeAll();
      this.chosen = chosen;
      this.first.variant = variants[0]?.variant ?? '';
      this.second.variant = variants[1]?.variant ?? '';
    } catch (error) {
      this.error = sentence(error);
    } finally {
      this.loading = false;
    }
  }

  /** Puts the next test ticket into the field. */
  async takeExample(): Promise<void> {
    const { dataset } = this.chosen ?? {};
    if (!dataset || dataset.splits.test === 0) return;
    this.error = null;
    try {
      const asked = ++this.#example;
      const nth = (asked - 1) % dataset.splits.test;
      const text = await callData('testTicket', { hash: dataset.hash, nth });
      if (asked !== this.#example) return;
      if (text === null) throw new JoulewiseError('store.unavailable', ASSISTANT.noTickets);
      this.text = text;
    } catch (error) {
      this.error = sentence(error);
    }
  }

  async answer(seat: Seat): Promise<void> {
    const { chosen } = this;
    if (!chosen) return;
    this.error = null;
    try {
      await device.load();
      if (!device.found) throw new JoulewiseError('internal', device.error ?? ASSISTANT.noDevice);
      const { plan, causes, hash } = chosen;
      const request: Omit<AssistRequest, 'train' | 'validation'> = {
        checkpoint: plan.checkpoint,
        variant: seat.variant,
        engine: plan.engine,
        threads: plan.threads,
        tasks: [...plan.tasks],
        templates: plan.templates,
        causes: [...causes],
        device: device.found,
        profile: plan.profile,
        seed: plan.seed,
        maxNewTokens: plan.maxNewTokens,
        sampler: pairedSampler(),
      };
      const variants = plan.stages.flatMap((s) => (s.kind === 'variants' ? s.variants : []));
      await seat.answer(this.text, request, variants, `${hash}/${seat.variant}`, () =>
        trainingTickets(plan, seat.variant),
      );
    } catch (error) {
      this.error = sentence(error);
    }
  }

  /** One after the other: two at once would share the processor, and neither figure would be true. */
  async compare(): Promise<void> {
    await this.answer(this.first);
    if (!this.first.error && this.first.made) await this.answer(this.second);
  }

  closeAll(): void {
    for (const seat of [this.first, this.second]) {
      seat.close();
      seat.made = null;
      seat.written = {};
      seat.error = null;
    }
  }
}

export const assistant = new AssistantState();
