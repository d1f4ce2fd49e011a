import { quote } from '../core/errors';
import { listed } from './format';

/** What a loaded recipe or stored plan could not bring along. */
export const LOADED = {
  stages: 'It has more stages than these cards show: its variants are put together into one first stage.',
  withheld: (tasks: readonly string[]) =>
    `It asked ${listed(tasks)} with prompts of its own, which the sender left out of the link. Ask for them and write them under "Tickets"; until then the usual prompts are used.`,
  noGpu: 'It ran on a GPU; this browser has no WebGPU adapter, so WebAssembly is chosen.',
  noTickets: (name: string) =>
    `It ran on the tickets ${quote(name)}, which are not here; links carry no tickets. Choose your own under "Tickets"; until then generated ones are used.`,
  noCheckpoint: (name: string) =>
    `It ran on the local checkpoint ${quote(name)}, which is not here; links carry no weights. Add the file under "Model"; until then the built-in model is used.`,
} as const;
