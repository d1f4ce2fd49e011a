import type { DropReason, Sink } from './formats';
import type { ImportLimits } from './text-stream';

const noDrops = (): Record<DropReason, number> => ({
  unreadable: 0,
  'too wide': 0,
  'no text': 0,
  'no answer': 0,
  'too large': 0,
  'exact duplicate': 0,
});

/** A hostile file could raise one per row. */
const MAX_WARNINGS = 30;

/** What an import has to say at its end: warnings, and rows that were dropped. */
export class Notes implements Sink {
  readonly warnings = new Set<string>();
  readonly dropped = noDrops();
  constructor(readonly limits: ImportLimits) {}
  warn(sentence: string): void {
    if (this.warnings.size < MAX_WARNINGS) this.warnings.add(sentence);
    else this.warnings.add('There are more warnings of this kind.');
  }
  drop(reason: DropReason, count = 1): void {
    this.dropped[reason] += count;
  }
}
