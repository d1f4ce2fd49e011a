/** The record store, loaded when a record is first read or written: the first page has none. */
export const records = () => import('../store/db');
/** The store of sets of tickets, loaded likewise. */
export const datasets = () => import('../store/datasets');
