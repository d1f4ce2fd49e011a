import { plural } from './format';

/** A field for files. */
export const PICKER = {
  file: 'Choose a file',
  files: 'Choose files',
  folder: 'Choose a folder',
  none: 'None chosen yet',
  chosen: (folder: string | null, names: readonly string[]) => {
    const [first = ''] = names;
    if (folder !== null) return `${folder}, ${plural(names.length, 'file')}`;
    return names.length === 1 ? first : plural(names.length, 'file');
  },
} as const;
