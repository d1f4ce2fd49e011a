import { taskOf } from '../../data/tasks';
import { createExport } from '../../store/exports';
import { buildBuiltin } from '../../train/files/build';
import { lessonsFrom, timeTraining } from '../../train/files/speed';
import { train } from '../../train/files/train';
import { opfsAdapters } from '../../store/adapters';
import { adaptersOf, openFiles } from '../../store/checkpoints';
import { meterHere } from '../step/meter';
import { stepsHere } from '../step/steps';
import { serve } from '../../core/rpc';
import { take } from '../../data/give';
import type { TuneApi } from './protocol';

serve<TuneApi>({
  async tune({ checkpoint, threads, tasks, templates, given, profile, sampler, fresh, ...request }, { emit, signal }) {
    const tickets = await take(given);
    const folder = await createExport();
    const report = await train(
      request,
      { ...tickets, tasks: tasks.map((task) => taskOf(task, templates)) },
      {
        files: await openFiles(checkpoint),
        meter: await meterHere(request.engine, { profile, sampler: sampler ?? null }),
        ...stepsHere(threads, request.engine),
        folder,
        keeping: adaptersOf(checkpoint),
        fresh,
        emit,
        signal,
      },
    );
    return { ...report, id: folder.id };
  },

  async build({ threads, fresh }, { emit, signal }) {
    const folder = await createExport();
    const { threads: here, openThreads } = stepsHere(threads);
    // By itself: it does not depend on the checkpoint that the site comes with.
    const keeping = opfsAdapters('build');
    const report = await buildBuiltin({ threads: here, openThreads, folder, keeping, fresh, emit, signal });
    return { ...report, id: folder.id };
  },

  tuneSpeed: async ({ checkpoint, threads, ...request }, { emit, signal }) =>
    timeTraining(await openFiles(checkpoint), request, {
      meter: await meterHere('cpu', { profile: null, sampler: null }),
      ...stepsHere(threads),
      emit,
      signal,
    }),

  lessons: async ({ checkpoint, tasks, tickets, causes }) =>
    lessonsFrom(await openFiles(checkpoint), {
      tasks: tasks.map((task) => taskOf(task, undefined)),
      train: tickets,
      validation: [],
      causes,
    }),
});
