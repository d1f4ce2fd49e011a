import { describe, expect, it } from 'vitest';
import { exampleResult } from '../rank/example';
import { examplePage, pageTasks } from './example-page';
import { exportId, modelCard, readme, type ExportFacts } from './export';

const facts = (more: Partial<ExportFacts> = {}): ExportFacts => ({
  id: 'SmolLM2-135M-int8',
  result: exampleResult({ variant: 'int8', metrics: { 'rca.accuracy': { mid: 0.7, low: 0.6, high: 0.8, n: 100 } } }),
  checkpoint: 'SmolLM2-135M',
  dataset: 'tickets',
  device: { name: 'a laptop', profile: 'cpu-laptop', browser: 'Chrome 150' },
  measuredAt: '2026-01-01',
  kernel: '8-bit blocks',
  dtype: 'q8',
  dataBytes: 1_000_000,
  versions: { joulewise: '0.1.0', '@huggingface/transformers': '4.3.1' },
  tasks: pageTasks(['rca', 'response'], undefined, ['power', 'radio'], 64),
  ...more,
});

describe('what lies beside an exported variant', () => {
  it('says each figure with tier, boundary and interval, and "estimated" where no meter was read', () => {
    const card = modelCard(facts());
    expect(card).toContain('| Joules per ticket, estimated (95 % over slices) | 1.00 J (0.900 to 1.10) |');
    expect(card).toContain('| Source of energy | profile, boundary package, cpu-laptop |');
    expect(card).toContain('| rca.accuracy | 0.700 (0.600 to 0.800) |');
    const counted = modelCard(facts({ result: exampleResult({ tier: 'counter' }) }));
    expect(counted).toContain('Joules per ticket, measured');
    expect(counted).not.toContain('estimated');
  });

  it('says unknown, never 0', () => {
    const card = modelCard(
      facts({
        result: exampleResult({
          energy: null,
          deviceRange: null,
          quality: null,
          latency: null,
          storedBytes: null,
          sparsity: null,
        }),
      }),
    );
    expect(card.match(/\| unknown \|/g)?.length).toBeGreaterThanOrEqual(6);
    expect(card).not.toMatch(/\| 0 /);
  });

  it('lets no name of others become markup', () => {
    const hostile = facts({ checkpoint: '<img src=x>|[a](b)', dataset: 'x\n# heading | cell' });
    for (const text of [modelCard(hostile), readme(hostile)]) {
      expect(text).not.toMatch(/[^\\]<img/);
      expect(text).not.toMatch(/\n# heading/);
    }
    expect(exportId('../<b>model</b>', 'int8+2:4')).toBe('b-model-b-int8-2-4');
    expect(exportId('///', '')).toBe('model');
  });

  it('runs the model from its own folder, for every task, and asks no other host', () => {
    const own = { response: { title: '</script><b>Mine', system: 'Be brief.', user: 'Fault: {text}' } };
    const tasks = pageTasks(['rca', 'response'], own, ['power', 'radio link'], 32);
    const page = examplePage({ id: 'x', dtype: 'q8', tasks });
    expect(page).toContain("dtype: 'q8'");
    // No address but relative ones: not in a script, style, link or import.
    expect(page).not.toMatch(/https?:/);
    expect(page).toContain("from './runtime/transformers.min.js'");
    const json = /<script type="application\/json" id="tasks">(.*?)<\/script>/.exec(page)?.[1] ?? '';
    expect(JSON.parse(json)).toEqual(tasks);
    const [rca, response] = tasks;
    expect(rca).toMatchObject({ causes: ['power', 'radio link'] });
    expect(rca?.messages[1]?.content).toBe('Causes: power; radio link\nTicket: {text}\nWhich cause?');
    expect(response).toMatchObject({ title: own.response.title, causes: null, maxNewTokens: 32 });
    expect(response?.messages).toEqual([
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'Fault: {text}' },
    ]);
    expect(readme(facts())).toContain('It does root cause analysis and response.');
  });
});
