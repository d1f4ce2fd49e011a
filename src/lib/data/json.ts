/** Lists of objects in JSON, object by object: the file as a whole is never parsed. */
import { JoulewiseError } from '../core/errors';

/** Brackets deeper than this are an attack or a mistake, not a ticket. */
const MAX_DEPTH = 256;
/** How many objects may wrap the list: `{"data": {"items": [...]}}`. */
const MAX_WRAPPERS = 3;

const CODE = { quote: 34, backslash: 92, open: 123, close: 125, list: 91, endList: 93, comma: 44 } as const;
const isSpace = (code: number) => code === 32 || (code >= 9 && code <= 13);

/**
 * Cuts the first list of objects out of JSON text that comes in chunks: a list at the top, or one inside at most
 * `MAX_WRAPPERS` objects. Brackets are counted, not matched: a wrong element fails when it is parsed.
 */
export class ObjectSplitter {
  /** Elements of the list that are not objects. */
  strays = 0;
  /** True where the list has ended. */
  ended = false;
  /** True where a list of objects was found. */
  get found(): boolean {
    return this.listDepth > 0;
  }
  /** Characters of the object that is not finished. */
  get pending(): number {
    return this.element.length;
  }

  private depth = 0;
  /** Lists among the open brackets while searching: a list inside another list is not the tickets. */
  private lists = 0;
  private listDepth = 0;
  /** A "[" was just read, and what follows decides. */
  private deciding = false;
  private inString = false;
  private escaped = false;
  private inStray = false;
  private element = '';

  /** Complete elements, as text. */
  push(chunk: string): string[] {
    const out: string[] = [];
    let start = this.element === '' ? -1 : 0;
    for (let i = 0; i < chunk.length && !this.ended; i++) {
      const code = chunk.charCodeAt(i);
      if (this.inString) {
        if (this.escaped) this.escaped = false;
        else if (code === CODE.backslash) this.escaped = true;
        else if (code === CODE.quote) this.inString = false;
        continue;
      }
      if (isSpace(code)) continue;
      if (this.deciding) {
        this.deciding = false;
        if (code === CODE.open && this.lists === 1 && this.depth <= MAX_WRAPPERS + 1) this.listDepth = this.depth;
      }
      const inList = this.listDepth > 0 && this.depth === this.listDepth;
      if (inList && code !== CODE.open && code !== CODE.endList && code !== CODE.comma && !this.inStray) {
        this.inStray = true;
        this.strays++;
      }
      if (inList && code === CODE.comma) this.inStray = false;
      switch (code) {
        case CODE.quote:
          this.inString = true;
          break;
        case CODE.open:
          if (inList && !this.inStray) start = i;
          this.deepen();
          break;
        case CODE.list:
          this.deepen();
          if (this.listDepth === 0) {
            this.lists++;
            this.deciding = true;
          }
          break;
        case CODE.close:
          this.depth--;
          if (start >= 0 && this.depth === this.listDepth) {
            out.push(this.element + chunk.slice(start, i + 1));
            this.element = '';
            start = -1;
          }
          break;
        case CODE.endList:
          if (inList) this.ended = true;
          if (this.listDepth === 0) this.lists--;
          this.depth--;
          break;
      }
    }
    if (start >= 0 && !this.ended) this.element += chunk.slice(start);
    return out;
  }

  private deepen(): void {
    this.depth++;
    if (this.depth > MAX_DEPTH)
      throw new JoulewiseError(
        'input.format',
        `The JSON is nested more than ${MAX_DEPTH} levels deep: export a plain list of tickets.`,
      );
  }
}

/** Levels of objects that become columns; deeper values are kept as JSON text. */
const MAX_PATH = 4;
/** Columns of one object. */
const MAX_COLUMNS = 2000;

/** Texts of a document in Atlassian's format (ADF), which Jira exports descriptions and comments in, block by block. */
function documentText(node: unknown): string {
  if (typeof node !== 'object' || node === null) return '';
  const { type, text, content } = node as { type?: unknown; text?: unknown; content?: unknown };
  if (typeof text === 'string') return text;
  if (type === 'hardBreak') return '\n';
  if (!Array.isArray(content)) return '';
  const inner = content.map(documentText).join('');
  return BLOCKS.has(String(type)) ? `${inner}\n` : inner;
}
const BLOCKS: ReadonlySet<string> = new Set([
  'paragraph',
  'heading',
  'codeBlock',
  'blockquote',
  'listItem',
  'tableRow',
]);

/**
 * Values that systems wrap: ServiceNow's `{display_value, value}` (people read the first), Jira's documents.
 * Undefined where the value is none of these.
 */
function unwrapped(value: object): unknown {
  if ('display_value' in value && ('value' in value || 'link' in value))
    return (value as { display_value: unknown }).display_value;
  if ((value as { type?: unknown }).type === 'doc' && Array.isArray((value as { content?: unknown }).content))
    return documentText(value).trim();
  return undefined;
}

const scalar = (value: unknown) =>
  typeof value === 'string' ? value : value === null || value === undefined ? '' : JSON.stringify(value);

/**
 * An object as cells: `{"fields": {"summary": "x"}}` has the column "fields.summary". Lists join their items by line
 * breaks, also where items are objects: the texts of TMF621's `note[]` make one column "note.text".
 */
export function flatten(object: object): Map<string, string> {
  const cells = new Map<string, string>();
  const put = (path: string, text: string) => {
    if (!cells.has(path) && cells.size >= MAX_COLUMNS) return;
    const before = cells.get(path);
    cells.set(path, before === undefined || before === '' ? text : text === '' ? before : `${before}\n${text}`);
  };
  const visit = (value: unknown, path: string, level: number) => {
    const inner = typeof value === 'object' && value !== null && path !== '' ? unwrapped(value) : undefined;
    if (inner !== undefined) put(path, scalar(inner));
    else if (typeof value !== 'object' || value === null || level >= MAX_PATH) put(path, scalar(value));
    else if (Array.isArray(value)) for (const item of value) visit(item, path, level + 1);
    else
      for (const [key, inner] of Object.entries(value)) visit(inner, path === '' ? key : `${path}.${key}`, level + 1);
  };
  visit(object, '', 0);
  return cells;
}

/** The cells of an object written as JSON; null where the text is no JSON object. */
export function parseObject(text: string): Map<string, string> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? flatten(value) : null;
  } catch {
    return null;
  }
}
