import { answerable } from '../../data/answerable';
import { JoulewiseError } from '../../core/errors';
import { VALIDATION_TICKETS } from '../../schema/defaults';
import { calibrates, learns } from '../../plan/units';
import type { GeneratorOptions } from '../../data/generator';
import type { ImportReport, PageReport } from '../../data/import';
import type { DatasetRecord, DatasetSummaryRecord } from '../../schema/dataset';
import type { PlanRecord } from '../../schema/plan';
import type { TaskName } from '../../schema/run';
import type { TicketsPort, Wanted } from '../../data/give';
import type { DataApi } from '../../workers/data/protocol';
import { keepData, type KeptData } from './workers';

/** Throws `input.empty`, in the caller's words, where no test ticket has an answer for one of the tasks. */
export function checkAnswers(
  dataset: DatasetSummaryRecord,
  tasks: readonly TaskName[],
  say: (name: string, task: TaskName) => string,
): void {
  const lacks = tasks.find((task) => answerable(dataset, task) === 0);
  if (lacks) throw new JoulewiseError('input.empty', say(dataset.name, lacks));
}

/** A dataset in a thread of its own: the page, which 100,000 tickets would hold, knows its summary. */
export class Tickets {
  readonly #thread: KeptData;
  readonly summary: DatasetSummaryRecord;
  /** Works under way, and whether the thread ends with the last of them. */
  #users = 0;
  #ending = false;
  #keeping: Promise<void> | null = null;

  constructor(thread: KeptData, summary: DatasetSummaryRecord) {
    this.#thread = thread;
    this.summary = summary;
  }

  /** Hands tickets over to the thread that gets this port. */
  async give(wanted: Wanted): Promise<TicketsPort> {
    const { port1, port2 } = new MessageChannel();
    await this.use(() => this.#thread.call('give', { port: port1, wanted }, { transfer: [port1] }));
    return port2;
  }

  /** Writes them into the store; once, however many ask for it meanwhile. */
  keep = (): Promise<void> => (this.#keeping ??= this.#keep());

  async #keep(): Promise<void> {
    try {
      await this.use(() => this.#thread.call('keep', null));
    } finally {
      this.#keeping = null;
    }
  }

  /** All of them, here: for the command line. */
  whole = (): Promise<{ dataset: DatasetRecord; report: ImportReport | null }> =>
    this.use(() => this.#thread.call('whole', null));

  /** Works with them: the thread stays until the work is done, also where it is let go meanwhile. */
  async use<T>(work: (tickets: this) => Promise<T>): Promise<T> {
    this.#users++;
    try {
      return await work(this);
    } finally {
      this.#users--;
      if (this.#ending && this.#users === 0) this.#thread.end();
    }
  }

  /** Frees the thread and its memory, once nothing works with it any more. */
  end(): void {
    this.#ending = true;
    if (this.#users === 0) this.#thread.end();
  }
}

/** Starts a thread that holds what `load` makes it load; where that fails the thread ends. */
async function hold<T>(load: (thread: KeptData) => Promise<T>): Promise<{ thread: KeptData; loaded: T }> {
  const thread = keepData();
  try {
    return { thread, loaded: await load(thread) };
  } catch (error) {
    thread.end();
    throw error;
  }
}

/** Throws `store.unavailable` where they are gone. */
export async function openTickets({ hash, name }: { hash: string; name: string }): Promise<Tickets> {
  const { thread, loaded } = await hold((t) => t.call('open', { hash, name }));
  return new Tickets(thread, loaded);
}

/** Tickets of a plan for a recipe that calibrates, is fine-tuned or blends; null for others. Throws `store.unavailable` where they are gone. */
export async function trainingTickets(
  { tasks, engine, dataset, seed }: Pick<PlanRecord, 'tasks' | 'engine' | 'dataset' | 'seed'>,
  variant: string,
): Promise<TicketsPort | null> {
  if (!calibrates({ engine }, variant) && !learns({ engine }, variant)) return null;
  const tickets = await openTickets(dataset);
  try {
    return await tickets.give({ tasks, limit: 0, seed, validation: VALIDATION_TICKETS, train: true });
  } finally {
    tickets.end();
  }
}

export async function generateTickets(options: GeneratorOptions): Promise<Tickets> {
  const { thread, loaded } = await hold((t) => t.call('generate', options));
  return new Tickets(thread, loaded);
}

/** Reads a file of tickets. Throws `input.*`. */
export async function importTickets(
  args: DataApi['import']['args'],
  onRows: (rows: number) => void = () => undefined,
): Promise<{ tickets: Tickets; report: PageReport }> {
  const { thread, loaded } = await hold((t) => t.call('import', args, { onEvent: ({ rows }) => onRows(rows) }));
  return { tickets: new Tickets(thread, loaded.dataset), report: loaded.report };
}
