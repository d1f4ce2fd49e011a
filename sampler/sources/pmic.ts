import { nothing, TOOL_EVERY_MS, type Found, type SourceRow } from '../domain';
import { numberIn, orNull } from '../system';

const TOOL = 'vcgencmd';
const ARGS = ['pmic_read_adc'] as const;
const MOST_WATTS = 60;

/** Sum of volts times amperes of all rails that tell both; null where none does. Lines as `VDD_CORE_A current(7)=1.2A`. */
export function wattsOf(text: string): number | null {
  const found = { A: new Map<string, number>(), V: new Map<string, number>() };
  for (const [, rail, kind, value] of text.matchAll(/^\s*(\w+)_([AV])\s+(?:current|volt)\(\d+\)=([\d.]+)[AV]/gm)) {
    const number = numberIn(value);
    if (number !== null) found[kind as 'A' | 'V'].set(rail as string, number);
  }
  const rails = [...found.A].flatMap(([rail, amperes]) => {
    const volts = found.V.get(rail);
    return volts === undefined ? [] : [amperes * volts];
  });
  return rails.length ? rails.reduce((a, b) => a + b, 0) : null;
}

/** Rails of a Raspberry Pi 5, by its power management chip (vcgencmd pmic_read_adc, Raspberry Pi documentation). */
export const pmic: SourceRow = {
  title: 'Power chip of a Raspberry Pi 5',
  platforms: ['linux'],
  async find(system): Promise<Found> {
    const model = (await orNull(system.read('/proc/device-tree/model'))) ?? '';
    if (!model.includes('Raspberry Pi')) return nothing();
    if (!/Raspberry Pi 5|Compute Module 5|Raspberry Pi 500/.test(model))
      return nothing([
        { what: `${model.replaceAll('\0', '').trim()}: this board has no sensor of power`, command: null },
      ]);
    const text = await orNull(system.run(TOOL, ARGS));
    if (text === null || wattsOf(text) === null)
      return nothing([{ what: 'vcgencmd does not answer', command: 'sudo usermod -aG video $USER' }]);
    return {
      domains: [
        {
          id: 'pmic:board',
          source: 'pmic',
          name: 'all rails',
          scope: 'board',
          within: null,
          kind: 'power',
          wrapsAt: null,
          mostWatts: MOST_WATTS,
          period: null,
          notes: [
            'board without supply: what the supply and its cable lose is not in it, and differs from board to board',
          ],
        },
      ],
      missing: [],
      every: TOOL_EVERY_MS,
      async read() {
        const own = await orNull(system.run(TOOL, ARGS));
        return new Map([['pmic:board', { at: system.now(), joules: null, watts: own === null ? null : wattsOf(own) }]]);
      },
    };
  },
};
