/** CO2.js ships no types of its data. */
declare module '@tgwf/co2/data' {
  export const averageIntensity: { data: Readonly<Record<string, number>>; type: 'average' };
  export const electricityMaps: Readonly<
    Record<
      string,
      {
        data: Readonly<
          Record<
            string,
            { zone: { zoneName: string; countryName?: string }; carbonIntensity: { value: number | null } }
          >
        >;
      }
    >
  >;
}
