import { afterEach, describe, expect, it } from 'vitest';
import { faultsOf, isFlag, isText, namesMissing, orNull } from '../core/testing';
import { inLayer, LINEARS, modelTensors, names, placeOf, ropeRows, ropeTables, vectorNames, VECTORS } from './block';
import { configFromJson, configToJson } from './config';
import { FAMILIES, type Family } from './families';

const COLUMNS = {
  name: isText,
  modelType: isText,
  architecture: isText,
  gguf: orNull(isText),
  qkvBias: isFlag,
  qkNorm: isFlag,
  ggufPermutesQK: isFlag,
};
const before = FAMILIES.length;
const rows = FAMILIES as Family[];
const json = {
  hidden_size: 64,
  intermediate_size: 128,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  vocab_size: 100,
};

afterEach(() => (rows.length = before));

describe('the table of model families', () => {
  it('is whole, and a column that a row lacks is named', () => {
    expect(faultsOf(Object.fromEntries(FAMILIES.map((f) => [f.name, f])), COLUMNS)).toEqual([]);
    expect(namesMissing(FAMILIES[0] as Family, COLUMNS)).toBe(true);
  });

  it('takes a further row: its checkpoints are read, with the tensors that it says', () => {
    rows.push({
      name: 'Toy' as Family['name'],
      modelType: 'toy',
      architecture: 'ToyForCausalLM',
      gguf: null,
      qkvBias: true,
      qkNorm: true,
      window: 'none',
      ggufPermutesQK: false,
    });
    const config = configFromJson({ ...json, model_type: 'toy' });
    expect(config.family).toBe('Toy');
    expect(configToJson(config, { intermediateSize: 128, layers: 2 })['architectures']).toEqual(['ToyForCausalLM']);
    expect(vectorNames(config)).toHaveLength(1 + 2 * Object.keys(VECTORS).length);
    expect([...modelTensors(config)]).toHaveLength(3 + 2 * (Object.keys(VECTORS).length + LINEARS.length));
  });
});

describe('a block', () => {
  const config = configFromJson({ ...json, model_type: 'llama' });

  it('finds every tensor by its name, and its like in another block', () => {
    for (const [name] of modelTensors(config)) {
      const { layer, linear, vector } = placeOf(name);
      const here = (at: number) => (linear ? names.linear(at, linear) : vector ? names.vector(at, vector) : name);
      if (layer !== null) expect(here(layer)).toBe(name);
      expect(inLayer(name, (from) => from + 5)).toBe(layer === null ? name : here(layer + 5));
    }
  });

  it('has one rope, laid out in two ways', () => {
    const { cos, sin } = ropeTables(config, 3);
    const half = config.headDim / 2;
    const rows = ropeRows(config, 3);
    for (let p = 0; p < 3; p++)
      for (let i = 0; i < half; i++) {
        expect(rows[2 * p * half + i]).toBe(cos[p * half + i]);
        expect(rows[(2 * p + 1) * half + i]).toBe(sin[p * half + i]);
      }
  });
});
