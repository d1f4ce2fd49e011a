import { describe, expect, it } from 'vitest';
import { between, exact } from '../rank/example';
import {
  energyAmount,
  energyInterval,
  energyRange,
  JOULES,
  perTicket,
  ticketInterval,
  type EnergyUnit,
} from './energy';

const WH: EnergyUnit = { kind: 'Wh' };
const GRAMS: EnergyUnit = { kind: 'gCO2e', gramsPerKWh: 473 };
const EUROS: EnergyUnit = { kind: 'cost', pricePerKWh: 0.3, currency: 'EUR' };

describe('energy in the chosen unit', () => {
  const x = between(0.9, 1, 1.1);

  it('is joules over 3.6 million a kWh', () => {
    expect(ticketInterval(x, JOULES)).toBe('1.00 J (0.900 to 1.10)');
    expect(ticketInterval(x, WH)).toBe('278 µWh (250 to 306)');
    expect(ticketInterval(between(3e6, 3.6e6, 4e6), WH)).toBe('1000 Wh (833 to 1111)');
    expect(ticketInterval(x, GRAMS)).toBe('131 µg CO₂e (118 to 145)');
  });

  it('says 1 of the next unit where an amount rounds up to it', () => {
    expect(energyAmount(999.6, JOULES)).toBe('1 kJ');
    expect(energyAmount(0.9996, JOULES)).toBe('1 J');
    expect(energyAmount(994, JOULES)).toBe('990 J');
    expect(energyAmount(3.5999, WH)).toBe('1.0 mWh');
    expect(ticketInterval(between(990, 999.9, 1010), JOULES)).toMatch(/^1\.00 kJ /);
  });

  it('spans powers of ten with a prefix for each end', () => {
    expect(energyRange({ low: 0.0136, mid: 0.24, high: 2521 }, JOULES)).toBe('0.24 J (0.014 J to 2.5 kJ)');
    expect(energyRange({ low: 1, mid: 10, high: 1000 }, GRAMS)).toBe('1.3 mg CO₂e (131 µg CO₂e to 131 mg CO₂e)');
  });

  it('is cost of a million tickets where it is of one ticket, and of itself where it is a sum', () => {
    expect(ticketInterval(x, EUROS)).toBe('€0.0833 (€0.0750 to €0.0917)');
    expect(ticketInterval(between(90, 100, 110), EUROS)).toBe('€8.33 (€7.50 to €9.17)');
    expect(perTicket(1, EUROS)).toBe('€0.083 per million tickets');
    expect(energyAmount(3.6e6, EUROS)).toBe('€0.30');
  });

  it('says one amount with two digits', () => {
    expect([0.3123, 1234].map((joules) => perTicket(joules, JOULES))).toEqual([
      '0.31 J per ticket',
      '1.2 kJ per ticket',
    ]);
    expect(perTicket(1, WH)).toBe('278 µWh per ticket');
    expect(energyAmount(36, WH)).toBe('10 mWh');
    expect(energyAmount(0.001, GRAMS)).toBe('131 ng CO₂e');
  });

  it('keeps one unit for all three numbers, stops at 0, and says where something is unknown', () => {
    expect(energyInterval(between(0.0009, 0.0021, 0.004), JOULES)).toBe('2.10 mJ (0.900 to 4.00)');
    expect(energyInterval(exact(2000), JOULES)).toBe('2.00 kJ (no interval)');
    for (const low of [0, -0.2]) expect(energyInterval(between(low, 0.5, 1), JOULES)).toBe('0.500 J (0 to 1.00)');
    expect(energyInterval(null, WH)).toBe('unknown');
    expect(energyInterval(exact(0), WH)).toBe('0 nWh (no interval)');
  });
});
