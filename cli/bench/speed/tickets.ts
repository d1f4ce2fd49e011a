import type { Mapping } from '../../../src/lib/schema/dataset';
import type { Driver } from '../../shared/browser';
import { existing, ticketFile } from '../../shared/context';

/** Tickets that a part of the bench asks or trains on. */
export interface BenchTickets {
  /** A file of tickets; null = generated ones. */
  tickets: string | null;
  /** Which columns of it are what; null = as guessed. */
  mapping: Partial<Mapping> | null;
}

/** The dataset, imported as users import theirs. */
export async function ticketsFor(d: Driver, { tickets, mapping }: BenchTickets) {
  if (tickets === null) return d.call('generateTickets', { count: 400, seed: 1 });
  const file = ticketFile(d, existing(tickets, 'File'));
  return (await d.call('importTickets', { file, mapping, redact: true, seed: 1 })).dataset;
}
