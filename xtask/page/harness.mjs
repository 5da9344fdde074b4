// Checks, what they are told with, and what a page may not do meanwhile.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
let passed = 0;
let failed = 0;

/** The checks of a story; one needs those before it, so that the first that fails ends the story. */
export async function story(name, tell) {
  console.log(name);
  try {
    await tell(async (what, run) => {
      try {
        await run();
      } catch (error) {
        console.log(`  FAILED  ${what}`);
        throw error;
      }
      passed += 1;
      console.log(`  ok      ${what}`);
    });
  } catch (error) {
    failed += 1;
    console.log(`          ${String(error.stack ?? error).replaceAll("\n", "\n          ")}`);
  }
}

export function summary() {
  console.log(`${passed} passed, ${failed} failed`);
  return failed === 0;
}

/** Errors of a page's console and scripts, and requests that failed. */
export class Faults {
  #seen = [];

  constructor(page) {
    page.on("console", (message) => {
      if (message.type() === "error") this.#seen.push(`console: ${message.text()} (${message.location().url})`);
    });
    page.on("pageerror", (error) => this.#seen.push(`script: ${error.stack}`));
    page.on("requestfailed", (request) => this.#seen.push(`request: ${request.url()} ${request.failure()?.errorText}`));
  }

  /** Takes one off that was meant. The console may tell of it after the page has. */
  async meant(pattern) {
    await until(() => this.#seen.some((fault) => pattern.test(fault)), `a fault like ${pattern}`);
    this.#seen.splice(this.#seen.findIndex((fault) => pattern.test(fault)), 1);
  }

  none() {
    assert.deepEqual(this.#seen, []);
  }
}

/** Waits for what comes by itself, as long as a busy machine may need. */
export async function until(holds, what) {
  for (const end = Date.now() + 15_000; ; await new Promise((next) => setTimeout(next, 20))) {
    if (await holds()) return;
    assert(Date.now() < end, `waited in vain for ${what}`);
  }
}

/** WCAG 2.2 A and AA as far as axe sees it, and axe's own advice. */
export async function accessible(page) {
  await page.evaluate(`window.axe || (() => { ${AXE} })()`);
  const violations = await page.evaluate(async () => {
    const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
    const { violations } = await window.axe.run(document, { runOnly: { type: "tag", values: tags }, resultTypes: ["violations"] });
    return violations.map(({ id, help, nodes }) => ({ id, help, nodes: nodes.map(({ html, failureSummary }) => [html, failureSummary]) }));
  });
  assert.deepEqual(violations, []);
}

/** Nothing is wider than the window. */
export async function fits(page) {
  const [wanted, there] = await page.evaluate(() => [document.documentElement.scrollWidth, window.innerWidth]);
  assert(wanted <= there, `the page is ${wanted} pixels wide in a window of ${there}`);
}
