/** What surrounds every page. */
export const SHELL = {
  product: 'Joulewise',
  skip: 'Skip to the content',
  pages: 'Pages',
  groups: { use: 'Use', reference: 'Reference' },
  more: 'More',
  less: 'Less',
  notDone: 'Not done.',
  /** A failure that is none of ours, in the platform's words. */
  wrong: (why: string) => `Something went wrong: ${why}. Reload the page and try again.`,
  lost: {
    address: {
      title: 'There is no such page',
      what: 'Check the address, or begin at the first page. What is stored here was not touched.',
    },
    page: {
      title: 'This page could not be shown',
      what: 'Reload it, or begin at the first page. What is stored here was not touched.',
    },
  },
  site: {
    updated: 'A new version is ready.',
    reload: 'Reload',
    afterRun: 'Reload when the run is finished.',
    reloading: 'Reloading once, so that models may use all processor cores.',
    couldIsolate: 'After a reload models can use all processor cores; until then they use one.',
  },
  /** Names of pages, by route. A page stands in the navigation as soon as it has a row in `routes/pages.ts`. */
  page: {
    experiment: 'Experiment',
    history: 'History',
    compare: 'Compare',
    assistant: 'Assistant',
    compress: 'Compress',
    device: 'Device',
    storage: 'Storage',
    method: 'Method',
    paper: 'Paper',
  },
} as const;
