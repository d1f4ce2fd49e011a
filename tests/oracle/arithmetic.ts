#!/usr/bin/env -S npx tsx
/**
 * What arithmetic in int8 does to the gradients of a model whose weights have 8 or 4 bits, beside float32 arithmetic over
 * the same weights, and how long a pass takes, by our own engine in Node (one thread):
 *
 *     npx tsx tests/oracle/arithmetic.ts MODEL.gguf TICKETS.csv text=..,target=.. [recipe] [rows]
 *
 * Prints the cosine of the whole gradient and the least of one part's (A or B of a linear layer), with an adapter whose B
 * is not 0 any more.
 */
import { createRandom } from '../../src/lib/core/random';
import { openGradients } from '../../src/lib/gradient/pass';
import { cosine } from '../../src/lib/gradient/testing';
import { nodeMatrix } from '../../src/lib/matrix/testing';
import { passesOf } from '../../src/lib/tune/examples';
import { newAdapter } from '../../src/lib/tune/lora';
import { openLessons } from './lessons';

const [model, tickets, map, recipe = 'int8', rows = '256'] = process.argv.slice(2);
if (!model || !tickets || !map) throw new Error('MODEL.gguf TICKETS.csv MAPPING [recipe] [rows]');
const { frozen, lora, examples } = await openLessons(model, tickets, map, recipe, 40);
const passes = passesOf(examples, Number(rows)).slice(0, 3);
const random = createRandom(5);
const adapter = newAdapter(lora, 1).map((x) => x || 0.01 * random.normal());
const made = [];
for (const arithmetic of ['fp32', 'int8'] as const) {
  const m = await nodeMatrix();
  const gradients = openGradients(m, frozen, lora, arithmetic);
  gradients.setNumbers(adapter);
  const times: number[] = [];
  let loss = 0;
  for (let round = 0; round < 3; round++) {
    gradients.takeGradient();
    loss = 0;
    for (const pass of passes) {
      const start = performance.now();
      loss += gradients.step(pass, 1).loss;
      times.push((performance.now() - start) / pass.ids.length);
    }
  }
  made.push({ gradient: gradients.takeGradient(), loss });
  console.log(
    `${arithmetic}: loss ${loss.toFixed(4)}, ${(1000 / Math.min(...times)).toFixed(0)} tokens/s, ${(m.heapBytes() / 1e6).toFixed(0)} MB`,
  );
}
const [one, other] = made as [(typeof made)[number], (typeof made)[number]];
const parts = lora.parts.flatMap(({ layer, linear, a, b, outputs }) =>
  [
    ['A', a, b],
    ['B', b, b + outputs * lora.rank],
  ].map(([name, from, to]) => ({
    name: `${layer} ${linear} ${name}`,
    cosine: cosine(one.gradient.subarray(Number(from), Number(to)), other.gradient.subarray(Number(from), Number(to))),
  })),
);
const least = parts.sort((x, y) => x.cosine - y.cosine).slice(0, 5);
console.log(`cosine ${cosine(one.gradient, other.gradient).toFixed(5)}; least of a part`);
for (const { name, cosine: c } of least) console.log(`  ${name} ${c.toFixed(5)}`);
