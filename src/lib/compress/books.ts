import type { Compression } from '../schema/run';
import { countZeros, storedBytes, type StoredTensor } from '../tensor/stored';
import type { Footprint } from './budget';
import type { LinearReport } from './group';

/** What became of one linear layer, and where it is. */
export interface LayerReport extends LinearReport {
  layer: number;
  /** The form that an engine makes of it, and its bytes; null where none was asked about. */
  footprint: Footprint | null;
}

/** Counts what has been made, each tensor once, however often it is made. */
export class Books {
  readonly count: Pick<Compression, 'parameters' | 'zeros' | 'linearParameters' | 'storedBytes'> = {
    parameters: 0,
    zeros: 0,
    linearParameters: 0,
    storedBytes: 0,
  };
  readonly reports: LayerReport[] = [];
  private readonly made = new Set<string>();

  /** Enters a tensor under its name; `linear`: its zeros count. */
  matrix(name: string, t: StoredTensor, linear: boolean): StoredTensor {
    if (!this.isNew(name)) return t;
    this.count.parameters += t.rows * t.columns;
    this.count.storedBytes += storedBytes(t);
    if (linear) {
      this.count.linearParameters += t.rows * t.columns;
      this.count.zeros += countZeros(t);
    }
    return t;
  }

  vector(name: string, data: Float32Array): void {
    if (!this.isNew(name)) return;
    this.count.parameters += data.length;
    this.count.storedBytes += data.byteLength;
  }

  report(line: LayerReport): void {
    if (!this.reports.some((r) => r.layer === line.layer && r.linear === line.linear)) this.reports.push(line);
  }

  private isNew(name: string): boolean {
    if (this.made.has(name)) return false;
    this.made.add(name);
    return true;
  }
}
