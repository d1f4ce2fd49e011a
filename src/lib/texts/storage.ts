import { bytes, plural } from './format';

/** The page "Storage". */
export const STORAGE = {
  title: 'What this browser keeps',
  used: (used: number | null, free: number | null) =>
    used === null
      ? 'The browser does not say how much is used.'
      : `Used: ${bytes(used)}${free === null ? '' : `; free: ${bytes(free)}`}.`,
  persisted: 'The browser promised not to clear it on its own.',
  notPersisted: 'The browser may clear it when the disk is full.',
  reading: 'Reading.',
  noTickets: 'None.',
  noCheckpoints: 'None. Model files that you add are copied here, so that a reload finds them.',
  remove: 'Delete',
  experimentsWhere: 'Experiments are listed, named, searched and deleted under',
  tickets: 'Tickets',
  ticketSet: (name: string, n: number) => `${name}, ${plural(n, 'ticket')}`,
  checkpoints: 'Checkpoints',
  checkpoint: (files: readonly string[], size: number) => `${files.join(', ')}, ${bytes(size)}`,
  packed: (size: number) =>
    `Weights packed by earlier runs, ${bytes(size)}: they save time alone, and are made again when needed.`,
  packedShort: 'packed weights',
  adapters: (size: number) =>
    `Adapters that fine-tuning made, ${bytes(size)}: without them, the next run of the same variant trains again.`,
  adaptersShort: 'trained adapters',
  unfinished: 'Remove what interrupted copies left',
  everything: 'Everything',
  everythingAbout: 'Experiments, runs and tickets go into one file; model weights do not.',
  export: 'Export everything',
  import: 'Import such a file',
  removeAll: 'Delete everything',
  removeAllSure: 'Delete all experiments, tickets and checkpoints for good',
  keepAll: 'Keep everything',
  waits: 'Deleting waits until the run is over.',
  doing: {
    checkpoint: 'Deleting the checkpoint',
    tickets: 'Deleting the tickets',
    packed: 'Deleting packed weights',
    adapters: 'Deleting trained adapters',
    unfinished: 'Removing what interrupted copies left',
    export: 'Writing the file',
    import: 'Reading the file',
    everything: 'Deleting everything',
  },
  removedUnfinished: (n: number) => `Removed ${plural(n, 'interrupted copy', 'interrupted copies')}.`,
  added: (records: number) => `Added ${plural(records, 'record')}.`,
  deleted: 'Everything was deleted.',
} as const;
