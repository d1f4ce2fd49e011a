import { expect, test } from 'vitest';
import { Skips } from './skips';

test('leaves out a variant whether a unit of it runs or comes later, and no other', () => {
  const skips = new Skips();
  const running = skips.signal('int8');
  skips.skip('int8');
  skips.skip('int4');
  expect(running.aborted).toBe(true);
  expect(skips.signal('int4').aborted).toBe(true);
  expect(skips.signal('fp32').aborted).toBe(false);
});
