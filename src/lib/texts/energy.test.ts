import { describe, expect, it } from 'vitest';
import { between, exact } from '../rank/example';
import { energyInterval, type EnergyUnit } from './energy';

describe('energy in other units', () => {
  const x = between(0.9, 1, 1.1);

  it('is joules over 3.6 million a kWh', () => {
    expect(energyInterval(x, { kind: 'J' })).toBe('1.00 J (0.900 to 1.10)');
    expect(energyInterval(x, { kind: 'Wh' })).toBe('278 µWh (250 to 306)');
    expect(energyInterval(between(3e6, 3.6e6, 4e6), { kind: 'Wh' })).toBe('1000 Wh (833 to 1111)');
    expect(energyInterval(x, { kind: 'gCO2e', gramsPerKWh: 473 })).toBe('131 µg (118 to 145)');
    expect(energyInterval(x, { kind: 'cost', pricePerKWh: 0.3, currency: 'EUR' })).toBe('€0.08 (€0.08 to €0.09)');
  });

  it('stays unknown where energy, grid or price are, and says where there is no interval', () => {
    const unknown: EnergyUnit[] = [
      { kind: 'gCO2e', gramsPerKWh: null },
      { kind: 'cost', pricePerKWh: null, currency: 'EUR' },
    ];
    for (const unit of unknown) expect(energyInterval(x, unit)).toBe('unknown');
    expect(energyInterval(null, { kind: 'Wh' })).toBe('unknown');
    expect(energyInterval(exact(1), { kind: 'Wh' })).toBe('278 µWh (no interval)');
    expect(energyInterval(exact(0), { kind: 'Wh' })).toBe('0 nWh (no interval)');
  });
});
