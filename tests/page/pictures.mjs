// Three pictures of `backstitch demo --page`, for whoever reads of it first. Ends the demonstration as a person would.

import { spawn } from "node:child_process";
import { mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { until } from "./daemon.mjs";

const need = createRequire(join(process.env.PAGE_FOLDER, "node/"));
const { chromium } = need("playwright-core");
const folder = mkdtempSync(join(tmpdir(), "backstitch-pictures-"));
const out = join(folder, "demo.out");
const demo = spawn(process.env.BACKSTITCH, ["demo", "--page", "--keep", join(folder, "demo")], { stdio: ["ignore", openSync(out, "w"), "ignore"] });
const ended = new Promise((done) => demo.on("exit", done));
let browser;
try {
  const [, once] = await until("the page", () => readFileSync(out, "utf8").match(/once:\s+(\S+)/));
  const base = new URL(once).origin;
  browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ["--no-sandbox", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"] });
  const context = await browser.newContext({ viewport: { width: 1280, height: 860 } });
  const page = await context.newPage();
  const take = (name) => page.screenshot({ path: join(process.env.PICTURES, `${name}.png`) });
  await page.goto(once);
  // An urgent leaver, its doors shut and its deletions under way.
  await until("an urgent leaver", async () => (await context.request.get(`${base}/job/urgent-03`)).ok());
  await page.emulateMedia({ colorScheme: "dark" });
  await page.goto(`${base}/job/urgent-03?show=names`);
  await page.locator(".steps [aria-current]", { hasText: /credentials|access|ACS users|phones/ }).waitFor({ timeout: 60000 });
  await take("job");
  await page.emulateMedia({ colorScheme: "light" });
  await page.goto(`${base}/?show=names`);
  await page.getByRole("link", { name: "Approve…" }).first().waitFor({ timeout: 60000 });
  await page.getByText("parked as acs_system_disconnected").first().waitFor({ timeout: 60000 });
  await take("overview");
  await page.getByRole("link", { name: "Approve…" }).first().click();
  await page.fill("#reason", "The Lyon office closes, HR-9100");
  await page.locator("main").screenshot({ path: join(process.env.PICTURES, "approve.png") });
} finally {
  await browser?.close();
  demo.kill("SIGINT");
  await ended;
  rmSync(folder, { recursive: true, force: true });
}
