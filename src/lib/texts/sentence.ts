import { JoulewiseError } from '../core/errors';
import { SHELL } from './shell';

/** What a person reads of a failure: our own sentence, or the platform's words with what to do. */
export const sentence = (error: unknown): string =>
  error instanceof JoulewiseError ? error.message : SHELL.wrong(error instanceof Error ? error.message : String(error));
