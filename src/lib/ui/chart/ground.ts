import type { Band } from '../../state/progress/series';

/**
 * The ground of the live chart. Answering tickets is a solid tone, one for each task and told apart by lightness, so
 * that they differ in grey as well; what happens once a model is hatched. Tones are variables of the theme.
 */
export interface Ground {
  tone: string;
  pattern: 'solid' | 'rising' | 'falling';
}

const GROUNDS: Readonly<Record<string, Ground>> = {
  load: { tone: '--strong-line', pattern: 'rising' },
  'warm-up': { tone: '--strong-line', pattern: 'falling' },
  train: { tone: '--strong-line', pattern: 'falling' },
  rca: { tone: '--g-rca', pattern: 'solid' },
  response: { tone: '--g-response', pattern: 'solid' },
  summary: { tone: '--g-summary', pattern: 'solid' },
};
const OTHER: Ground = { tone: '--line', pattern: 'solid' };

export const groundOf = (phase: string): Ground => GROUNDS[phase] ?? OTHER;

/** Distance between two lines of a hatched ground, px. */
const HATCH = 6;
const FONT = 11;

interface Painting {
  bands: readonly Band[];
  /** The plot, in pixels of the canvas. */
  frame: { left: number; top: number; width: number; height: number };
  /** Seconds -> pixels of the canvas. */
  x: (seconds: number) => number;
  /** A variable of the theme -> its colour. */
  colour: (variable: string) => string;
  named: (phase: string) => string;
  /** Pixels of the canvas a CSS pixel. */
  scale: number;
}

/** Lines at 45 degrees, on a grid of the canvas, so that neighbouring bands meet. */
function hatch(ctx: CanvasRenderingContext2D, left: number, right: number, rising: boolean, p: Painting): void {
  const { top, height } = p.frame;
  const step = HATCH * p.scale;
  const bottom = top + height;
  ctx.beginPath();
  for (let at = Math.floor((left - height) / step) * step; at < right + height; at += step) {
    ctx.moveTo(at, rising ? bottom : top);
    ctx.lineTo(at + height, rising ? top : bottom);
  }
  ctx.lineWidth = p.scale;
  ctx.globalAlpha = 0.5;
  ctx.stroke();
}

/** Paints the bands, and the name of each that has room for it. */
export function paintGround(ctx: CanvasRenderingContext2D, painting: Painting): void {
  const { bands, frame, x, colour, named, scale } = painting;
  const end = frame.left + frame.width;
  for (const { phase, from, to } of bands) {
    const [left, right] = [Math.max(frame.left, x(from)), Math.min(end, x(to))];
    if (!(right > left)) continue;
    const { tone, pattern } = groundOf(phase);
    ctx.save();
    ctx.beginPath();
    ctx.rect(left, frame.top, right - left, frame.height);
    ctx.clip();
    ctx.fillStyle = ctx.strokeStyle = colour(tone);
    if (pattern === 'solid') ctx.fillRect(left, frame.top, right - left, frame.height);
    else hatch(ctx, left, right, pattern === 'rising', painting);
    ctx.restore();
    ctx.save();
    ctx.font = `${FONT * scale}px system-ui, sans-serif`;
    ctx.fillStyle = colour('--ink');
    ctx.textBaseline = 'top';
    const name = named(phase);
    const room = 4 * scale;
    if (pattern === 'solid' && ctx.measureText(name).width + 2 * room < right - left)
      ctx.fillText(name, left + room, frame.top + room);
    ctx.restore();
  }
}
