import { adapterBytes, removeAdapters } from '../../store/adapters';
import { listSummaries, removeDataset } from '../../store/datasets';
import { removeAllRecords } from '../../store/db';
import { removeAllExports } from '../../store/exports';
import {
  listCheckpoints,
  removeAllCheckpoints,
  removeCheckpoint,
  removeUnfinished,
  type StoredCheckpoint,
} from '../../store/opfs';
import { packedBytes, removePacked } from '../../store/packed';
import { removeCalibration } from '../../store/pieces';
import { STORAGE } from '../../texts/storage';
import { library } from './library.svelte';
import { sentence } from '../../texts/sentence';
import { mayDelete } from '../../session/tab/tabs';
import { callData } from '../../session/threads/workers';

export interface StoredTickets {
  hash: string;
  name: string;
  tickets: number;
}

/** What this site keeps in this browser. */
class StorageState {
  checkpoints = $state.raw<StoredCheckpoint[] | null>(null);
  datasets = $state.raw<StoredTickets[] | null>(null);
  /** Bytes of packed weights that earlier runs left. */
  packed = $state(0);
  /** Bytes of trained adapters. */
  adapters = $state(0);
  /** Bytes; null where the browser does not say. */
  used = $state<number | null>(null);
  free = $state<number | null>(null);
  persisted = $state<boolean | null>(null);
  busy = $state<string | null>(null);
  message = $state<string | null>(null);
  error = $state<string | null>(null);

  async refresh(): Promise<void> {
    await this.#try(null, async () => {
      this.datasets = await listSummaries();
      this.checkpoints = await listCheckpoints();
      this.packed = await packedBytes();
      this.adapters = await adapterBytes();
      const { usage, quota } = await navigator.storage.estimate();
      this.used = usage ?? null;
      this.free = usage === undefined || quota === undefined ? null : Math.max(0, quota - usage);
      this.persisted = await navigator.storage.persisted();
    });
    this.datasets ??= [];
    this.checkpoints ??= [];
  }

  removeCheckpoint = (hash: string) => this.#delete(STORAGE.doing.checkpoint, () => removeCheckpoint(hash));
  removeDataset = (hash: string) => this.#delete(STORAGE.doing.tickets, () => removeDataset(hash));
  removeAdapters = () => this.#delete(STORAGE.doing.adapters, () => removeAdapters());
  removePacked = () => this.#delete(STORAGE.doing.packed, () => removePacked());
  removeUnfinished = () =>
    this.#delete(STORAGE.doing.unfinished, async () => {
      this.message = STORAGE.removedUnfinished(await removeUnfinished());
    });

  async exportAll(): Promise<Blob | null> {
    let blob: Blob | null = null;
    await this.#try(STORAGE.doing.export, async () => {
      blob = await callData('exportArchive', null);
    });
    return blob;
  }

  importAll = (file: Blob) =>
    this.#change(STORAGE.doing.import, async () => {
      const { records } = await callData('importArchive', { file });
      this.message = STORAGE.added(records);
    });

  /** @param close lets go of what is looked at, once it is clear that it may go */
  deleteAll = (close: () => void) =>
    this.#delete(STORAGE.doing.everything, async () => {
      close();
      await removeAllRecords();
      await removeAllCheckpoints();
      await removeAllExports();
      await removeCalibration();
      await removePacked();
      await removeAdapters();
      this.message = STORAGE.deleted;
    });

  /** What a run in any tab needs stays. */
  #delete(what: string, work: () => Promise<unknown>): Promise<void> {
    return this.#change(what, async () => {
      await mayDelete();
      await work();
    });
  }

  async #change(what: string, work: () => Promise<unknown>): Promise<void> {
    this.message = null;
    this.error = null;
    await this.#try(what, work);
    const { error } = this;
    await Promise.all([this.refresh(), library.refresh()]);
    this.error ??= error;
  }

  async #try(what: string | null, work: () => Promise<unknown>): Promise<void> {
    this.busy = what;
    try {
      await work();
    } catch (error) {
      this.error = sentence(error);
    } finally {
      this.busy = null;
    }
  }
}

export const storage = new StorageState();
