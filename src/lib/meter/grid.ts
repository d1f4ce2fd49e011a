/** Carbon intensity of electricity: data of CO2.js, loaded when somebody asks for grams. */

export interface GridRegion {
  code: string;
  name: string;
  /** Grams of CO2 equivalent per kWh; a region that the source has no value for is not listed. */
  gramsPerKWh: number;
}

/** Where intensities come from, one row each, with what must stand beside every figure: who, which year, which kind. */
export const GRID_SOURCES = [
  {
    id: 'ember',
    title: 'Ember, average generation, latest year in CO2.js 0.19 (CC BY-SA 4.0)',
  },
  ...([2025, 2024, 2023, 2022, 2021] as const).map((year) => ({
    id: `electricity-maps-${year}` as const,
    title: `Electricity Maps, yearly average ${year} (ODbL), through CO2.js`,
  })),
] as const;

export type GridSourceId = (typeof GRID_SOURCES)[number]['id'];

/** Ember's codes of several countries together; single countries come by name from Electricity Maps. */
const EMBER_REGIONS: Readonly<Record<string, string>> = {
  WORLD: 'World',
  EU: 'European Union',
  EUROPE: 'Europe',
  AFRICA: 'Africa',
  ASIA: 'Asia',
  ASEAN: 'ASEAN',
  OCEANIA: 'Oceania',
  'NORTH AMERICA': 'North America',
  'LATIN AMERICA AND CARIBBEAN': 'Latin America and the Caribbean',
  'MIDDLE EAST': 'Middle East',
  OECD: 'OECD',
  G20: 'G20',
  G7: 'G7',
};

/** Regions of a source by name. Values that are no positive number are left out: unknown is not 0. */
export async function gridRegions(source: GridSourceId): Promise<GridRegion[]> {
  const { averageIntensity, electricityMaps } = await import('@tgwf/co2/data');
  const rows: GridRegion[] =
    source === 'ember'
      ? Object.entries(EMBER_REGIONS).map(([code, name]) => ({
          code,
          name,
          gramsPerKWh: averageIntensity.data[code] ?? NaN,
        }))
      : Object.entries(electricityMaps[`yearly${source.slice(-4)}`]?.data ?? {}).map(
          ([code, { zone, carbonIntensity }]) => ({
            code,
            name: zone.countryName ? `${zone.zoneName}, ${zone.countryName}` : zone.zoneName,
            gramsPerKWh: carbonIntensity.value ?? NaN,
          }),
        );
  return rows.filter((row) => row.gramsPerKWh > 0).sort((a, b) => a.name.localeCompare(b.name, 'en'));
}
