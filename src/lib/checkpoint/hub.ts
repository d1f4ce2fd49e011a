import { JoulewiseError, quote } from '../core/errors';
import { hubFileSet } from './source';

/** A file of a repository, as the Hub lists it. */
export interface HubFile {
  name: string;
  /** Null where the server does not list sizes. */
  bytes: number | null;
  /** SHA-256 of large files (the Hub keeps them in LFS); null where it tells none. */
  sha256: string | null;
}

/** What a repository holds at one commit. */
export interface HubListing {
  commit: string;
  files: HubFile[];
}

interface ModelInfo {
  sha?: unknown;
  siblings?: { rfilename?: unknown; size?: unknown; lfs?: { sha256?: unknown } | null }[];
}

/**
 * Files of a repository at a revision, from the Hub's API (`/api/models/{repo}/revision/{revision}?blobs=true`).
 * Null where the server has no such interface (a plain mirror): then neither size nor hash is known beforehand.
 */
export async function hubListing(
  repo: string,
  revision: string,
  base: string,
  fetcher: typeof fetch = fetch,
): Promise<HubListing | null> {
  // Checks the name before it becomes part of an address.
  hubFileSet(repo, revision, base);
  const url = `${base}/api/models/${repo}/revision/${encodeURIComponent(revision)}?blobs=true`;
  let response: Response;
  try {
    response = await fetcher(url);
  } catch (cause) {
    throw new JoulewiseError(
      'network.failed',
      `The Hub at ${new URL(base).host} does not answer. Check the connection and try again.`,
      { cause },
    );
  }
  if (response.status === 401 || response.status === 403)
    throw new JoulewiseError(
      'input.unreadable',
      `The Hub shows no repository ${quote(repo)} to everyone: it does not exist, is private, or asks to accept a licence first. Joulewise sends no token; choose another, or download the files yourself and drop them here.`,
    );
  const info: ModelInfo | null = response.ok ? ((await response.json().catch(() => null)) as ModelInfo | null) : null;
  if (!info || typeof info.sha !== 'string' || !Array.isArray(info.siblings)) return null;
  return {
    commit: info.sha,
    files: info.siblings.flatMap(({ rfilename, size, lfs }) =>
      typeof rfilename === 'string'
        ? [
            {
              name: rfilename,
              bytes: typeof size === 'number' ? size : null,
              sha256: typeof lfs?.sha256 === 'string' && /^[0-9a-f]{64}$/.test(lfs.sha256) ? lfs.sha256 : null,
            },
          ]
        : [],
    ),
  };
}
