import { isModel } from '../../schema/engines';

/** How a variant looks: hue = precision, shape = pruning. Names from links may be anything, so nothing here throws. */

const HUES = ['fp32', 'fp16', 'int8', 'int4'] as const;

/** A custom property of the theme. */
export function hueOf(variant: string, engine: string): string {
  if (!isModel(engine)) return 'var(--p-classical)';
  const first = variant.split('+')[0];
  const hue = HUES.find((name) => name === first);
  return `var(--p-${hue ?? 'other'})`;
}

export type Shape = 'circle' | 'square' | 'triangle' | 'diamond' | 'cross' | 'star';

const SHAPES: readonly [prefix: string, shape: Shape][] = [
  ['layers', 'cross'],
  ['ffn', 'diamond'],
  ['2:4', 'square'],
  ['mag', 'triangle'],
];

export function shapeOf(variant: string, engine: string): Shape {
  if (!isModel(engine)) return 'star';
  const prunings = variant.split('+').slice(1);
  return SHAPES.find(([prefix]) => prunings.some((p) => p.startsWith(prefix)))?.[1] ?? 'circle';
}

const RESULT_SHAPES: readonly Shape[] = ['circle', 'square', 'triangle', 'diamond', 'cross', 'star'];
const RESULT_DASHES = ['none', '7 4', '2 3', '8 3 2 3', '12 4', '1 5 4 5'] as const;

/** Where several results share a picture, shape and dash tell them apart; from the seventh on they begin again. */
export const resultShape = (index: number): Shape => RESULT_SHAPES[index % RESULT_SHAPES.length] ?? 'circle';
export const resultDash = (index: number): string => RESULT_DASHES[index % RESULT_DASHES.length] ?? 'none';

const r = (n: number) => Number(n.toFixed(2));
const polygon = (points: readonly (readonly [number, number])[]) =>
  `M${points.map(([x, y]) => `${r(x)},${r(y)}`).join('L')}Z`;

/** Outline of a mark around 0,0; shapes of equal weight to the eye, not of equal width. */
export function shapePath(shape: Shape, radius: number): string {
  const a = radius;
  switch (shape) {
    case 'circle':
      return `M${r(-a)},0A${r(a)},${r(a)} 0 1 0 ${r(a)},0A${r(a)},${r(a)} 0 1 0 ${r(-a)},0Z`;
    case 'square': {
      const s = a * 0.9;
      return polygon([[-s, -s], [s, -s], [s, s], [-s, s]]); // prettier-ignore
    }
    case 'triangle': {
      const s = a * 1.2;
      return polygon([[0, -s], [s * 0.95, s * 0.75], [-s * 0.95, s * 0.75]]); // prettier-ignore
    }
    case 'diamond': {
      const s = a * 1.25;
      return polygon([[0, -s], [s, 0], [0, s], [-s, 0]]); // prettier-ignore
    }
    case 'cross': {
      const [s, t] = [a * 1.15, a * 0.4];
      return polygon([[-t, -s], [t, -s], [t, -t], [s, -t], [s, t], [t, t], [t, s], [-t, s], [-t, t], [-s, t], [-s, -t], [-t, -t]]); // prettier-ignore
    }
    case 'star':
      return polygon(
        Array.from({ length: 10 }, (_, i) => {
          const [length, angle] = [i % 2 === 0 ? a * 1.3 : a * 0.55, (i * Math.PI) / 5 - Math.PI / 2];
          return [length * Math.cos(angle), length * Math.sin(angle)] as const;
        }),
      );
    default:
      return shape satisfies never;
  }
}

/** One name per result in tables and charts: a variant may have run on two engines. */
export const keyOf = (r: { variant: string; engine: string }) => `${r.variant}\n${r.engine}`;
