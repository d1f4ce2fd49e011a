import { problemSentence, type Problem } from '../../texts/problems';
import { describe, expect, it } from 'vitest';
import { GENERATOR_NAME } from '../../data/generator';
import { checkPlan, listedMembers, slicesOf } from '../../plan/units';
import { Plan } from '../../schema/plan';
import { parseRecord } from '../../schema/record';
import { buildPlan } from './build-plan';
import { countRuns, DEFAULT_CHOICES, GENERATED, problemOf, stagesOf } from './choices';
import { choicesOf, parseExtra, PRUNING_CHIPS, tunable } from './recipes';

const dataset = { hash: 'h', name: 'tickets' };
const plan = (more = {}) => buildPlan({ ...DEFAULT_CHOICES, ...more }, dataset, { kind: 'builtin' }, 'ort-cpu');

describe('choices', () => {
  it('names generated tickets as the generator does', () => {
    expect(GENERATED.name).toBe(GENERATOR_NAME);
  });

  it('builds a valid plan from the defaults', () => {
    expect(parseRecord(Plan, plan())).toEqual(plan());
    expect(() => checkPlan(plan())).not.toThrow();
  });

  it('crosses precisions with prunings in one stage', () => {
    const c = {
      ...DEFAULT_CHOICES,
      twoStage: false,
      precisions: ['fp16', 'int8'] as never,
      prunings: ['2:4', 'ffn50'],
    };
    expect(stagesOf(c)).toEqual([
      { kind: 'variants', variants: ['fp16', 'int8', 'fp16+2:4', 'fp16+ffn50', 'int8+2:4', 'int8+ffn50'] },
    ]);
  });

  it('lists further variants that are pruned behind the best, which are chosen among whole ones', () => {
    const c = { ...DEFAULT_CHOICES, prunings: ['ffn25'], k: 1, extra: ['fp16+2:4', 'int4.gptq'] };
    expect(stagesOf(c)).toEqual([
      { kind: 'variants', variants: [...DEFAULT_CHOICES.precisions, 'int4.gptq'] },
      { kind: 'best', k: 1, prunings: ['ffn25'] },
      { kind: 'variants', variants: ['fp16+2:4'] },
    ]);
    expect(stagesOf({ ...c, precisions: [], extra: ['fp16+2:4'] })).toHaveLength(1);
  });

  it('has one stage where no pruning is chosen', () => {
    expect(stagesOf({ ...DEFAULT_CHOICES, prunings: [] })).toHaveLength(1);
  });

  it('gives the same plan back from a plan', () => {
    for (const more of [{}, { extra: ['int4+ffn75'], w: 0.3, threads: 2 }, { twoStage: false }]) {
      const original = plan(more);
      const { choices, lost } = choicesOf(original);
      expect(lost).toEqual([]);
      expect(buildPlan(choices, dataset, { kind: 'builtin' }, 'ort-cpu').stages).toEqual(original.stages);
      expect(choices.w).toBe(original.w);
    }
  });

  it('says so where a plan has stages that the cards lack', () => {
    const two = { ...plan(), stages: [...plan().stages, { kind: 'best' as const, k: 1, prunings: ['mag50'] }] };
    expect(choicesOf(two).lost).toHaveLength(1);
  });

  it('reads recipes written by hand and refuses others with a sentence', () => {
    expect(parseExtra(' INT8+ffn50, int8+ffn50 fp16+2:4 ')).toEqual(['int8+ffn50', 'fp16+2:4']);
    expect(() => parseExtra('int9')).toThrow(/not known/);
  });

  it('sets up fine-tuned precisions beside the others, prunes both, and finds them again in a plan', () => {
    const tuned = plan({ tuned: ['int8', 'int4'], extra: ['int4.gptq+lora16.50steps', 'int8+ffn25+lora8'] });
    expect(tuned.stages).toEqual([
      {
        kind: 'variants',
        variants: ['fp32', 'fp16', 'int8', 'int4', 'int8+lora8', 'int4+lora8', 'int4.gptq+lora16.50steps'],
      },
      { kind: 'best', k: 2, prunings: ['2:4', 'mag50', 'ffn25'] },
      { kind: 'variants', variants: ['int8+ffn25+lora8'] },
    ]);
    const { choices, lost } = choicesOf(tuned);
    expect(lost).toEqual([]);
    expect(choices.tuned).toEqual(['int8', 'int4']);
    expect(plan(choices).stages).toEqual(tuned.stages);
    const crossed = plan({ tuned: ['int8'], precisions: [], prunings: ['2:4'], twoStage: false });
    expect(listedMembers(crossed).map(({ variant }) => variant)).toEqual(['int8+lora8', 'int8+2:4+lora8', 'tf-idf']);
  });

  it('offers to fine-tune what an engine can answer with', () => {
    expect(tunable('cpu')).toEqual(['fp32', 'fp16', 'int8', 'int4']);
    expect(tunable('ort-gpu')).toEqual(['fp32', 'fp16', 'int8', 'int4']);
    // The prototype merges adapters, which rounding would change.
    expect(tunable('wgsl')).toEqual(['fp32', 'fp16']);
  });

  it('counts runs as the plan makes them', () => {
    const c = { ...DEFAULT_CHOICES, prunings: [] };
    const p = plan({ prunings: [] });
    expect(countRuns(c).runs).toBe(listedMembers(p).length * p.tasks.length * slicesOf(p));
    expect(countRuns(DEFAULT_CHOICES)).toEqual({ variants: 11, slices: 9, runs: 198, atMost: true });
  });

  it('finds what cannot be run', () => {
    expect(problemOf(DEFAULT_CHOICES)).toBeNull();
    for (const bad of [{ tasks: [] }, { precisions: [] }, { limit: 0 }, { slices: 1.5 }, { threads: 0 }, { k: NaN }])
      expect(problemSentence(problemOf({ ...DEFAULT_CHOICES, ...bad }) as Problem)).toMatch(/\.$/);
  });

  it('offers only prunings that recipes know', () => {
    for (const part of PRUNING_CHIPS) expect(() => parseExtra(`fp16+${part}`)).not.toThrow();
  });

  it('refuses a prompt without places for what it is about, and lets plans without own prompts be as ever', () => {
    const own = (user: string) => ({ title: 't', system: '', user });
    const choices = { ...structuredClone(DEFAULT_CHOICES), tasks: ['rca' as const] };
    const problem = (user: string) => {
      const found = problemOf({ ...choices, templates: { rca: own(user) } });
      return found && problemSentence(found);
    };
    expect(problem('{text} {causes}')).toBeNull();
    expect(problem('{causes}')).toMatch(/\{text\}/);
    expect(problem('{text}')).toMatch(/\{causes\}/);
    const plan = (more: object) =>
      buildPlan({ ...choices, ...more }, { hash: 'h', name: 'n' }, { kind: 'builtin' }, 'cpu');
    expect('templates' in plan({})).toBe(false);
    // A prompt of a task that is not run names no other plan.
    expect(plan({ templates: { response: own('{text}') } })).toEqual(plan({}));
    expect(plan({ templates: { rca: own('{text} {causes}') } }).templates).toEqual({ rca: own('{text} {causes}') });
  });
});
