import { quote } from '../core/errors';

/** What of an earlier set-up could not be brought back. */
export const DRAFT = {
  unreadable: 'What you had set up was written by another version of Joulewise and cannot be read. Set it up again.',
  noTickets: (name: string) =>
    `The tickets ${quote(name)} are no longer stored in this browser. Import them again under "Tickets"; until then generated ones are used.`,
  noCheckpoint: (name: string) =>
    `The model ${quote(name)} is no longer stored in this browser. Add its file again under "Model"; until then the built-in model is used.`,
  noGpu: 'A GPU was chosen; this browser has no WebGPU adapter now, so WebAssembly is chosen.',
} as const;
