// Walks the pages in a real browser: at a desk, on a phone, on a wall, in the dark, without script; axe judges each, as nobody and as somebody. Then the stories.

import { randomBytes } from "node:crypto";
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Office, until } from "./daemon.mjs";
import * as stories from "./stories.mjs";

const folder = process.env.PAGE_FOLDER;
process.env.PAGE_TOKEN = randomBytes(24).toString("hex");
const need = createRequire(join(folder, "node/"));
const { chromium } = need("playwright-core");
const axe = readFileSync(need.resolve("axe-core/axe.min.js"), "utf8");

const SHAPES = {
  desk: { viewport: { width: 1280, height: 1000 } },
  phone: { viewport: { width: 360, height: 740 } },
  wall: { viewport: { width: 3840, height: 2160 } },
  dark: { viewport: { width: 1280, height: 1000 }, colorScheme: "dark" },
  noscript: { viewport: { width: 1280, height: 1000 }, javaScriptEnabled: false },
};
const PAGES = { overview: "/", jobs: "/jobs?state=all", job: "/job/left-1", held: "/job/nobody", person: "/person?q=emp-1001", people: "/person?q=emp", search: "/person", intake: "/intake", odd: "/jobs?stat=1", nothing: "/nothing" };
const ACTS = { login: "/login", overview: "/", approve: "/do/approve?batch=2", release: "/do/release?state=held", cancel: "/do/cancel?state=held&batch=2", idle: "/do/hold?job=1", batch: "/jobs?state=all&batch=2", refused: "/do/retry" };

const faults = [];
const must = (good, words) => { if (!good) faults.push(words); };

// By the debugger, which the page's policy does not bind.
async function judge(context, page) {
  const session = await context.newCDPSession(page);
  await session.send("Runtime.evaluate", { expression: axe });
  const expression = "axe.run(document, { resultTypes: ['violations'] }).then((found) => JSON.stringify(found.violations.map((one) => `${one.impact} ${one.id}: ${one.nodes[0].html.slice(0, 120)}`)))";
  const { result } = await session.send("Runtime.evaluate", { expression, awaitPromise: true, returnByValue: true });
  return JSON.parse(result.value);
}

async function look(browser, base, shape, options, pages, known) {
  const more = { ...options, locale: "de-DE", timezoneId: "Asia/Kolkata" };
  const context = known ? await stories.signedIn(browser, base, more) : await browser.newContext(more);
  for (const [name, path] of Object.entries(pages)) {
    const page = await context.newPage();
    const at = `${shape} ${path}`;
    page.on("request", (request) => must(request.url().startsWith(base), `${at} asks outside: ${request.url()}`));
    page.on("console", (said) => must(said.type() !== "error" || said.text().includes("status of 40"), `${at}: ${said.text()}`));
    page.on("pageerror", (error) => must(false, `${at}: ${error}`));
    await page.goto(base + path);
    must((await page.locator("h1").count()) === 1, `${at} has no single heading`);
    if (options.javaScriptEnabled !== false) {
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      must(wide <= 0, `${at} scrolls sideways by ${wide}`);
      for (const found of await judge(context, page)) must(false, `${at}: ${found}`);
      const time = page.locator("main time").first();
      if (await time.count()) {
        const [iso, shown, title] = [await time.getAttribute("datetime"), await time.textContent(), await time.getAttribute("title")];
        must(title.endsWith(" UTC") && !iso.startsWith(shown.replace(" ", "T").slice(0, 16)), `${at}: ${shown} is not the viewer's, or UTC is not told: ${title}`);
      }
    }
    await page.screenshot({ path: join(folder, `${shape}-${known ? "acts-" : ""}${name}.png`) });
    await page.close();
  }
  await context.close();
}

const office = new Office();
let browser, refused = 0;
try {
  await office.open();
  browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ["--no-sandbox", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"] });
  const left = [1, 2, 3, 4].map((n) => ({ job_key: `left-${n}`, workflow: "offboard", user_identity_key: `emp-${1000 + n}`, reason: "contract ended" }));
  office.order("first.jsonl", [...left, { job_key: "nobody", workflow: "offboard", email_address: "no.body@example.com", full_name: "No <b>Body</b>" }, { job_key: "bad", workflow: "offbord" }]);
  await until("the first leaver", async () => (await (await fetch(`${office.base}/job/left-1`)).text()).includes("Certificate 1") || (await (await fetch(`${office.base}/jobs?state=succeeded`)).text()).includes("left-1"));
  const page = (path) => fetch(office.base + path).then((answer) => answer.text());
  office.order("mass.jsonl", Array.from({ length: 30 }, (_, n) => ({ job_key: `mass-${n}`, workflow: "offboard", user_identity_key: `emp-${1005 + n}` })));
  await until("the held batch", async () => (await page("/")).includes("Batch 2"));
  for (const [shape, options] of Object.entries(SHAPES)) {
    await look(browser, office.base, shape, options, PAGES, false);
    await look(browser, office.base, shape, options, ACTS, true);
  }
  for (const story of ["search", "keyboard", "leaver", "batch", "plain", "hidden"]) {
    await stories[story](browser, office, folder, must).catch((error) => must(false, `${story}: ${error}`));
  }
  refused = await stories.policy(browser, office, folder, must);
  if (process.env.PAGE_DB) {
    const archive = await new Office().open(process.env.PAGE_DB);
    console.log((await stories.big(browser, archive, folder, must).finally(() => archive.close())).join(", "));
  }
} catch (error) {
  faults.push(String(error?.stack ?? error));
} finally {
  await browser?.close();
  office.close();
}
for (const fault of faults) console.log(fault);
const looks = Object.keys(SHAPES).length * (Object.keys(PAGES).length + Object.keys(ACTS).length);
console.log(`${looks} looks, 6 stories, ${refused} attempts against the policy: ${faults.length} faults; screenshots in ${folder}`);
process.exit(faults.length ? 1 : 0);
