import { SHELL } from '../lib/texts/shell';

const { page } = SHELL;

/**
 * The page map, in the order of the navigation, in two groups: what is used every day, and what is looked up. A new page is
 * one row. Pages in use are always in sight; on a narrow screen the others stand behind "More".
 */
export const PAGES = [
  { id: '/', title: page.experiment, group: 'use' },
  { id: '/assistant', title: page.assistant, group: 'use' },
  { id: '/history', title: page.history, group: 'use' },
  { id: '/compare', title: page.compare, group: 'use' },
  { id: '/compress', title: page.compress, group: 'reference' },
  { id: '/device', title: page.device, group: 'reference' },
  { id: '/paper', title: page.paper, group: 'reference' },
  { id: '/method', title: page.method, group: 'reference' },
  { id: '/storage', title: page.storage, group: 'reference' },
] as const;
