import { TUNING_USAGE } from '../src/lib/compress/tuning';
import { ERROR_CODES, JoulewiseError, quote } from '../src/lib/core/errors';
import { print } from './shared/print';

/** Commands, one row each, read when they are called: all of them take seconds to read. */
const COMMANDS: Record<string, { usage: string; about: string; run: (argv: readonly string[]) => Promise<void> }> = {
  demo: {
    usage:
      '[--full] [--source sampler [--boundary B]] [--limit N] [--slices N] [--margin X] [--until-decided] [--until-percent X] [--tickets-per-day N] [--out FILE] [--texts] [--fresh]',
    about:
      'the built-in checkpoint on generated tickets, both tasks, two stages; --full: fine-tuned at each precision too, as in the paper',
    run: async (argv) => (await import('./run/run')).demo(argv),
  },
  run: {
    usage:
      '--checkpoint F --data F|generated[:other] [--map text=..,target=..] [--no-redaction] --task rca|response|rca+response --variants a,b,.. [--prune p,q --best K] [--engine cpu|gpu|ort-gpu|ort-cpu|wgsl|hub] [--threads N] [--limit N] [--slices N] [--margin X] [--until-decided] [--until-percent X] [--tickets-per-day N] [--seed N] [--source sampler [--boundary B]] [--calib F] [--texts] [--adapter DIR | --adapter rca=DIR --adapter response=DIR] [--fresh] --out FILE',
    about: 'measure and rank variants on tickets',
    run: async (argv) => (await import('./run/run')).run(argv),
  },
  tune: {
    usage:
      '--checkpoint F --data F|generated[:other] [--map text=..,target=..] [--no-redaction] --task rca|response --variant V [--steps N] [--batch N] [--lr X] [--rank N] [--alpha X] [--dropout X] [--rslora] [--modules q+v] [--layers 20-29] [--budget-joules J] [--budget-minutes M] [--evaluate-every N] [--train N] [--validation N] [--seed N] [--threads N] [--arithmetic int8|fp32] [--engine cpu|ort-cpu|ort-gpu] [--swiftshader] [--profile P] [--source sampler [--boundary B]] [--decay X] [--merged | --full] [--fresh] --out DIR',
    about:
      'fine-tune a LoRA adapter on tickets over the frozen weights of a variant; PEFT loads what it writes; --full: all weights of a small checkpoint, in float32, and the whole folder',
    run: async (argv) => (await import('./commands/tune')).tuneModel(argv),
  },
  eval: {
    usage: '--checkpoint F --variant V --text-file F [--calib F] [--adapter DIR] [--engine ..] [--threads N]',
    about: 'negative log-likelihood and top-5 of a text, as JSON',
    run: async (argv) => (await import('./commands/model')).evaluate(argv),
  },
  generate: {
    usage: '--checkpoint F --variant V --prompt TEXT [--chat] [--tokens N] [--ignore-stop]',
    about: 'greedy continuation, as JSON',
    run: async (argv) => (await import('./commands/model')).generate(argv),
  },
  export: {
    usage:
      '--checkpoint F --variant V --out DIR [--format onnx|gguf] [--calib F] [--adapter DIR] [--engine gpu|ort-gpu|ort-cpu]',
    about: 'a folder that Transformers.js and onnxruntime load, or one GGUF file that llama.cpp loads',
    run: async (argv) => (await import('./commands/model')).exportModel(argv),
  },
  compress: {
    usage: '--checkpoint F --variant V --calib F --out DIR [--threads N]',
    about: 'compressed weights as safetensors, and what each layer lost',
    run: async (argv) => (await import('./commands/model')).compress(argv),
  },
  checkpoint: {
    usage: '[--threads N] [--out DIR] [--fresh] [--score DIR]',
    about:
      'makes the built-in checkpoint anew, with its model card (npm run build:checkpoint); a stopped build goes on; --score: only scores a folder',
    run: async (argv) => (await import('./checkpoint/make')).buildCheckpoint(argv),
  },
  device: {
    usage:
      '[--fit [--source sampler | --readings FILE] [--boundary B] [--hardware cpu|gpu] [--routine counter|battery|steps|speed] [--threads N] [--out FILE]]',
    about:
      'what the probe finds; --fit: fits the energy model of this device at the sampler, or at readings that a meter writes to a file meanwhile (CSV, or a Firefox profile with power), and keeps it for runs; without either: times speed alone',
    run: async (argv) =>
      argv.includes('--fit')
        ? (await import('./fit/fit')).fitDevice(argv)
        : (await import('./commands/model')).device(argv),
  },
  import: {
    usage:
      'FILE [--map ..] [--no-redaction] [--hide KIND,..] [--keep KIND,..] [--hide-words FILE] [--people COL,..] [--encoding E] [--merge-causes] [--not-known CAUSE,..]',
    about: 'what the importer sees',
    run: async (argv) => (await import('./commands/tickets')).importTickets(argv),
  },
  link: {
    usage: 'FILE',
    about: 'a result file as a link',
    run: async (argv) => (await import('./commands/link')).link(argv),
  },
  unlink: {
    usage: 'URL',
    about: 'what a link carries',
    run: async (argv) => (await import('./commands/link')).unlink(argv),
  },
  bench: {
    usage:
      '[--checkpoint F] [--threads N] [--quick] [--part spine,kernels,sharing,swap,full,tune,scale,calibrated,stages,energy,published,answer,redaction | --recipes] [--json FILE]',
    about:
      'our speed beside its peers and the limits of this machine, with what is demanded; --recipes: size, quality and joules of all recipes',
    run: async (argv) => (await import('./bench/bench')).bench(argv),
  },
};

/** What `help` says. */
async function help(): Promise<string> {
  const { READING_HELP, REDACTION_HELP } = await import('./shared/tickets');
  return [
    'joulewise COMMAND: which variant of a model does your tickets well enough on the fewest joules, on this device?',
    '',
    ...Object.entries(COMMANDS).map(([name, c]) => `  ${name} ${c.usage}\n      ${c.about}`),
    '',
    '--limit: tickets a task (72), asked in --slices (9) that all variants answer side by side. --margin: how much lower than the widest precision a task may score and still do the job (0.05). --until-decided: up to 30 slices, variants stop once the answer cannot depend on them.',
    '--until-percent: slices are repeated, up to 100, until the joules a ticket of each variant, net and gross, are known within so many percent (95 %; counters with their steps, estimates by what differs between repeats alone), or it is said why they cannot be.',
    '--tickets-per-day: what a year of so many takes, in kWh and CO2e, with the difference to the widest variant and the baseline.',
    REDACTION_HELP,
    READING_HELP,
    "--texts: tickets' answers and references go into the file of --out as well; without it their numbers alone.",
    '--calib: JSONL with "text", or a ticket file; recipes with wanda, sparsegpt, gptq, neuronsN, kvgroupsN, blocksN and auto@ need it (run: without it, the training tickets). With seq each layer is calibrated behind those before it as they were compressed.',
    `Recipes with ${TUNING_USAGE} (int8+lora8, fp16+2:4+lora16.400steps, int8+lora8.q-v.layers20to29) are fine-tuned on the training tickets before they answer; the adapter is kept in the profile.`,
    '--checkpoint: "builtin", a .gguf file, a folder with safetensors, or hub:owner/name. --adapter: a folder with a LoRA adapter of that checkpoint, as PEFT saves it. --swiftshader: WebGPU in software.',
    '--source sampler: joules from counters of this machine (npm run sampler -- serve; JOULEWISE_SAMPLER_TOKEN from npm run -s sampler -- token); --boundary gpu, package, device or system.',
    'Exit codes: 0 fine, 1 the work failed, 2 bad usage or input.',
  ].join('\n');
}

async function main(): Promise<void> {
  const [name, ...argv] = process.argv.slice(2);
  if (name === undefined || name === '--help' || name === 'help' || argv.includes('--help')) {
    print(await help());
    if (name === undefined) process.exitCode = 2;
    return;
  }
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (!command)
    throw new JoulewiseError(
      'option.unknown',
      `Command ${quote(name)} is not known. Commands: ${Object.keys(COMMANDS).join(', ')}.`,
    );
  await command.run(argv);
}

main().then(
  () => process.exit(process.exitCode ?? 0),
  (error: unknown) => {
    const known = error instanceof JoulewiseError;
    process.stderr.write(
      `${known || !process.env['JOULEWISE_DEBUG'] ? (error as Error).message : ((error as Error).stack ?? '')}\n`,
    );
    process.exit(known && ERROR_CODES[error.code].usage ? 2 : 1);
  },
);
