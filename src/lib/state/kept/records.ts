/** The record store, loaded when a record is first read or written: the first page has none. */
export const records = () => import('../../store/db');
/** The same for sets of tickets. */
export const datasets = () => import('../../store/datasets');
