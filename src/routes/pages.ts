import { SHELL } from '../lib/texts/shell';

const { page } = SHELL;

/**
 * The page map, in the order of the navigation: what is done every day first. A new page is one row. `main` pages are
 * always in sight; on a narrow screen the others stand behind "More".
 */
export const PAGES = [
  { id: '/', title: page.experiment, main: true },
  { id: '/assistant', title: page.assistant, main: true },
  { id: '/history', title: page.history, main: true },
  { id: '/compare', title: page.compare, main: true },
  { id: '/compress', title: page.compress, main: false },
  { id: '/device', title: page.device, main: false },
  { id: '/method', title: page.method, main: false },
  { id: '/storage', title: page.storage, main: false },
] as const;
