import { engineNow, PAGE_ENGINES, takesRecipes } from '../../schema/engines';
import * as v from 'valibot';
import { CheckpointRefSchema } from '../../schema/plan';
import { getKept, putKept } from '../../store/db';
import { getSummary } from '../../store/datasets';
import { listCheckpoints } from '../../store/opfs';
import { DRAFT } from '../../texts/draft';
import { DEFAULT_CHOICES } from '../choices/choices';
import { amount, ChoicesSchema } from '../choices/kept-choices';
import { device } from '../device/device.svelte';
import { experiment, type Setup } from './experiment.svelte';
import { sentence } from '../../texts/sentence';

/** What is being set up, kept in this browser until something else is: a reload before the first run loses nothing. */

const KEY = 'setup';

const SetupSchema = v.object({
  generated: v.object({ count: amount, seed: amount, noise: v.optional(amount), gaps: v.optional(amount) }),
  tickets: v.nullable(v.object({ hash: v.string(), name: v.string() })),
  checkpoint: CheckpointRefSchema,
  choices: ChoicesSchema,
  engine: v.nullable(v.pipe(v.unknown(), v.transform(engineNow), v.picklist(PAGE_ENGINES))),
});

/** Numbers that are none are left out, so that the default stands there. */
const known = <T extends object>(values: T, nullable: readonly (keyof T)[] = []): Partial<T> =>
  Object.fromEntries(
    Object.entries(values).filter(([key, value]) => value !== null || nullable.includes(key as keyof T)),
  ) as Partial<T>;

/**
 * Keeps the set-up, given as JSON, where a field that holds no number is null. Where nothing can be kept that is no
 * fault of the experiment: it is told when records are.
 */
export const keepSetup = (json: string): Promise<unknown> =>
  putKept(KEY, JSON.parse(json) satisfies Setup).catch(() => undefined);

/** Sets the cards to what was last set up in this browser; what is no longer here is told in a note. */
export async function restoreSetup(): Promise<void> {
  try {
    const found = await getKept(KEY);
    if (found === undefined) return;
    const parsed = v.safeParse(SetupSchema, found);
    if (!parsed.success) {
      experiment.notes = [DRAFT.unreadable];
      return;
    }
    const { generated, tickets, checkpoint, choices, engine } = parsed.output;
    const notes: string[] = [];
    const dataset = tickets && (await getSummary(tickets.hash));
    const isHere =
      checkpoint.kind !== 'stored' || (await listCheckpoints()).some(({ hash }) => hash === checkpoint.hash);
    if (tickets && !dataset) notes.push(DRAFT.noTickets(tickets.name));
    if (!isHere) notes.push(DRAFT.noCheckpoint(checkpoint.name));
    const lost = engine !== null && device.lacks(engine);
    if (lost) notes.push(DRAFT.noGpu);
    experiment.choices = { ...structuredClone(DEFAULT_CHOICES), ...known(choices, ['threads', 'profile']) } as never;
    experiment.generated = { ...experiment.generated, ...(known(generated) as object) };
    experiment.checkpoint = isHere ? checkpoint : { kind: 'builtin' };
    experiment.engineChoice = lost || (!isHere && engine !== null && !takesRecipes(engine)) ? null : engine;
    experiment.useTickets(dataset && { dataset, report: null, held: null });
    experiment.notes = notes;
  } catch (error) {
    experiment.notes = [sentence(error)];
  }
}
