import type { VariantResult } from '../schema/result';
import { JOULES, ticketInterval } from '../texts/energy';
import { bytes, interval, percent, seconds } from '../texts/format';

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

/** What was measured, where and how: no figure without its tier, boundary and interval. */
export function modelCard(f: ExportFacts): string {
  const { result: r } = f;
  const how = r.tier === 'profile' ? 'estimated' : 'measured';
  const metrics = Object.entries(r.metrics).map(([name, value]) => [plain(name), interval(value)] as const);
  return `# ${plain(f.checkpoint)}, ${plain(r.variant)}

Made by Joulewise from ${plain(f.checkpoint)}. The licence is that of the original weights; Joulewise adds none.

## What was measured

${table([
  [`Joules per ticket, ${how} (95 % over repeats)`, ticketInterval(r.energy, JOULES)],
  ['The same from the lowest to the highest value of the power profile', ticketInterval(r.energyRange, JOULES)],
  ['Source of energy', `${r.tier}, boundary ${r.boundary}, ${f.device.profile}`],
  ['Time per ticket', r.latency ? seconds(r.latency.mid) : 'unknown'],
  ['Quality rho (95 % over tickets)', interval(r.quality)],
  ['Test tickets, repeats', `${r.tickets}, ${r.repeats}`],
  ['Tickets', f.dataset],
  ['Device', `${f.device.name}${f.device.browser ? `, ${f.device.browser}` : ''}`],
  ['Measured with', `${r.engine}: ${r.kernel}`],
  ['When', f.measuredAt],
])}

${metrics.length > 0 ? `By task:\n\n${table(metrics)}` : 'No metric could be computed.'}

Energy counts reading the ticket and writing the answer, idle power included; loading and compressing are not in it.
${r.tier === 'profile' ? 'It is estimated from counted bytes and operations and a power profile of data sheets; no meter was read.\n' : ''}
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

\`index.html\` loads the model from this folder. The library comes from jsdelivr.net; nothing else leaves the machine.

## Run it in your code

    import { pipeline, env } from '@huggingface/transformers';
    env.allowRemoteModels = false;
    env.localModelPath = '/path/that/holds/this/folder/';
    const write = await pipeline('text-generation', 'model', { dtype: '${f.dtype}', device: 'wasm' });
    const [answer] = await write([{ role: 'user', content: 'Ticket: ...\\nResponse?' }], { max_new_tokens: 64 });

Written by Joulewise ${f.versions['joulewise'] ?? ''} on ${f.measuredAt}.
`;

/** A page that runs the exported model in Transformers.js: one file, no build. */
export const examplePage = (f: ExportFacts) => `<!doctype html>
<html lang="en">
  <meta charset="utf-8" />
  <meta name="viewport" content="width=device-width" />
  <title>${f.id}</title>
  <style>
    :root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
    body { max-width: 720px; margin: 32px auto; padding: 0 16px; }
    textarea { width: 100%; box-sizing: border-box; font: inherit; }
  </style>
  <h1>${f.id}</h1>
  <label for="ticket">Ticket</label>
  <textarea id="ticket" rows="6"></textarea>
  <p><button id="run" disabled>Answer</button> <span id="status" role="status">Loading the model.</span></p>
  <pre id="answer" style="white-space: pre-wrap"></pre>
  <script type="module">
    import { env, pipeline, TextStreamer } from 'https://cdn.jsdelivr.net/npm/@huggingface/transformers@${f.versions['@huggingface/transformers'] ?? '4'}';

    env.allowRemoteModels = false;
    env.allowLocalModels = true;
    env.localModelPath = new URL('./', location.href).pathname;
    const [run, status, answer] = ['run', 'status', 'answer'].map((id) => document.getElementById(id));
    const write = await pipeline('text-generation', 'model', { dtype: '${f.dtype}', device: 'wasm' });
    status.textContent = 'Ready.';
    run.disabled = false;
    run.onclick = async () => {
      run.disabled = true;
      answer.textContent = '';
      const start = performance.now();
      await write(
        [
          { role: 'system', content: 'You answer fault tickets. Write what was done and what to do next, in short.' },
          { role: 'user', content: 'Ticket: ' + document.getElementById('ticket').value.trim() + '\\nResponse?' },
        ],
        {
          max_new_tokens: 64,
          do_sample: false,
          streamer: new TextStreamer(write.tokenizer, {
            skip_prompt: true,
            skip_special_tokens: true,
            callback_function: (text) => (answer.textContent += text),
          }),
        },
      );
      status.textContent = Math.round(performance.now() - start) + ' ms.';
      run.disabled = false;
    };
  </script>
</html>
`;
