import type { LayerReport } from '../../compress/books';
import type { OuterReport } from '../../compress/compress';
import type { TicketsPort } from '../../data/give';
import type { GgufReport } from '../../export/gguf';
import type { ExportReport } from '../../export/onnx';
import type { WeightsReport } from '../../export/safetensors';
import type { ExportFormat, ExportSize } from '../../export/sizes';
import type { TaskName } from '../../schema/run';
import type { Progress, VariantRequest } from '../host/request';

export type ExportApi = {
  /** Compresses every layer, calibrated on a task's training tickets as a run of it is, and keeps only what was lost. */
  inspect: {
    args: {
      checkpoint: VariantRequest['checkpoint'];
      recipe: string;
      threads: number | null;
      tasks: readonly TaskName[];
      /** Training tickets; null for a recipe that does not calibrate. */
      given: TicketsPort | null;
    };
    event: Progress & { report?: LayerReport; outer?: OuterReport[] };
    result: {
      layers: LayerReport[];
      outer: OuterReport[];
      compression: WeightsReport['compression'];
      ms: { calibrate: number; compress: number };
    };
  };
  /** Writes compressed weights and their report into an export folder in OPFS. */
  compress: {
    args: Omit<VariantRequest, 'engine'>;
    event: Progress;
    result: WeightsReport & { id: string; ms: { calibrate: number; compress: number } };
  };
  /** Writes the variant into an export folder in OPFS; its id comes back. */
  exportVariant: { args: VariantRequest; event: Progress; result: ExportReport & { id: string } };
  /** How large both would be, before a weight is read; `storedBytes` as measured, for recipes under a budget. */
  exportSizes: {
    args: Pick<VariantRequest, 'checkpoint' | 'recipe' | 'engine'> & { storedBytes: number | null };
    event: never;
    result: Record<ExportFormat, ExportSize>;
  };
  /** Writes the variant as one GGUF file, called `<name>.gguf`; its id comes back. */
  exportGguf: { args: VariantRequest & { name: string }; event: Progress; result: GgufReport & { id: string } };
};
