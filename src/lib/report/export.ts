import { isEstimated } from '../schema/run';
import type { VariantResult } from '../schema/result';
import { JOULES, ticketInterval } from '../texts/energy';
import { bytes, interval, percent, seconds } from '../texts/format';
import { RUNTIME_FOLDER, type PageTask } from './example-page';

/** What the texts beside an exported variant tell. */
export interface ExportFacts {
  /** Name of the folder, safe in paths and HTML: letters, digits, dots and dashes. */
  id: string;
  result: VariantResult;
  /** Where the weights came from, as people name it. */
  checkpoint: string;
  dataset: string;
  device: { name: string; profile: string; browser: string | null };
  measuredAt: string;
  /** From the exporter. */
  kernel: string;
  dtype: string;
  dataBytes: number;
  versions: Readonly<Record<string, string>>;
  /** What the page beside the model does. */
  tasks: readonly PageTask[];
}

/** A name for folders and files: what is no letter, digit or dot becomes a dash. */
export const exportId = (checkpoint: string, variant: string) =>
  `${checkpoint}-${variant}`
    .replace(/[^\w.]+/g, '-')
    .replace(/^[-.]+|[-.]+$/g, '')
    .slice(0, 80) || 'model';

/** Text of others in Markdown: nothing in it makes a table, link, tag or heading. */
const plain = (text: string) => text.replace(/\s+/g, ' ').replace(/[\\`*_{}[\]<>#|]/g, (c) => `\\${c}`);

const table = (rows: readonly (readonly [string, string])[]) =>
  ['| | |', '| --- | --- |', ...rows.map(([name, value]) => `| ${name} | ${plain(value)} |`)].join('\n');

/** Joules a ticket over what is not known of the device. */
const rangeOf = ({ energy, deviceRange }: VariantResult) =>
  energy && deviceRange && { mid: energy.mid, low: energy.mid * deviceRange.low, high: energy.mid * deviceRange.high };

/** What was measured, where and how: no figure without its tier, boundary and interval. */
export function modelCard(f: ExportFacts): string {
  const { result: r } = f;
  const how = isEstimated(r.tier) ? 'estimated' : 'measured';
  const metrics = Object.entries(r.metrics).map(([name, value]) => [plain(name), interval(value)] as const);
  return `# ${plain(f.checkpoint)}, ${plain(r.variant)}

Made by Joulewise from ${plain(f.checkpoint)}. The licence is that of the original weights; Joulewise adds none.

## What was measured

${table([
  [`Joules per ticket, ${how} (95 % over slices)`, ticketInterval(r.energy, JOULES)],
  ['The same from the lowest to the highest value of the power profile', ticketInterval(rangeOf(r), JOULES)],
  ['Source of energy', `${r.tier}, boundary ${r.boundary}, ${f.device.profile}`],
  ['Time per ticket', r.latency ? seconds(r.latency.mid) : 'unknown'],
  ['Quality rho (95 % over tickets)', interval(r.quality)],
  ['Test tickets, slices', `${r.tickets}, ${r.slices}`],
  ['Tickets', f.dataset],
  ['Device', `${f.device.name}${f.device.browser ? `, ${f.device.browser}` : ''}`],
  ['Measured with', `${r.engine}: ${r.kernel}`],
  ['When', f.measuredAt],
])}

${metrics.length > 0 ? `By task:\n\n${table(metrics)}` : 'No metric could be computed.'}

Energy counts reading the ticket and writing the answer, idle power included; loading and compressing are not in it.
${isEstimated(r.tier) ? 'It is estimated from counted bytes and operations and a power profile of data sheets; no meter was read.\n' : ''}
## How it was made

${table([
  ['Recipe', r.variant],
  ['Weights as stored', bytes(r.storedBytes)],
  ['Weights as measured kernels read them', bytes(r.computedBytes)],
  ['Zeros in linear layers', percent(r.sparsity)],
  ['Exported as', `${f.kernel}, ${bytes(f.dataBytes)}, Transformers.js dtype ${f.dtype}`],
  [
    'Versions',
    Object.entries(f.versions)
      .map(([name, v]) => `${name} ${v}`)
      .join(', '),
  ],
])}
${r.fallbacks.length > 0 ? `\nKept in mind while measuring:\n\n${r.fallbacks.map((text) => `- ${plain(text)}`).join('\n')}\n` : ''}
## Limits

These figures hold for these tickets on this device. The exported graph runs in ONNX Runtime, whose kernels differ from
the ones measured where the table above says so: measure again where it will run.
`;
}

export const readme = (f: ExportFacts) => `# ${f.id}

\`model/\` holds ${plain(f.checkpoint)} as ${plain(f.result.variant)}: an ONNX graph with external weights, config and tokenizer,
as Transformers.js and ONNX Runtime load them. What it takes and how well it does stands in \`MODEL_CARD.md\`.

## Run it in a browser

    npx serve .        # any static server; then open the address it prints

\`index.html\` loads model and library from this folder and asks no other host: it runs in a closed network. It does ${f.tasks.map((t) => plain(t.title.toLowerCase())).join(' and ')}.
\`${RUNTIME_FOLDER}/\` holds Transformers.js ${f.versions['@huggingface/transformers'] ?? ''} (Apache-2.0) and ONNX Runtime Web ${f.versions['onnxruntime-web'] ?? ''} (MIT), as they are.

## Run it in your code

    import { pipeline, env } from '@huggingface/transformers';
    env.allowRemoteModels = false;
    env.localModelPath = '/path/that/holds/this/folder/';
    const write = await pipeline('text-generation', 'model', { dtype: '${f.dtype}', device: 'wasm' });
    const [answer] = await write([{ role: 'user', content: 'Ticket: ...\\nResponse?' }], { max_new_tokens: 64 });

Written by Joulewise ${f.versions['joulewise'] ?? ''} on ${f.measuredAt}.
`;
