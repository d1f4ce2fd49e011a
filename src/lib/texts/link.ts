/** A link to copy, or to carry to a phone. */
export const LINK = {
  label: (what: string, length: number) => `${what}, ${length} characters`,
  copy: 'Copy',
  copied: 'Copied.',
  code: 'Show as QR code',
  codeLabel: 'QR code of the link',
  tooLong: 'This link is too long for a QR code: copy it instead.',
} as const;
