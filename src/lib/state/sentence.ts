import { JoulewiseError } from '../core/errors';

/** What a person reads of a failure: our own sentence, or the platform's words with what to do. */
export const sentence = (error: unknown): string =>
  error instanceof JoulewiseError
    ? error.message
    : `Something went wrong: ${error instanceof Error ? error.message : String(error)}. Reload the page and try again.`;
