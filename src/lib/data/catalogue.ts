import type { Mapping } from '../schema/dataset';
import type { TaskName } from '../schema/run';
import { TEMPLATES } from './tasks';

/** A public set of texts with answers, and how it is mapped. Facts from its card or README. */
export interface PublicDataset {
  /** owner/name, on the Hub unless `file` says where. */
  repo: string;
  /** One file of one commit elsewhere; absent = the Hub's Parquet. */
  file?: { address: string; sha256: string };
  title: string;
  /** What is in it, in a few words. */
  about: string;
  licence: string;
  /** Of the Hub's splits; null where there are none. */
  split: string | null;
  rows: number;
  /** Bytes of the file that is fetched; null where its card does not say. */
  bytes: number | null;
  columns: readonly string[];
  mapping: Mapping;
  /** Names of causes that the file says by number. */
  causeNames: Readonly<Record<string, string>>;
  /** Prompts that fit it, by id; none = those of fault tickets. */
  templates: readonly (typeof TEMPLATES)[number]['id'][];
  /** Tasks that it is for; absent = those of the chosen that its columns answer. */
  tasks?: readonly TaskName[];
}

const mapping = (m: Partial<Mapping> & Pick<Mapping, 'text'>): Mapping => ({
  cause: null,
  response: null,
  group: null,
  time: null,
  ...m,
});

const NEWS_TOPICS = [
  'Analyst Update', 'Fed, Central Banks', 'Company, Product News', 'Treasuries, Corporate Debt', 'Dividend', 'Earnings',
  'Energy, Oil', 'Financials', 'Currencies', 'General News, Opinion', 'Gold, Metals, Materials', 'IPO', 'Legal, Regulation',
  'M&A, Investments', 'Macro', 'Markets', 'Politics', 'Personnel Change', 'Stock Commentary', 'Stock Movement',
]; // prettier-ignore

const ALARMS = Array.from({ length: 164 }, (_, i) => `alarm_${i}`);

export const PUBLIC_DATASETS: readonly PublicDataset[] = [
  {
    repo: 'bonsai-lab-polimi/tnsm2024-data-centric',
    file: {
      address:
        'https://raw.githubusercontent.com/bonsai-lab-polimi/tnsm2024-data-centric/39b2149644fde50c9a97ae404c77a0babb435737/dataset_TNSM_06995_v2.csv',
      sha256: '0cd27438976fd554a4ee4be435a3c4ef3ab55a7c542cfc6d86b831654298e518',
    },
    title: 'Microwave link failures',
    about: 'telecom: seconds that each alarm of a real link was active in 15 minutes, with the cause of its failure',
    licence: 'GPL-3.0',
    split: null,
    rows: 1669,
    bytes: 578_047,
    columns: [...ALARMS, 'label'],
    mapping: mapping({ text: ALARMS, cause: 'label' }),
    causeNames: { 0: 'indoor unit failure', 1: 'outdoor unit failure', 2: 'cable failure', 3: 'power failure' },
    templates: [],
    tasks: ['rca'],
  },
  {
    repo: 'bitext/Bitext-customer-support-llm-chatbot-training-dataset',
    title: 'Bitext customer support',
    about: 'requests to a shop with their intent and an answer; made by templates and checked by people',
    licence: 'CDLA-Sharing-1.0',
    split: 'train',
    rows: 26_872,
    bytes: null,
    columns: ['flags', 'instruction', 'category', 'intent', 'response'],
    mapping: mapping({ text: ['instruction'], cause: 'intent', response: 'response' }),
    causeNames: {},
    templates: ['route'],
  },
  {
    repo: 'zeroshot/twitter-financial-news-topic',
    title: 'Financial headlines',
    about: 'economics: short news with one of 20 topics',
    licence: 'MIT',
    split: 'train',
    rows: 16_990,
    bytes: null,
    columns: ['text', 'label'],
    mapping: mapping({ text: ['text'], cause: 'label' }),
    causeNames: Object.fromEntries(NEWS_TOPICS.map((name, i) => [String(i), name])),
    templates: ['sector'],
  },
  {
    repo: 'FiscalNote/billsum',
    title: 'BillSum',
    about: 'economics and law: bills of the US Congress with a summary of each (the test split)',
    licence: 'CC0-1.0',
    split: 'test',
    rows: 3269,
    bytes: null,
    columns: ['text', 'summary', 'title'],
    mapping: mapping({ text: ['title', 'text'], response: 'summary' }),
    causeNames: {},
    templates: [],
    tasks: ['summary'],
  },
];

/** The Hub keeps every public set also as Parquet, under one address; so one reader serves all that it has. */
export const publicAddress = ({ repo, split, file }: PublicDataset, base: string) =>
  file?.address ?? `${base}/datasets/${repo}/resolve/refs%2Fconvert%2Fparquet/default/${split}/0000.parquet`;
