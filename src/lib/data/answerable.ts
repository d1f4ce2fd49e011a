import type { DatasetSummaryRecord } from '../schema/dataset';
import type { TaskName } from '../schema/run';

const ANSWER: Record<TaskName, 'cause' | 'response'> = {
  rca: 'cause',
  response: 'response',
  summary: 'response',
};

/** Test tickets of a dataset that have an answer for a task. */
export const answerable = (dataset: DatasetSummaryRecord, task: TaskName) => dataset.testable[ANSWER[task]];
