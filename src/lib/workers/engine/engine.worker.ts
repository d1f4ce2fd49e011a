import { JoulewiseError } from '../../core/errors';
import { serve } from '../../core/rpc';
import { take } from '../../data/give';
import { adapterFiles, openAssistant, type Assistant } from '../../measure/assist';
import { evaluate, goOn } from '../../measure/evaluate';
import { openUnit } from '../../measure/unit';
import type { OpenUnit } from '../../plan/open-members';
import { exportCalls } from '../export/exports';
import { deviceHere, HERE, openRequest } from '../host/host';
import { tunedHere } from '../adapter/tuned';
import type { EngineApi } from './protocol';

/** The variant of a plan that this thread measures. */
let measured: OpenUnit | null = null;
/** The variant that answers pasted tickets, in a thread that was opened for it. */
let assistant: Assistant | null = null;

function opened(): OpenUnit {
  if (!measured) throw new JoulewiseError('internal', 'No variant is open in this thread.');
  return measured;
}

serve<EngineApi>({
  ...exportCalls,

  probe: () => deviceHere(),

  evaluate: async (args, { emit, signal }) => evaluate(await openRequest(args, emit, signal), args.text, args.recipe),

  generate: async (args, { emit, signal }) => goOn(await openRequest(args, emit, signal), { ...args, signal }),

  async openAssistant({ given, ...args }, { emit, signal }) {
    const { train, validation } = given ? await take(given) : { train: [], validation: [] };
    assistant = await openAssistant(
      { ...args, train, validation },
      { ...HERE, tuned: tunedHere, signal, onProgress: emit },
    );
    return { kernel: assistant.kernel, fallbacks: [...assistant.fallbacks] };
  },

  adapter: async ({ given, ...args }, { emit, signal }) =>
    adapterFiles({ ...args, ...(await take(given)) }, { ...HERE, tuned: tunedHere, signal, onProgress: emit }),

  assist({ text }, { emit, signal }) {
    if (!assistant) throw new JoulewiseError('internal', 'No variant is open in this thread.');
    return assistant.answer(text, { signal, onText: (task, written) => emit({ task, text: written }) });
  },

  async openUnit({ given, ...args }, { emit, signal, pause }) {
    measured = await openUnit(
      { ...args, ...(await take(given)) },
      { ...HERE, tuned: tunedHere, pause, onProgress: emit, signal },
    );
    const { kernel, threads, memoryBytes } = measured;
    return { kernel, threads, memoryBytes };
  },

  slice: ({ unit, ...o }, { emit, signal }) => opened().slice(unit, { ...o, onProgress: emit, signal }),

  pieces: ({ n }) => opened().pieces(n),
});
