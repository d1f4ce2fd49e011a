import { cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { contentHash } from '../../src/lib/core/canonical';
import type { PlanEvent } from '../../src/lib/plan/execute';
import { BASELINE } from '../../src/lib/schema/engines';
import { decide } from '../../src/lib/rank/decide';
import type { Folded } from '../../src/lib/rank/fold';
import { rankVariants, splitBaseline } from '../../src/lib/rank/rank';
import type { DatasetRecord } from '../../src/lib/schema/dataset';
import type { PlanRecord } from '../../src/lib/schema/plan';
import { parseRecord } from '../../src/lib/schema/record';
import { Run, type RunRecord } from '../../src/lib/schema/run';
import { answerSentence } from '../../src/lib/texts/answer';
import {
  assert,
  assertEqual,
  BUILTIN,
  joulewise,
  root,
  watchedDrive,
  withBrowser,
  withFolder,
  type BrowserTest,
} from './harness';

/** What answers the plan's own question: neither short slices that link blocks nor validation tickets. */
const ofTest = (runs: readonly RunRecord[]) => runs.filter((run) => run.part === 'test' && !run.anchor);

export const planOf = (dataset: DatasetRecord, more: Partial<PlanRecord> = {}): PlanRecord => ({
  v: 3,
  dataset: { hash: dataset.hash, name: dataset.name },
  checkpoint: BUILTIN,
  tasks: ['rca', 'response'],
  stages: [{ kind: 'variants', variants: ['fp32', 'int8'] }],
  baseline: true,
  engine: 'ort-cpu',
  threads: 2,
  limit: 4,
  slices: 2,
  margin: 0.05,
  maxNewTokens: 8,
  seed: 3,
  w: 0.5,
  profile: null,
  ...more,
});

/** A run of the command line that ends soon. */
const TINY = '--task rca --variants fp32,int8 --limit 4 --slices 2'.split(' ');

export const tests: BrowserTest[] = [
  {
    name: 'a two-stage plan runs both tasks and gives valid records with energy, quality and device',
    run: () =>
      withBrowser({}, async (d) => {
        const dataset = await d.call('generateTickets', { count: 80, seed: 5 });
        const plan = planOf(dataset, {
          stages: [
            { kind: 'variants', variants: ['fp32', 'int4'] },
            { kind: 'best', k: 1, prunings: ['2:4'] },
          ],
        });
        const { runs, failures, folded } = await d.call('runPlan', {
          plan,
          dataset,
          name: 'test',
          fresh: false,
        });
        assertEqual(failures, [], 'failures');
        // 2 tasks x 2 slices x (2 variants + baseline + 1 pruned)
        assertEqual(ofTest(runs).length, 16, 'runs');
        // Opened once, a variant tells what that took in its first record.
        for (const variant of new Set(runs.map((run) => run.variant))) {
          const phases = new Set(
            runs.flatMap((run) => (run.variant === variant ? run.phases.map((p) => p.phase) : [])),
          );
          const wanted =
            variant === BASELINE ? (['idle', 'train'] as const) : (['idle', 'load', 'compress', 'warm-up'] as const);
          for (const phase of wanted) assert(phases.has(phase), `${variant} has no ${phase}`);
        }
        for (const run of runs) {
          parseRecord(Run, run);
          assert(
            run.phases.some((p) => p.phase === 'prefill'),
            `phases of ${run.id}`,
          );
          if (run.variant === BASELINE) continue;
          for (const p of run.phases)
            if (p.phase === 'prefill' || p.phase === 'decode') {
              assert(
                p.joules && p.joules.low < p.joules.mid && p.joules.mid < p.joules.high,
                'joules carry an interval',
              );
              assertEqual([p.tier, p.boundary], ['profile', 'package'], 'tier and boundary');
            }
        }
        const { models, baseline } = splitBaseline(folded.results);
        assert(baseline, 'the baseline ran');
        const ranking = rankVariants(models, 0.5);
        assertEqual(ranking.ranked.length, 3, 'ranked variants');
        assertEqual(ranking.apart, [], 'variants apart');
        assert(
          models.some((m) => m.stage === 1 && m.variant.endsWith('+2:4')),
          'stage two ran a pruned variant',
        );
      }),
  },
  {
    name: 'a slice computes its task’s prefix once and says so; ort-cpu and our own kernels score causes alike',
    run: () =>
      withBrowser({}, async (d) => {
        const dataset = await d.call('generateTickets', { count: 80, seed: 5 });
        const runsOf = async (more: Partial<PlanRecord>) => {
          const stages: PlanRecord['stages'] = [{ kind: 'variants', variants: ['fp32'] }];
          const plan = planOf(dataset, { stages, baseline: false, limit: 8, ...more });
          const { runs } = await d.call('runPlan', { plan, dataset, name: 'test', fresh: true });
          return ofTest(runs).toSorted((a, b) => a.id.localeCompare(b.id));
        };
        const own = await runsOf({ engine: 'cpu' });
        const alone = await runsOf({ engine: 'cpu', limit: 8, slices: 8 });
        const theirs = await runsOf({ engine: 'ort-cpu' });
        for (const run of [...own, ...theirs]) {
          const tokens = run.tickets.reduce((n, { promptTokens }) => n + promptTokens, 0);
          const prefix = run.phases.find(({ phase }) => phase === 'prefix');
          assert(run.prompts && prefix?.joules && prefix.tokens, `${run.id} shared nothing`);
          assertEqual(run.prompts.shared, run.tickets.length * prefix.tokens, 'tokens shared');
          assertEqual(run.prompts.computed + run.prompts.shared, tokens + prefix.tokens, 'tokens of prompts');
        }
        for (const { prompts, phases } of alone) {
          assertEqual(prompts?.shared, 0, 'a slice of one ticket shares nothing');
          assert(!phases.some(({ phase }) => phase === 'prefix'), 'nor computes a prefix');
        }
        const ticketsOf = (runs: readonly RunRecord[]) =>
          new Map(runs.flatMap((run) => run.tickets.map((t) => [`${run.task} ${t.id}`, t] as const)));
        const [shared, whole, ort] = [ticketsOf(own), ticketsOf(alone), ticketsOf(theirs)];
        for (const [key, ticket] of shared) {
          const same = whole.get(key);
          assertEqual(
            [ticket.output, ticket.scores],
            [same?.output, same?.scores],
            `${key}: answers, shared and whole`,
          );
          ticket.scores?.forEach((score, i) => {
            const found = ort.get(key)?.scores?.[i] ?? NaN;
            // Nats: where a cause is nearly certain, float32 leaves nothing relative of what is left.
            const allowed = 2e-3 * Math.abs(score) + 2e-5;
            assert(Math.abs(found - score) <= allowed, `${key}: scores ${found} and ${score}`);
          });
        }
      }),
  },
  {
    name: 'calibrated recipes calibrate on training tickets once; later slices and plans take what was kept',
    run() {
      /** Layers that were calibrated since this was last asked; what was kept tells its last one only. */
      let layers = 0;
      const calibrated = () => {
        const n = layers;
        layers = 0;
        return n;
      };
      const onEvent = (event: unknown) => {
        const { phase, done, of } =
          (event as { progress?: { phase?: string; done?: number; of?: number } }).progress ?? {};
        if (phase === 'calibrate' && (done ?? 0) < (of ?? 0)) layers++;
      };
      return withBrowser({ onEvent }, async (d) => {
        const dataset = await d.call('generateTickets', { count: 80, seed: 5 });
        const plan = planOf(dataset, {
          stages: [{ kind: 'variants', variants: ['int8+sparsegpt2:4', 'int4.gptq'] }],
          tasks: ['rca'],
          engine: 'cpu',
          baseline: false,
          limit: 2,
        });
        const go = async (p: PlanRecord, more: object = {}) => {
          const reply = await d.call('runPlan', { plan: p, dataset, name: 'test', fresh: false, ...more });
          assertEqual(reply.failures, [], 'failures');
          return reply.runs;
        };
        const runs = await go(plan);
        assertEqual(ofTest(runs).length, 4, 'runs');
        for (const run of runs) parseRecord(Run, run);
        assert(
          runs.some((r) => r.phases.some((p) => p.phase === 'calibrate')),
          'records tell of it',
        );
        const once = calibrated();
        assert(once > 0, 'the first calibrates');
        await go({ ...plan, seed: 4 });
        assertEqual(calibrated(), 0, 'layers that another plan on the same tickets calibrates');
        // Text that is given calibrates anew, and stands in the plan.
        const texts = dataset.tickets.map((t) => t.text);
        const calibration = { hash: await contentHash(texts), name: 'texts.jsonl' };
        await go({ ...plan, slices: 1, calibration }, { calibrationTexts: texts });
        assertEqual(calibrated(), once, 'layers that given text calibrates, by both recipes once');
        const refused = await d
          .call('runPlan', { plan: { ...plan, calibration }, dataset, name: 'test', fresh: false })
          .then(() => null, String);
        assert(
          refused?.includes('texts.jsonl'),
          `a plan whose text is missing is refused, not calibrated on tickets: ${refused}`,
        );
      });
    },
  },
  {
    name: 'generate and export take --calib; without it they say what is missing',
    run: () =>
      withFolder((folder) => {
        const env = { JOULEWISE_PROFILE: join(folder, 'profile') };
        const calib = join(root, 'tests/fixtures/texts/calibration.jsonl');
        const model = ['--checkpoint', 'builtin', '--variant', 'fp32+sparsegpt2:4'];
        const prompt = ['--prompt', 'The router lost power', '--tokens', '4', '--ignore-stop'];
        const made = joulewise(['generate', ...model, ...prompt, '--calib', calib], env);
        assertEqual(made.code, 0, `generate (${made.err.slice(-300)})`);
        assertEqual((JSON.parse(made.out) as { ids: number[] }).ids.length, 4, 'tokens');
        const exported = joulewise(['export', ...model, '--out', join(folder, 'out'), '--calib', calib], env);
        assertEqual(exported.code, 0, `export (${exported.err.slice(-300)})`);
        assert(readFileSync(join(folder, 'out/onnx/model.onnx')).length > 0, 'a graph is written');
        const without = joulewise(['generate', ...model, ...prompt], env);
        assert(without.code !== 0 && without.err.includes('--calib'), `says what is missing: ${without.err}`);
        return Promise.resolve();
      }),
  },
  {
    name: 'calibration behind compressed layers writes the same bytes on one thread and on three, and finds them again',
    run: () =>
      withFolder((folder) => {
        const calib = join(folder, 'calibration.jsonl');
        const texts = readFileSync(join(root, 'tests/fixtures/texts/calibration.jsonl'), 'utf8').split('\n');
        writeFileSync(calib, texts.slice(0, 12).join('\n'));
        const write = (profile: string, threads: number, variant: string) => {
          const out = join(folder, `${profile}-${threads}-${variant.replaceAll(/\W/g, '-')}`);
          const model = ['--checkpoint', 'builtin', '--variant', variant, '--calib', calib];
          const { code, err } = joulewise(['compress', ...model, '--threads', String(threads), '--out', out], {
            JOULEWISE_PROFILE: join(folder, profile),
          });
          assertEqual(code, 0, `compress ${variant} (${err.slice(-300)})`);
          const read = (end: string) =>
            Buffer.concat(
              readdirSync(out)
                .filter((name) => name.endsWith(end))
                .map((name) => readFileSync(join(out, name))),
            );
          return { weights: read('.safetensors'), report: read('report.json') };
        };
        const name = 'int8+sparsegpt2:4+seq';
        const one = write('a', 1, name);
        assert(one.weights.equals(write('b', 3, name).weights), 'one thread and three write the same weights');
        assert(one.report.equals(write('a', 3, name).report), 'kept layers are read: their times are the first ones');
        assert(!one.weights.equals(write('a', 1, 'int8+sparsegpt2:4').weights), 'without seq they are others');
        return Promise.resolve();
      }),
  },
  {
    name: 'a browser killed in the middle goes on where it was: finished runs are not run again',
    run: () =>
      withFolder(async (profile) => {
        const first = await watchedDrive({ profile, onEvent: (e) => events.push(e as PlanEvent) });
        const events: PlanEvent[] = [];
        const dataset = await first.call('generateTickets', { count: 60, seed: 7 });
        const plan = planOf(dataset, { tasks: ['rca'], slices: 3 });
        const running = first.call('runPlan', { plan, dataset, name: 'test', fresh: false });
        running.catch(() => undefined);
        const done = () => events.filter((e) => e.type === 'run');
        for (let i = 0; i < 6000 && done().length < 3; i++) await new Promise((r) => setTimeout(r, 100));
        assert(done().length >= 3, 'three units finished before the kill');
        const cdp = await first.page.context().browser()?.newBrowserCDPSession();
        // The whole browser goes at once, as in a crash.
        if (cdp) await cdp.send('Browser.crash').catch(() => undefined);
        else await first.page.context().close();
        await first.close();
        const kept = done().length;
        const again: PlanEvent[] = [];
        const second = await watchedDrive({ profile, onEvent: (e) => again.push(e as PlanEvent) });
        try {
          const { runs, failures } = await second.call('runPlan', { plan, dataset, name: 'test', fresh: false });
          assertEqual(failures, [], 'failures');
          assertEqual(ofTest(runs).length, 9, 'the result is complete');
          const resumed = again.filter((e) => e.type === 'run' && e.resumed).length;
          assert(resumed >= kept, `${kept} were finished, ${resumed} were kept`);
        } finally {
          await second.close();
        }
      }),
  },
  {
    name: 'run --margin --until-decided prints the answer first, and --out holds it as a program reads it',
    run: () =>
      withFolder((folder) => {
        const out = join(folder, 'out.json');
        const done = joulewise(
          ['run', '--data', 'generated', '--task', 'rca', '--variants', 'fp32,int8', '--margin', '0.2'].concat([
            '--until-decided',
            '--slices',
            '4',
            '--limit',
            '12',
            '--out',
            out,
          ]),
          { JOULEWISE_PROFILE: join(folder, 'profile') },
        );
        assertEqual(done.code, 0, `exit code (${done.err.slice(-400)})`);
        const record = JSON.parse(readFileSync(out, 'utf8')) as Folded & {
          plan: PlanRecord;
          answer: Record<'why' | 'margin' | 'reference' | 'variant', unknown> & {
            floor: Record<string, string>;
            words: Record<string, { quality: string | null; energy: string | null }>;
          };
        };
        const { plan, answer } = record;
        assertEqual([plan.v, plan.margin, plan.untilDecided], [3, 0.2, true], 'the plan');
        assertEqual([plan.limit, plan.slices], [12, 4], 'its budget');
        assertEqual(
          Object.keys(answer).sort(),
          ['floor', 'margin', 'reference', 'variant', 'why', 'words'],
          'what the answer says',
        );
        const decision = decide(record.results, record.evidence);
        assertEqual(answer.why, answerSentence(decision), 'the sentence, as a page would say it');
        assertEqual(done.out.split('\n')[0], answer.why, 'the first line');
        assertEqual(answer.variant, decision.answer?.result.variant ?? null, 'the variant');
        assertEqual([answer.margin, answer.reference], [0.2, 'fp32'], 'margin and reference');
        assertEqual(Object.keys(answer.floor).sort(), ['fp32', 'int8'], 'variants whose floor is told');
        assertEqual(answer.words['fp32']?.quality, null, 'the reference is compared with itself');
        for (const row of decision.rows)
          assertEqual(
            [answer.floor[row.result.variant], answer.words[row.result.variant]],
            [row.floor, { quality: row.qualityWord, energy: row.energyWord }],
            `words of ${row.result.variant}`,
          );
        return Promise.resolve();
      }),
  },
  {
    name: 'run on a CSV of one’s own writes ranked variants and the baseline; bad input exits 2 with one sentence',
    run: () =>
      withFolder((folder) => {
        const env = { JOULEWISE_PROFILE: join(folder, 'profile') };
        const csv = join(folder, 'tickets.csv');
        const rows = Array.from({ length: 60 }, (_, i) =>
          i % 2
            ? `"Router ${i} lost its power feed number ${i}",power`
            : `"Fibre ${i} was cut by a digger in street ${i}",fibre`,
        );
        writeFileSync(csv, `text,cause\n${rows.join('\n')}\n`);
        const out = join(folder, 'out.json');
        const good = joulewise(['run', '--data', csv, ...TINY, '--out', out], env);
        assertEqual(good.code, 0, `exit code (${good.err.slice(-400)})`);
        const record = JSON.parse(readFileSync(out, 'utf8')) as {
          ranking: { ranked: unknown[] };
          baseline: unknown;
          runs: unknown[];
        };
        assertEqual(record.ranking.ranked.length, 2, 'ranked variants');
        assert(record.baseline !== null && record.runs.length === 6, 'baseline and runs are in the file');
        assert(/Share: http/.test(good.out), 'a share link is printed');
        const link = /Share: (\S+)/.exec(good.out)?.[1] ?? '';
        const unlinked = joulewise(['unlink', link], env);
        assertEqual(unlinked.code, 0, 'unlink');
        assert(!/Router|digger/.test(unlinked.out), 'no ticket text travels in the link');

        const broken = join(folder, 'broken.gguf');
        writeFileSync(broken, Buffer.from('GGUF\u0003\0\0\0junk'));
        const binary = join(folder, 'x.csv');
        writeFileSync(binary, Buffer.from(Array.from({ length: 4000 }, (_, i) => (i * 7919) % 256)));
        const text = join(folder, 'text.txt');
        writeFileSync(text, 'one two three');
        const cases: [string, string[]][] = [
          ['unknown command', ['fly']],
          ['unknown option', ['eval', '--speed', '9']],
          ['unknown recipe', ['eval', '--variant', 'int5', '--text-file', text]],
          ['missing file', ['eval', '--variant', 'fp32', '--text-file', join(folder, 'nowhere.txt')]],
          ['truncated GGUF', ['eval', '--checkpoint', broken, '--variant', 'fp32', '--text-file', text]],
          ['binary CSV', ['import', binary]],
          ['unknown column', ['import', csv, '--map', 'text=body']],
          ['broken link', ['unlink', 'http://localhost/r#e1.@@@@']],
          ['newer link', ['unlink', 'e9.AAAA']],
        ];
        for (const [what, args] of cases) {
          const bad = joulewise(args, env);
          assertEqual(bad.code, 2, `${what}: exit code (${bad.err.slice(0, 300)})`);
          const lines = bad.err.trim().split('\n');
          assert(
            lines.length === 1 && !/\bat \w+.*:\d+:\d+/.test(bad.err),
            `${what}: one sentence, no stack: ${bad.err.slice(0, 300)}`,
          );
        }
        return Promise.resolve();
      }),
  },
  {
    name: 'a checkpoint that computes no numbers ends eval and run with code 1 and a sentence, and names no winner',
    run: () =>
      withFolder((folder) => {
        const model = join(folder, 'model');
        cpSync(join(root, 'static', 'builtin'), model, { recursive: true });
        const weights = join(model, 'model.safetensors');
        const bytes = readFileSync(weights);
        const header = JSON.parse(bytes.subarray(8, 8 + Number(bytes.readBigUInt64LE(0))).toString()) as Record<
          string,
          { dtype: string; data_offsets: [number, number] }
        >;
        const norm = header['model.norm.weight'];
        assertEqual(norm?.dtype, 'F16', 'how the built-in weights are stored');
        bytes.writeUInt16LE(0x7c00, 8 + Number(bytes.readBigUInt64LE(0)) + (norm?.data_offsets[0] ?? 0));
        writeFileSync(weights, bytes);
        const text = join(folder, 'text.txt');
        writeFileSync(text, 'The router lost its power feed.');
        const out = join(folder, 'out.json');
        const ofModel = ['--checkpoint', model];
        for (const [what, args, sentence] of [
          ['eval', ['eval', ...ofModel, '--variant', 'fp32', '--text-file', text], /results that are not numbers/],
          [
            'run',
            ['run', ...ofModel, '--data', 'generated', ...TINY, '--out', out],
            /No variant could be measured, so there is no winner/,
          ],
        ] as const) {
          const done = joulewise([...args], { JOULEWISE_PROFILE: join(folder, 'profile') });
          assertEqual(done.code, 1, `${what}: exit code (${done.err.slice(-300)})`);
          assert(sentence.test(done.err), `${what}: what is said (${done.err.slice(-300)})`);
          assert(
            !/winner is|comes first|does it/.test(done.out),
            `${what}: no winner is named (${done.out.slice(0, 300)})`,
          );
        }
        const record = JSON.parse(readFileSync(out, 'utf8')) as { ranking: { ranked: unknown[] } };
        assertEqual(record.ranking.ranked.length, 0, 'what is ranked in the file');
        return Promise.resolve();
      }),
  },
];
