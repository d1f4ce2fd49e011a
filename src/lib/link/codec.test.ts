import { deflateRawSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalJson, type Json } from '../core/canonical';
import { JoulewiseError } from '../core/errors';
import { createRandom } from '../core/random';
import { exampleOutcome, exampleReading, exampleRun } from '../rank/example';
import { foldRuns } from '../rank/fold';
import type { PlanRecord } from '../schema/plan';
import { pairsToText, toText } from '../core/log-bytes';
import type { Evidence, SharedRecipeRecord, VariantResult } from '../schema/result';
import type { TaskName } from '../schema/run';
import { METRICS } from '../score/metrics';
import {
  decodeLink,
  encodeLink,
  encodeShort,
  openedResults,
  roundResult,
  toRecipe,
  toShared,
  type SharedMeta,
} from './codec';
import { shorten, restore } from './shorten';

const meta: SharedMeta = {
  createdAt: '2026-11-23T18:00:00.000Z',
  device: { name: 'Framework laptop', profile: 'amd-radeon-780m', browser: 'Chrome 156' },
  checkpoint: 'HuggingFaceTB/SmolLM2-135M-Instruct@main',
  dataset: 'Fault tickets, generated',
  tasks: ['rca', 'response'],
  w: 0.5,
  evidence: null,
};

const PRECISIONS = ['fp32', 'fp16', 'int8', 'int4'];
const PRUNINGS = ['', '+ffn25', '+2:4'];

/** Twelve variants with all metrics of two tasks, every number with all its digits. */
function twelveVariants(tasks: readonly string[] = meta.tasks): VariantResult[] {
  const random = createRandom('twelve');
  const estimate = (mid: number, width: number, n: number) => ({
    mid,
    low: mid * (1 - width * (0.5 + random.next())),
    high: mid * (1 + width * (0.5 + random.next())),
    n,
  });
  return PRECISIONS.flatMap((precision, p) =>
    PRUNINGS.map((pruning, k): VariantResult => {
      const energy = 0.2 + random.next();
      return {
        variant: precision + pruning,
        stage: k === 0 ? 0 : 1,
        engine: 'cpu',
        kernel: `stored ${[32, 16, 8, 4][p]}-bit, computed ${p < 2 ? '32-bit' : 'int8 per token'} (WASM)`,
        energy: estimate(energy, 0.05, 5),
        taskShare: Object.fromEntries(tasks.slice(1).map((task) => [task, Number(random.next().toFixed(2))])),
        deviceRange: { low: 0.4, high: 2.7 - k / 10 },
        tier: 'profile',
        boundary: 'package',
        latency: estimate(0.3 + random.next(), 0.04, 5),
        quality: estimate(0.5 + random.next() / 4, 0.06, 100),
        metrics: Object.fromEntries(
          // Of metrics that stand for each other a run states one.
          METRICS.filter(({ task, insteadOf }) => tasks.includes(task) && insteadOf === undefined).map(
            ({ task, name, range }) => [
              `${task}.${name}`,
              estimate((Number.isFinite(range[1]) ? range[1] : 4) * (0.3 + random.next() / 2), 0.07, 100),
            ],
          ),
        ),
        storedBytes: 70_000_000 + random.int(460_000_000),
        computedBytes: 70_000_000 + random.int(460_000_000),
        sparsity: k === 2 ? 0.5 : 0,
        tickets: 100,
        slices: 9,
        fallbacks: precision === 'fp16' ? ['16-bit arithmetic is missing here: stored 16-bit, computed 32-bit.'] : [],
      };
    }),
  );
}

/** What twelve variants' comparisons rest on, as random as measurements are. */
function twelveEvidence(tasks: readonly TaskName[]): Evidence {
  const random = createRandom('evidence');
  const n = 12;
  const [two, three] = [2, 3].map((places) => (x: number) => Number(x.toFixed(places))) as [
    (x: number) => number,
    (x: number) => number,
  ];
  const variants = Array.from({ length: n }, (_, i) => i);
  const pairs = (scale: number) => pairsToText(n, () => scale * (0.5 + random.next()));
  return {
    reference: 0,
    margin: 0.05,
    slices: 9,
    df: 88,
    work: toText(variants.map((i) => (i % 3 === 2 ? i - 2 : i))),
    energySd: pairs(0.02),
    energyHalf: toText(variants.map(() => 100 + random.int(30))),
    qualitySd: pairs(0.015),
    critical: { energy: 3.574, quality: 2.81 },
    share: toText(variants.map((i) => (i < 3 ? 30 : 0))),
    floors: tasks.map((task) => ({
      task,
      tickets: 72,
      always: task === 'rca' ? 0.0803 : null,
      chance: task === 'rca' ? 0.125 : null,
      rows: variants.map((i) => {
        const quality = 0.7 + 0.1 * random.next();
        return {
          low: i === 0 ? null : three(-0.04 * random.next()),
          above: task === 'rca' ? two(quality - 0.08 - 0.05 * random.next()) : null,
        };
      }),
    })),
    disturbed: { slices: 3, of: 198 },
    stopped: [],
  };
}

const recipe: SharedRecipeRecord = {
  v: 3,
  kind: 'recipe',
  checkpoint: { kind: 'hub', repo: 'HuggingFaceTB/SmolLM2-135M-Instruct', revision: 'main' },
  plan: {
    dataset: { hash: 'ab'.repeat(32), name: 'Fault tickets, generated' },
    tasks: ['rca', 'response'],
    stages: [
      { kind: 'variants', variants: PRECISIONS },
      { kind: 'best', k: 2, prunings: ['2:4', 'ffn25'] },
    ],
    baseline: true,
    engine: 'cpu',
    threads: null,
    // What version 1 said as 100 tickets, 5 repeats.
    limit: 500,
    slices: 9,
    margin: 0.05,
    maxNewTokens: 48,
    seed: 1234567891,
    w: 0.5,
    profile: null,
  },
};

const codeOf = async (text: string): Promise<string> => {
  try {
    await decodeLink(text);
    return 'decoded';
  } catch (error) {
    if (error instanceof JoulewiseError) return error.code;
    throw error;
  }
};

const linkOf = (json: string) => `e3.${deflateRawSync(json).toString('base64url')}`;

describe('links', () => {
  it.each<[TaskName[]]>([[['rca', 'response']], [['rca', 'summary']], [['rca', 'response', 'summary']]])(
    'carry twelve variants with all metrics of %j in a short text',
    async (tasks) => {
      const shared = toShared(twelveVariants(tasks), { ...meta, tasks, evidence: twelveEvidence(tasks) });
      const link = await encodeLink(shared);
      console.info(`share: 12 variants, ${tasks.join(' and ')}: ${link.length} characters`);
      expect(await decodeLink(link)).toEqual(roundResult(shared));
      // Three tasks have half as many metrics again; a link to them leaves those behind that do not count.
      if (tasks.length < 3) expect(link.length).toBeLessThan(2000);
    },
  );
  it('leave metrics behind where they would be too long, and say which', async () => {
    const shared = toShared(twelveVariants(['rca', 'response']), { ...meta, tasks: ['rca', 'response'] });
    const whole = await encodeLink(shared);
    expect(await encodeShort(shared, whole.length)).toEqual({ link: whole, metrics: 'all' });
    const short = await encodeShort(shared, whole.length - 1);
    expect(short.metrics).toBe('counted');
    const read = await decodeLink(short.link);
    expect(read.kind === 'result' && Object.keys(read.variants[0]?.metrics ?? {}).sort()).toEqual(
      ['rca.accuracy', 'rca.macroF1', 'response.chrf', 'response.rougeL'].sort(),
    );
    expect(await encodeShort(shared, 10)).toEqual({ link: whole, metrics: 'all' });
  });
  it('carry a recipe exactly, in a shorter one', async () => {
    const link = await encodeLink(recipe);
    expect(await decodeLink(link)).toEqual(recipe);
    expect(link.length).toBeLessThan(400);
  });
  it('are read from a URL, a fragment, or bare, and are equal for equal records', async () => {
    const link = await encodeLink(recipe);
    for (const text of [`https://example.org/r#${link}`, `#${link}`, `  ${link}\n`])
      expect(await decodeLink(text)).toEqual(recipe);
    expect(await encodeLink(structuredClone(recipe))).toBe(link);
  });
  it('round-trip every record', async () => {
    const text = fc.string({ unit: 'grapheme', maxLength: 30 });
    const number = fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e9, max: 1e9 });
    const count = fc.nat(1e9);
    const nullable = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: null });
    const estimate = fc.record({ mid: number, low: nullable(number), high: nullable(number), n: count });
    const variant: fc.Arbitrary<VariantResult> = fc.record({
      variant: text,
      stage: fc.nat(3),
      engine: text,
      kernel: text,
      energy: nullable(estimate),
      taskShare: fc.dictionary(fc.constantFrom('rca', 'response'), number, { noNullPrototype: true }),
      deviceRange: nullable(fc.record({ low: number, high: number })),
      tier: fc.constantFrom('wall', 'counter', 'profile'),
      boundary: fc.constantFrom('gpu', 'system'),
      latency: nullable(estimate),
      quality: nullable(estimate),
      metrics: fc.dictionary(fc.oneof(text, fc.constantFrom('rca.accuracy', '_', '#', '=', 'c', 'a')), estimate, {
        maxKeys: 4,
      }),
      storedBytes: nullable(count),
      computedBytes: nullable(count),
      sparsity: nullable(number),
      tickets: count,
      slices: count,
      fallbacks: fc.array(text, { maxLength: 3 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(variant, { maxLength: 5 }), number, async (variants, w) => {
        const shared = toShared(variants, { ...meta, w });
        expect(await decodeLink(await encodeLink(shared))).toEqual(roundResult(shared));
      }),
      { numRuns: 150 },
    );
  });
  it('say of folded runs what is seen where they ran', async () => {
    const runs = [0, 1, 2].flatMap((slice) =>
      ['int4', 'int8'].map((variant, i) =>
        exampleRun({
          variant,
          slice,
          block: slice,
          phases: [exampleReading('decode', 1.23456 + i * 1e-4 + slice * 0.0123)],
        }),
      ),
    );
    const { results, evidence } = foldRuns(runs);
    const shared = toShared(results, { ...meta, evidence });
    const read = await decodeLink(await encodeLink(shared));
    expect(read.kind === 'result' && read.variants).toEqual(shared.variants);
  });
  it('lose less than 0.5 % of a value, and less than a tenth of an interval', () => {
    const shared = toShared(twelveVariants(), meta);
    const rounded = roundResult(shared);
    shared.variants.forEach((variant, i) => {
      const [before, after] = [variant.energy, rounded.variants[i]?.energy];
      if (!before || !after) throw new Error('no energy');
      expect(Math.abs(after.mid / before.mid - 1)).toBeLessThan(5e-3);
      const width = (e: typeof before) => (e.high ?? NaN) - (e.low ?? NaN);
      expect(Math.abs(width(after) / width(before) - 1)).toBeLessThan(0.1);
    });
  });
  it('hold no ticket, prompt or output', async () => {
    const secret = 'SECRET-4711';
    const tickets = [1, 2, 3].map((i) => exampleOutcome(`${secret}-${i}`, `${secret} cause`, `${secret} output`));
    const run = exampleRun({ tickets, causes: [`${secret} cause`] });
    const link = await encodeLink(
      toShared(foldRuns([run, { ...run, task: 'response' }]).results, {
        ...meta,
        evidence: foldRuns([run, { ...run, task: 'response' }]).evidence,
      }),
    );
    expect(canonicalJson(await decodeLink(link))).not.toContain(secret);
    // A caller that hands over more than the schema has does not leak it either.
    const more = [{ ...twelveVariants()[0], prompt: secret }] as unknown as VariantResult[];
    expect(canonicalJson(await decodeLink(await encodeLink(toShared(more, meta))))).not.toContain(secret);
  });
  it('leave prompts of one’s own behind unless they are asked for, and say so', async () => {
    const own = { title: 'Secret title', system: 'secret system', user: 'secret words {text}' };
    const stored: PlanRecord = { ...recipe.plan, v: 3, checkpoint: recipe.checkpoint, templates: { response: own } };
    const opened = async (prompts: boolean) => decodeLink(await encodeLink(toRecipe(stored, { prompts })));
    const without = await opened(false);
    expect(canonicalJson(without)).not.toMatch(/secret/i);
    expect(without).toMatchObject({ kind: 'recipe', withheld: ['response'] });
    expect(await opened(true)).toMatchObject({ plan: { templates: { response: own } } });
    expect(toRecipe({ ...stored, templates: undefined }, { prompts: false })).not.toHaveProperty('withheld');
  });

  it('clip long names rather than fail', () => {
    const [first] = twelveVariants();
    const shared = toShared(first ? [{ ...first, kernel: 'k'.repeat(5000) }] : [], {
      ...meta,
      dataset: 'd'.repeat(5000),
    });
    expect(shared.dataset).toHaveLength(200);
    expect(shared.variants[0]?.kernel).toHaveLength(500);
  });
  it('keep markup as the text it is', async () => {
    const name = '<img src=x onerror=alert(1)>';
    const back = await decodeLink(await encodeLink(toShared([], { ...meta, checkpoint: name })));
    expect(back).toMatchObject({ checkpoint: name });
  });
});

describe('frozen links of codec e1, schema 1', () => {
  it('still open', async () => {
    expect(
      await decodeLink(
        'e1.HY7LasMwFAV_pcy2l5C4eXGWWWTfQiEPvJCNQhQL1zhSN8b_HpTtGTgzE99o4oC-jF90nWgQ_24Mrk9PjIiu3IbVFiP0af9ZaU0918YJpTF744wq44KqpeEcWu8N16CdcUN9jtEIxfODCjA84uhyTB8ptJ1PT2bjUVRj66iNDi0XG-MP0Q65YIdW9s4bfRsGj3Evp2Vpcogp9MzzCw',
      ),
    ).toMatchObject({
      kind: 'recipe',
      checkpoint: { kind: 'builtin' },
      plan: { stages: [{ variants: ['fp16', 'int8+2:4'] }], seed: 7, w: 0.5, threads: 2 },
    });
    expect(
      await decodeLink(
        'e1.bZFNT4NAEIb_Cnm9aDKQXazUTOKhftWLJw8eCAcKtNbSstLFL7L-djOUVpp42ezMPvPOvLMtUrAmzMCoi21TWhAyMEIVRr7SvtIg5OAWBRg5CHMwMtP4ZWpsZUBYgDdNWTrCizyBsARDhF7BMeosRUJYgVVwQShF6wQcdn1aTOS4AmulHOG6jy4c4aa_x4kjrEVqbnQk8hs7EslND0hh1d9lNDiC2cdbW9VF7unIny0teVm1No0tcu88lIR3-jx5ejyTijepUOBYJ_1o08EwP-DY1xRrlZAQsU4S5wh1z7S4FYMjwl230HtwGIRCbPeTmLqaL8tCetlDLs1W6aLLNUMlWehAahdOwVoU3497Rh2ognGHquByRyol7IdgnZsHOfz__O1Wv3c4HhoUic8_TLiv4_D78AnOuV8',
      ),
    ).toMatchObject({
      kind: 'result',
      variants: [
        { variant: 'fp16', energy: { mid: 1 }, slices: 5, metrics: { 'rca.accuracy': { low: 0.6, n: 100 } } },
        { variant: 'int4', energy: null, metrics: {} },
      ],
    });
  });
});

describe('frozen links of codec e3, schema 3', () => {
  it('still open, and decide as they did', async () => {
    const shared = await decodeLink(
      'e3.hVNdb9pAEPwrdFqpRVqs8zl8aKU-GAJJ2kZqVapWsXi4GJNQDHbAJgR0_e3VXmwkeImExO7e7OzsLBxgwAHBlOADTAhGvFIgmD4Yu1CiARhf-s8SXoKjA0KwJpghGOvYSH0EVt6F3yWYKwnbBHMtjO8dNJZQeldlmlJLed1uZ0IwN1L_DJZKz1prpfjVKfkGVgSTgZUlmFtwJI8_5PEJHHh-WxO2YO3poGNfoR2C2b42PosMJTp2YPl6ASMMh6J2L1uGsIR7WSHZlGkBpxJa6U7L91u6N1aK3ecOhKmMTcC4TLbzOAFhJhx52UpNXmQ5CA9gDB7X2TJp-G0l5I9gLLNpkoIwB6OYx4uk2IDwFxw56yaEReVXemZXWHmjLWFQxdGkWtRlbuu8Sg5Wsqc6E7cd7UgYLGEpI2d5oEXMqujJ6FWFFodrUllKxNe82BTZOpk2_E7rfl5QI86WeVkk00agpdD49Dv8eduUDje7vrTrlWtbwlDSf2A0x_t347I_aP66k4bRKezquJbo3dTz83U2m6eJNBTHmokX5sHVyjenfoy86EPzz_c3R25PzHMM1Y96BPYd2ln5fMRdn4HbJ1DCzdl7EASnZJawq--s5AwvVXbhsn19IE-35e_xHw',
    );
    if (shared.kind !== 'result') throw new Error(shared.kind);
    expect(shared.evidence).toMatchObject({
      reference: 0,
      slices: 6,
      df: 5,
      critical: { energy: 3.152, quality: 2.236 },
    });
    expect(openedResults(shared).map(({ variant, energy }) => [variant, energy?.mid])).toEqual([
      ['fp32', 1.025],
      ['int8', 0.5175],
    ]);
  });
});

describe('frozen links of codec e2, schema 1', () => {
  it('still open', async () => {
    expect(
      await decodeLink(
        'e2.fZJ9U9pAEMa_SrIEBDxiEiBNrziDOFKk4PTAVitD7ZlcQiRv5kWxmH72zgWwztjhn0x2b3_7PHt7a6CAVQR3gCFmSealgMAEDJqi6Q1VbWjNS9XAioIVRVYU5QYQWIDXwABDP6Y-ewrjpeDRKA0jQGADBupbjZhaLAwaHwzFBwQOYDhdxKHPBLWtQ45gARgGmeO4gdOnJrvsHU390BuNtYbabI8b50GSxpmZdn3qBoDA5Wo081Ihdc0lSxMkOCxgMU2ZBQjuAc8gyXyfxs8wR7AErMhtBB53WgLcLGZawwn_HANWFSVH0NtG7RzB6fZ_BqreuHNTgcZuuvBZ6pqCmwi-myRu4AgLFjMsJGkYM0vYVCLBDP0oS5klNDWekGGeI_B5LztSdX4pkaof2nagtXeBhlvcZ8BV_wAGUayU-bWEWxtgRhmPo128X1KoXp1MxzVOPHBCATxT59uhP78Zk2sdWP1BmQ0rEtEqEuQ5gvgd869uNsSlYdwlGkJFbbJzFMWh7XqMa6avOWouqVPkMp77v76LPL1caa2-kgppla7KRO7fjormj--gzaYKbKF8a0nDyZLUSV3qMGJ0jGZBPb1S1NzX4GePIVE8Ws5JfaKJhy8EEVk8tose1NpHUmleFw8_XpOqLHVG5EI6m20oto9y9R-avOiZpEU64pNMNFIVx_4GtPeApVs0U-RBrT4ySufDwfXWobMXGc4Gn4KF0yda-UuNVLs1bUMt9jkkv2RPEkVjdTY1JkhcnU6N6UX58QDynMOr3VOoX19p95kurx_025cLvt7n3REiN10yqYql73ax999v31JhTZQ3_f4C',
      ),
    ).toMatchObject({
      kind: 'result',
      tasks: ['summary'],
      variants: [
        {
          variant: 'fp16',
          energy: { mid: 0.473, low: 0.452, high: 0.505, n: 5 },
          deviceRange: { low: 0.4, high: 2.7 },
          metrics: { 'summary.rouge1': { mid: 0.315, low: 0.288, high: 0.346, n: 100 } },
          storedBytes: 191_900_000,
        },
        { variant: 'fp16+ffn25', energy: null, deviceRange: null, sparsity: null, storedBytes: 359_200_000 },
        { variant: 'fp16+2:4', energy: { mid: 0.455, low: 0.435, high: 0.486, n: 5 }, sparsity: 0.5 },
      ],
    });
    expect(
      await decodeLink(
        'e2.pZBNT8JAEIb_inm8DkoLRZwjB6OJHhT8JI3Z1gUrZWnarTEh_e9mIXDwajbZnZ2888w7s-Ue3TJBE-ExhKdoLOQhfApXD533U6FE53NiHSIsFi5OSNNOeP6riUM2Q-d8m7owzjcImW08e8FeHR2Ji2oQB2QVjRAK58f7Zxj4XSe8oL5urfCKurYshTc06vcFY9DhWDAZGsWDYTK6GF9GgilCm_faNtXGNTZ8zBfKDMGsUIIlU6Jsvf3xHaHN4kDfFT-gmOx_B8GiXJm29Ce-yFfWN3KytM7WxtsPOuEr7KnODcLRbSqs0P5ZImxQ8qoNSoOGydaHgnS3ZGqbF5VF-AyupyjX7XJZuOWVye1scj5db8rbu7gXDZK73o1rfN3mHmGGsjaFY4_5bDO67hc',
      ),
    ).toEqual({
      ...recipe,
      withheld: ['rca'],
      plan: { ...recipe.plan, templates: { response: { title: 'T', system: 's', user: '{text}' } } },
    });
  });
});

describe('bad links', () => {
  it('are refused with a code and a sentence', async () => {
    const link = await encodeLink(recipe);
    const cases: [string, string][] = [
      ['', 'link.invalid'],
      ['https://example.org/', 'link.invalid'],
      ['e1.', 'link.invalid'],
      ['e1.ab+/', 'link.invalid'],
      ['e1.AAAAA', 'link.invalid'],
      [link.slice(0, -20), 'link.invalid'],
      [`e4.${link.slice(3)}`, 'link.newer'],
      [`e1.${'A'.repeat(70_000)}`, 'link.too-large'],
      [linkOf('{"v":1'), 'link.invalid'],
      [linkOf('null'), 'link.invalid'],
      [linkOf('[]'), 'link.invalid'],
      [linkOf(canonicalJson(shorten({ v: 1, kind: 'song' }))), 'link.invalid'],
      [linkOf(canonicalJson(shorten({ v: 5, kind: 'result' }))), 'link.newer'],
      [linkOf(canonicalJson(shorten({ v: 1, kind: 'result' }))), 'record.invalid'],
      [linkOf(canonicalJson(shorten({ kind: 'result' }))), 'record.invalid'],
      [linkOf('{"unknownkey":1}'), 'link.invalid'],
      [linkOf('{"a":1e999}'), 'link.invalid'],
      [linkOf('{"___proto__":{"x":1},"b":"result","a":1}'), 'record.invalid'],
    ];
    for (const [text, code] of cases)
      expect([text.slice(0, 40), await codeOf(text)]).toEqual([text.slice(0, 40), code]);
  });

  it('cannot fill memory or the stack', async () => {
    const bombs: [string, string][] = [
      // 40 MB of spaces in 40 kB.
      [' '.repeat(40_000_000), 'link.too-large'],
      ['['.repeat(500_000) + ']'.repeat(500_000), 'link.invalid'],
      ['"' + '\\"'.repeat(500_000), 'link.invalid'],
      // A table of a thousand rows, each a table of a thousand rows, each ...
      [`{"a":${'{"#":1000,"c":{"a":{"=":'.repeat(10)}1${'}}}'.repeat(10)}}`, 'link.invalid'],
      ['{"#":1e9,"c":{"a":{"=":1}}}', 'link.invalid'],
    ];
    for (const [json, code] of bombs) {
      const link = linkOf(json);
      expect(link.length).toBeLessThan(64 * 1024);
      expect(await codeOf(link)).toBe(code);
    }
  });

  it('give a valid record or one of our errors after any mutation', async () => {
    const links = [await encodeLink(recipe), await encodeLink(toShared(twelveVariants(), meta))];
    const random = createRandom('mutations');
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.#%=é';
    const mutateText = (text: string) => {
      const at = random.int(text.length);
      const by = random.pick([...alphabet]);
      return random.pick([
        text.slice(0, at) + by + text.slice(at + 1),
        text.slice(0, at) + text.slice(at + 1),
        text.slice(0, at),
        text.slice(at),
        text.slice(0, at) + text.slice(at).repeat(2),
      ]);
    };
    // Most mutations of compressed text die in inflate; these reach the layout and the schema.
    const jsons = [recipe, toShared(twelveVariants(), meta)].map((record) =>
      canonicalJson(shorten(record as unknown as Json)),
    );
    const mutateJson = (json: string) => {
      const at = random.int(json.length);
      return linkOf(
        json.slice(0, at) +
          random.pick([...'0123456789"{}[]:,-=#abcln_ e', '1e999', 'null', '[]', '{"=":0}']) +
          json.slice(at + random.int(3)),
      );
    };
    const seen: Record<string, number> = {};
    for (let i = 0; i < 3000; i++) {
      const text = i % 2 ? mutateText(random.pick(links)) : mutateJson(random.pick(jsons));
      const code = await codeOf(text);
      seen[code] = (seen[code] ?? 0) + 1;
    }
    console.info('share: 3,000 mutations:', seen);
    for (const code of Object.keys(seen)) expect(code).toMatch(/^(decoded|link\.|record\.)/);
  });
});

describe('pack', () => {
  it('is reversed by unpack for any JSON', () => {
    const key = fc.oneof(
      fc.string({ maxLength: 3 }),
      fc.constantFrom('v', 'a', 'c', '#', '=', '_', '0', '-', 'l', '__proto__'),
    );
    const number = fc.oneof(
      fc.constantFrom(0, 0.5, 1200, 1e-300, 5e-324, 1.7e308),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
    );
    const interval = fc.record({ low: number, mid: number, high: number });
    const leaf = fc.oneof(fc.constantFrom<Json>(null, true, 0, 1.5, '', 'x'), number, interval);
    const { json } = fc.letrec<{ json: Json }>((tie) => ({
      json: fc.oneof(
        { depthSize: 'small', maxDepth: 5 },
        leaf,
        fc.array(tie('json'), { maxLength: 4 }),
        fc.dictionary(key, tie('json'), { maxKeys: 4, noNullPrototype: true }),
      ),
    }));
    fc.assert(
      fc.property(json, (value) => {
        expect(canonicalJson(restore(shorten(value)))).toBe(canonicalJson(value));
      }),
      { numRuns: 2000 },
    );
  });
});
