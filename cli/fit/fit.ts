import { readFileSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { JoulewiseError, quote } from '../../src/lib/core/errors';
import { fitModel, type FitInput } from '../../src/lib/fit/fit';
import { readSaved } from '../../src/lib/fit/saved';
import { ROUTINES, speedOf, type RoutineName } from '../../src/lib/fit/routine';
import { encodeModel } from '../../src/lib/link/model-link';
import type { EnergyModelRecord } from '../../src/lib/schema/energy-model';
import { BEST_ENGINE } from '../../src/lib/schema/engines';
import { BOUNDARIES } from '../../src/lib/schema/run';
import { parseArgs, type Parsed } from '../shared/args';
import { ORIGIN } from '../shared/browser';
import { existing, fromHere, threadsOf, webgpuOf, withDriver } from '../shared/context';
import { print, say } from '../shared/print';
import { samplerOf, SOURCE_FLAGS } from '../shared/sampler';

const FLAGS = {
  ...SOURCE_FLAGS,
  fit: 'flag',
  readings: 'text',
  routine: 'text',
  out: 'text',
  threads: 'whole',
  hardware: 'text',
  swiftshader: 'flag',
} as const;

const HARDWARE = ['cpu', 'gpu'] as const;

function routineOf(a: Parsed): RoutineName {
  const name = a.text('routine') ?? (a.text('readings') !== null ? 'battery' : a.text('source') ? 'counter' : 'speed');
  if (Object.hasOwn(ROUTINES, name)) return name as RoutineName;
  throw new JoulewiseError(
    'option.unknown',
    `Routine ${quote(name)} is not known. Routines: ${Object.keys(ROUTINES).join(', ')}.`,
  );
}

/**
 * Fits the energy model of this device at the sampler, or at a file that a meter writes meanwhile, and keeps it in the
 * browser's profile, where runs find it; without either it times speed alone.
 */
export async function fitDevice(argv: readonly string[]): Promise<void> {
  const a = parseArgs(argv, FLAGS);
  const name = routineOf(a);
  const file = a.text('readings');
  const boundary = BOUNDARIES.find((b) => b === (a.text('boundary') ?? 'system')) ?? null;
  if (!boundary)
    throw new JoulewiseError('option.unknown', `Boundaries: ${BOUNDARIES.join(', ')}; --boundary is none of them.`);
  const hardware = HARDWARE.find((h) => h === (a.text('hardware') ?? 'cpu'));
  if (!hardware) throw new JoulewiseError('option.unknown', `--hardware is one of ${HARDWARE.join(', ')}.`);
  const sampler = file === null ? samplerOf(a) : null;
  const path = file === null ? null : existing(file, 'Readings');
  const { seconds } = ROUTINES[name];
  say(`The routine takes ${seconds} s. Leave this device alone meanwhile.`);
  const webgpu = webgpuOf(a, BEST_ENGINE[hardware]);
  await withDriver({ webgpu, sampler, onEvent: (event) => say(JSON.stringify(event)) }, async (d) => {
    const device = await d.call('probe', null);
    const ran = await d.call('routine', { hardware, name, threads: threadsOf(a), sampler: d.sampler });
    const speed = speedOf(ran.segments);
    await d.call('keepKnown', { hardware: ran.hardware, speed });
    let told: (FitInput & Pick<EnergyModelRecord, 'tier' | 'boundary' | 'source'>) | null = ran.answered;
    if (path !== null) {
      // Read now: the meter wrote it while the routine ran.
      const saved = new Blob([readFileSync(path)]);
      told = await readSaved({ name: basename(path), stream: () => saved.stream() }, boundary);
    }
    if (!told) {
      if (sampler)
        throw new JoulewiseError(
          'sampler.silent',
          'The sampler knew no joules of the routine. Ask "npm run -s sampler -- doctor".',
        );
      print(JSON.stringify({ speed }, null, 2));
      return;
    }
    const { tier, boundary: of, source } = told;
    const model = fitModel(ran.segments, told, {
      createdAt: new Date().toISOString(),
      hardware: ran.hardware,
      device: [device.platform, device.browser, device.renderer].filter(Boolean).join(', ') || 'unknown',
      threads: ran.threads,
      tier,
      boundary: of,
      source,
    });
    await d.call('keepKnown', { hardware: ran.hardware, model });
    const out = a.text('out');
    if (out !== null) writeFileSync(fromHere(out), `${JSON.stringify(model, null, 1)}\n`);
    say(`Off by ${(100 * model.error).toFixed(1)} % in the median on work that was held out.`);
    say(`${ORIGIN}/device#${await encodeModel(model)}`);
    print(JSON.stringify(model, null, 2));
  });
}
