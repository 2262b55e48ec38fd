// Walks the pages in a real browser: at a desk, on a phone, on a wall, in the dark, without script; axe judges each. Then the stories.

import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Office, until } from "./daemon.mjs";

const folder = process.env.PAGE_FOLDER;
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

async function look(browser, base, shape, options) {
  const context = await browser.newContext({ ...options, locale: "de-DE", timezoneId: "Asia/Kolkata" });
  for (const [name, path] of Object.entries(PAGES)) {
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
    await page.screenshot({ path: join(folder, `${shape}-${name}.png`) });
    await page.close();
  }
  await context.close();
}

// An urgent leaver, live from the order to the certificate: nobody loads the page again.
async function leaver(browser, office) {
  const page = await browser.newPage({ viewport: SHAPES.desk.viewport });
  office.order("urgent.jsonl", [{ job_key: "urgent-1", workflow: "offboard", user_identity_key: "emp-1040", priority: "urgent", cut_first: true }]);
  await until("the job", async () => (await page.goto(`${office.base}/job/urgent-1`)).ok());
  await page.evaluate(() => { window.stays = true; });
  await page.locator("h1", { hasText: "succeeded" }).waitFor({ timeout: 60000 });
  await page.getByText("Certificate").first().waitFor();
  must(await page.evaluate(() => window.stays), "the page was loaded again");
  await page.screenshot({ path: join(folder, "story-leaver.png") });
  await page.close();
}

// A held batch stands on the overview until somebody approves it.
async function batch(browser, office) {
  const page = await browser.newPage({ viewport: SHAPES.desk.viewport });
  await page.goto(office.base);
  office.order("mass.jsonl", Array.from({ length: 30 }, (_, n) => ({ job_key: `mass-${n}`, workflow: "offboard", user_identity_key: `emp-${1005 + n}` })));
  await page.getByText("revocations").first().waitFor({ timeout: 60000 });
  const id = (await page.locator("a.who", { hasText: "Batch" }).first().textContent()).split(" ")[1];
  await page.screenshot({ path: join(folder, "story-held.png") });
  await office.command("approve", id, "--yes", "--reason", "the plant closes");
  await page.locator("a.who", { hasText: `Batch ${id}` }).waitFor({ state: "detached", timeout: 60000 });
  await page.screenshot({ path: join(folder, "story-approved.png") });
  await page.close();
}

async function keyboard(browser, base) {
  const page = await browser.newPage();
  await page.goto(base);
  await page.keyboard.press("Tab");
  must((await page.evaluate(() => document.activeElement.className)) === "skip", "the first stop is not the skip link");
  await page.keyboard.press("Enter");
  must((await page.evaluate(() => location.hash)) === "#main", "the skip link leads nowhere");
  await page.fill("#q", "emp-1001");
  await page.keyboard.press("Enter");
  await page.locator("h1", { hasText: "emp-1001" }).waitFor();
  await page.close();
}

const office = new Office();
let browser;
try {
  await office.open();
  browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ["--no-sandbox", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"] });
  const left = [1, 2, 3, 4].map((n) => ({ job_key: `left-${n}`, workflow: "offboard", user_identity_key: `emp-${1000 + n}`, reason: "contract ended" }));
  office.order("first.jsonl", [...left, { job_key: "nobody", workflow: "offboard", email_address: "no.body@example.com", full_name: "No <b>Body</b>" }, { job_key: "bad", workflow: "offbord" }]);
  await until("the first leaver", async () => (await (await fetch(`${office.base}/job/left-1`)).text()).includes("Certificate 1") || (await (await fetch(`${office.base}/jobs?state=succeeded`)).text()).includes("left-1"));
  for (const [shape, options] of Object.entries(SHAPES)) await look(browser, office.base, shape, options);
  await leaver(browser, office);
  await batch(browser, office);
  await keyboard(browser, office.base);
} catch (error) {
  faults.push(String(error?.stack ?? error));
} finally {
  await browser?.close();
  office.close();
}
for (const fault of faults) console.log(fault);
console.log(`${Object.keys(SHAPES).length * Object.keys(PAGES).length} looks, 3 stories: ${faults.length} faults; screenshots in ${folder}`);
process.exit(faults.length ? 1 : 0);
