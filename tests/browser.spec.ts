import { test } from 'playwright/test';
import type { BrowserTest } from './browser/harness';
import { tests as engines } from './browser/engines';
import { tests as fit } from './browser/fit';
import { tests as leaks } from './browser/leaks';
import { tests as plans } from './browser/plans';
import { tests as sampler } from './browser/sampler';
import { tests as access } from './e2e/access.e2e';
import { tests as answer } from './e2e/answer.e2e';
import { tests as app } from './e2e/app.e2e';
import { tests as firefox } from './e2e/firefox.e2e';
import { tests as first } from './e2e/first.e2e';
import { tests as hang } from './e2e/hang.e2e';
import { tests as keep } from './e2e/keep.e2e';
import { tests as limits } from './e2e/limits.e2e';
import { tests as look } from './e2e/look.e2e';
import { tests as offline } from './e2e/offline.e2e';
import { tests as preview } from './e2e/preview.e2e';
import { tests as profile } from './e2e/profile.e2e';
import { tests as robust } from './e2e/robust.e2e';
import { tests as tabs } from './e2e/tabs.e2e';
import { tests as use } from './e2e/use.e2e';

/** Each test is a name and what it does: it runs beside others of its group (playwright.config.ts). */
const all: BrowserTest[] = [
  ...[
    // Holds the longest of its group, which would end by itself.
    robust,
    engines,
    leaks,
    plans,
    sampler,
    fit,
    app,
    use,
    first,
    answer,
    hang,
    limits,
    look,
    access,
    tabs,
    offline,
    preview,
    keep,
    profile,
    firefox,
  ],
].flat();

for (const one of all)
  test(one.name, one.group ? { tag: `@${one.group}` } : {}, async () => {
    test.skip(Boolean(one.skip), one.skip ?? '');
    await one.run();
  });
