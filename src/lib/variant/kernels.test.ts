import { describe, expect, it } from 'vitest';
import { parseRecipe } from '../compress/recipe';
import { FORMATS, layoutsOf } from '../cpu/formats';
import { FORMS } from '../decoder/forms';
import { PRECISIONS, type PrecisionName } from '../tensor/precisions';
import { chooseKernel, KERNELS } from './kernels';

/** Arithmetic of the dense format of a precision on our own kernels. */
function ofFormat(precision: PrecisionName, bytes: boolean) {
  const { title } = FORMATS[layoutsOf(precision, bytes ? 'signed' : null).dense];
  return title.includes('16-bit levels') ? 'i16' : title.includes('8-bit levels') ? 'i8' : 'f32';
}

describe('kernels', () => {
  it('there is one for every precision on every engine of ours, without optional features', () => {
    for (const engine of ['cpu', 'ort-cpu', 'ort-gpu'] as const)
      for (const precision of Object.keys(PRECISIONS) as PrecisionName[]) {
        const { kernel } = chooseKernel(engine, { precision, prunings: [], budget: null, kv8: false }, []);
        expect(kernel).toMatchObject({ engine, precision, needs: null });
        expect(kernel.title).toContain('stored');
      }
  });

  it('the arithmetic that prices a row is its form’s: half where activations are, bytes where they are quantized', () => {
    for (const kernel of KERNELS)
      if (kernel.engine !== 'cpu') {
        const { activation } = FORMS[kernel.form];
        const expected = kernel.form === 'dyn8' ? 'i8' : activation === 'float16' ? 'f16' : 'f32';
        expect(kernel, kernel.title).toMatchObject({ arithmetic: expected });
      } else
        // What is multiplied stands in the format that a precision is packed in.
        expect(kernel, kernel.title).toMatchObject({ arithmetic: ofFormat(kernel.precision, kernel.needs !== null) });
  });

  it('half precision falls back in words where the adapter has none', () => {
    const without = chooseKernel('ort-gpu', parseRecipe('fp16'), ['subgroups']);
    expect(without.kernel.form).toBe('f32');
    expect(without.fallbacks).toEqual([expect.stringMatching(/lacks shader-f16: instead of ".*fp16.*", used ".*fp32/)]);
    const having = chooseKernel('ort-gpu', parseRecipe('fp16'), ['shader-f16']);
    expect(having.kernel.form).toBe('f16');
    expect(having.fallbacks).toEqual([]);
  });

  it('a pattern shared by tiles takes a kernel that skips what it drops, where there is one', () => {
    const form = (engine: 'ort-gpu' | 'ort-cpu', recipe: string, features: string[] = []) =>
      chooseKernel(engine, parseRecipe(recipe), features).kernel.form;
    expect(form('ort-gpu', 'fp16+2:4t', ['shader-f16'])).toBe('tiles16');
    expect(form('ort-gpu', 'fp16+sparsegpt2:4t')).toBe('tiles32');
    expect(form('ort-cpu', 'fp32+2:4t')).toBe('tiles32');
    // Blocks of bits are multiplied whole: their kernels know no tiles.
    expect(form('ort-gpu', 'int8+2:4t')).toBe('nbits8');
    expect(form('ort-gpu', 'fp32+2:4')).toBe('f32');
  });

  it('a budget mixes 8 and 4 bits on every engine of ours, each in a form that reads its bits', () => {
    const recipe = parseRecipe('auto@60MB');
    expect(chooseKernel('cpu', recipe, []).kernel.title).toContain('mixture');
    expect(chooseKernel('ort-gpu', recipe, []).kernel).toMatchObject({ form: 'nbits8', others: { int4: 'nbits4' } });
    expect(chooseKernel('ort-cpu', recipe, []).kernel).toMatchObject({ form: 'dyn8', others: { int4: 'dyn8' } });
    expect(() => chooseKernel('hub', recipe, [])).toThrow(/A budget mixes 4 and 8 bits/);
  });

  it('an engine without a kernel says so', () => {
    expect(() => chooseKernel('ort-gpu', parseRecipe('int8+kv8'), [])).toThrow(
      /Choose the engine "cpu", or leave out kv8/,
    );
    expect(chooseKernel('cpu', parseRecipe('int8+kv8'), []).kernel.precision).toBe('int8');
    expect(() => chooseKernel('classical', parseRecipe('fp32'), [])).toThrow(/classical has no kernel for fp32/);
  });

  it('forms of one kernel share their activation dtype, and titles are unique', () => {
    for (const k of KERNELS)
      if (k.engine !== 'cpu') expect(FORMS[k.form].activation).toBe(FORMS[k.outerForm].activation);
    expect(new Set(KERNELS.map((k) => k.title)).size).toBe(KERNELS.length);
  });
});
