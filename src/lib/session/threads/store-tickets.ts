import { summaryOf } from '../../data/summary';
import type { DatasetRecord, DatasetSummaryRecord } from '../../schema/dataset';
import { saveDataset } from '../../store/datasets';

/** Stores tickets that stand here whole, as the command line hands them over. */
export async function storeTickets(dataset: DatasetRecord): Promise<DatasetSummaryRecord> {
  await saveDataset(dataset);
  return summaryOf(dataset);
}
