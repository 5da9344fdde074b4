// Opens the page at /docs in a browser, and calls the server from pages of other origins. It is run
// by `cargo xtask test --only page`, which starts the server and says in the environment where it is.

import { chromium } from "playwright-core";
import { details } from "./details.mjs";
import { summary } from "./harness.mjs";
import { origins } from "./origins.mjs";
import { stranger } from "./stranger.mjs";
import { tours } from "./tour.mjs";

const { BROWSER, SERVER, LISTED_PORT, UNLISTED_PORT } = process.env;
// The sandbox of a browser refuses root; the pages here are our own.
const args = process.getuid() === 0 ? ["--no-sandbox", "--disable-dev-shm-usage"] : ["--disable-dev-shm-usage"];
const browser = await chromium.launch({ executablePath: BROWSER, args });
try {
  await tours(browser, SERVER);
  await details(browser, SERVER);
  await stranger(browser, SERVER);
  await origins(browser, SERVER, { listed: Number(LISTED_PORT), unlisted: Number(UNLISTED_PORT) });
} finally {
  await browser.close();
}
process.exitCode = summary() ? 0 : 1;
