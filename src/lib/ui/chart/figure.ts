import { DETAILS } from '../../texts/details';
import { nextTask, saveFile } from '../base/download';

/** Properties that a figure takes from the page's style sheet, and would lose outside it. */
const STYLED = [
  'fill', 'fill-opacity', 'stroke', 'stroke-width', 'stroke-opacity', 'stroke-dasharray', 'stroke-linejoin', 'paint-order',
  'opacity', 'font-size', 'font-family', 'font-weight', 'font-variant-numeric', 'text-anchor',
] as const; // prettier-ignore

/** A drawing as a file of its own: the style that it has on the page is written into every element. */
export function svgText(svg: SVGSVGElement): string {
  const copy = svg.cloneNode(true) as SVGSVGElement;
  const originals = [svg, ...svg.querySelectorAll('*')];
  [copy, ...copy.querySelectorAll('*')].forEach((element, i) => {
    const style = getComputedStyle(originals[i] as Element);
    for (const name of STYLED) element.setAttribute(name, style.getPropertyValue(name));
    for (const name of ['class', 'style', 'tabindex', 'role']) element.removeAttribute(name);
  });
  const { width, height } = svg.getBoundingClientRect();
  const ground = document.createElementNS('http://www.w3.org/2000/svg', 'rect');
  ground.setAttribute('width', String(width));
  ground.setAttribute('height', String(height));
  ground.setAttribute('fill', getComputedStyle(document.body).backgroundColor);
  copy.prepend(ground);
  copy.setAttribute('xmlns', 'http://www.w3.org/2000/svg');
  return new XMLSerializer().serializeToString(copy);
}

/** Pixels of a saved picture per pixel on the page: sharp in a slide. */
const SCALE = 2;

/** A chart as a PNG, SCALE pixels per pixel on the page. */
export async function pngOf(svg: SVGSVGElement): Promise<Blob> {
  const { width, height } = svg.getBoundingClientRect();
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svgText(svg))}`;
  await image.decode();
  const canvas = document.createElement('canvas');
  canvas.width = width * SCALE;
  canvas.height = height * SCALE;
  canvas.getContext('2d')?.drawImage(image, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve, reject) =>
    canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error(DETAILS.figure.notDrawn)))),
  );
}

export const saveSvg = (svg: SVGSVGElement, name: string) =>
  saveFile(`joulewise-${name}.svg`, svgText(svg), 'image/svg+xml');
export const savePng = async (svg: SVGSVGElement, name: string) =>
  saveFile(`joulewise-${name}.png`, await pngOf(svg), 'image/png');

const escaped = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');

/** Elements that mean nothing on paper, or that must not leave the device. */
const LEFT_OUT = 'button, input, select, label, script, .on-screen, [data-private]';

/** Widths of a report's pictures, px: a phone's, and that of paper and all wider screens. */
export const REPORT_WIDTHS = { narrow: 358, wide: 704 } as const;

export interface ReportPictures {
  narrow: Element;
  wide: Element;
}

/** A report's pictures have no page that draws them anew for its width, so each stands in it twice; its style shows one. */
function putPictures(copy: Element, pictures: ReportPictures): void {
  const drawn = (Object.keys(REPORT_WIDTHS) as (keyof ReportPictures)[]).map((name) => ({
    name,
    all: [...pictures[name].querySelectorAll('figure svg')],
  }));
  for (const svg of copy.querySelectorAll('figure svg')) {
    const label = svg.getAttribute('aria-label');
    const found = drawn.flatMap(({ name, all }) => {
      const own = all.find((other) => other.getAttribute('aria-label') === label)?.cloneNode(true) as
        Element | undefined;
      own?.classList.add(name);
      return own ? [own] : [];
    });
    if (found.length === drawn.length) svg.replaceWith(...found);
  }
}

/**
 * A part of the page as one file that opens without a network: its markup, its charts and its style sheets, no script.
 * What is marked `data-private` (tickets and answers) stays behind. Made in tasks of their own: the style sheets, what of
 * the page goes along, and its text, since together they would hold the page.
 */
export async function reportHtml(
  part: Element,
  pictures: ReportPictures,
  title: string,
  foot: string,
): Promise<string> {
  const css = [...document.styleSheets]
    .flatMap((sheet) => [...sheet.cssRules].map((rule) => rule.cssText))
    .join('\n')
    .replaceAll('</', '<\\/');
  await nextTask();
  const copy = part.cloneNode(true) as Element;
  putPictures(copy, pictures);
  // An explained word is a button on the page; here it stays a word, with its explanation as a title.
  for (const tip of copy.querySelectorAll('[role="tooltip"]')) {
    const word = document.createElement('abbr');
    word.title = tip.textContent;
    word.textContent = tip.previousElementSibling?.textContent ?? '';
    tip.parentElement?.replaceWith(word);
  }
  for (const element of copy.querySelectorAll(LEFT_OUT)) element.remove();
  // What held nothing else leaves no gap.
  for (const row of copy.querySelectorAll('.row'))
    if (row.textContent.trim() === '' && !row.querySelector('svg')) row.remove();
  for (const element of copy.querySelectorAll('[tabindex], [role="button"]'))
    for (const name of ['tabindex', 'role', 'aria-pressed']) element.removeAttribute(name);
  // Nothing would tell a fading edge that it was scrolled to.
  for (const edges of copy.querySelectorAll('.edges')) edges.classList.remove('before', 'after');
  // A closed disclosure would hide its content on paper.
  for (const details of copy.querySelectorAll('details')) details.setAttribute('open', '');
  await nextTask();
  return `<!doctype html>
<html lang="${document.documentElement.lang}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${escaped(title)}</title>
<style>${css}
main { display: grid; gap: 24px; grid-template-columns: minmax(0, 1fr); max-width: 1120px; margin: 0 auto; padding: 32px 16px; }
/* No script tells whether a table goes on: shades at its edges, covered where it ends. */
@media screen {
  .scroll {
    --shade: color-mix(in srgb, var(--ink) 22%, transparent);
    background:
      linear-gradient(to right, var(--paper) 30%, transparent) left / 32px 100% no-repeat local,
      linear-gradient(to left, var(--paper) 30%, transparent) right / 32px 100% no-repeat local,
      linear-gradient(to right, var(--shade), transparent) left / 12px 100% no-repeat scroll,
      linear-gradient(to left, var(--shade), transparent) right / 12px 100% no-repeat scroll;
  }
  .scroll.roomBelow { padding-bottom: 0; margin-bottom: 0; }
}
main figure svg { max-width: 100%; height: auto; }
main figure svg.narrow { display: none; }
@media screen and (max-width: 640px) {
  main figure svg.narrow { display: block; }
  main figure svg.wide { display: none; }
}</style>
</head>
<body><main>${copy.outerHTML}<p class="small soft">${escaped(foot)}</p></main></body>
</html>
`;
}
