// A simulated Seam and a daemon that shows its page, both at ports of the system's choice, in a folder that goes away.

import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync, renameSync, openSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

export async function until(what, look) {
  for (let n = 0; n < 600; n++) {
    const found = await look();
    if (found) return found;
    await sleep(100);
  }
  throw new Error(`waited in vain for ${what}`);
}

export class Office {
  #children = [];
  folder = mkdtempSync(join(tmpdir(), "backstitch-page-"));

  // `database`: a file that was there before, of which nothing is kept.
  async open(database = "b.db") {
    const program = process.env.BACKSTITCH;
    const out = join(this.folder, "sandbox.out");
    this.#spawn(program, ["sandbox", "--people", "60", "--seed", "3", "--latency-ms", "20", "--listen", "127.0.0.1:0"], {}, out);
    const [, endpoint, key] = await until("the sandbox", () => readFileSync(out, "utf8").match(/^endpoint=(\S+)\napi_key=(\S+)$/m));
    writeFileSync(join(this.folder, "b.toml"), `[database]\npath = "${database}"\n[seam]\nrate_per_s = 500\nburst = 500\n[listen]\naddress = "127.0.0.1:0"\n[page]\nenabled = true\nactions = true\ntoken_file = "tokens"\n[[inputs]]\npath = "drop"\n`);
    writeFileSync(join(this.folder, "tokens"), `mara ${process.env.PAGE_TOKEN}\n`, { mode: 0o600 });
    mkdirSync(join(this.folder, "drop"));
    const log = join(this.folder, "run.log");
    this.#spawn(program, ["run", "--speed", "20", "--config", join(this.folder, "b.toml")], { SEAM_ENDPOINT: endpoint, SEAM_API_KEY: key }, log);
    this.base = await until("the listener", () => readFileSync(log, "utf8").match(/listening at (http:\/\/[0-9.:]+)/)?.[1]);
    return this;
  }

  #spawn(program, args, env, out) {
    const to = openSync(out, "w");
    this.#children.push(spawn(program, args, { env: { PATH: process.env.PATH, ...env }, stdio: ["ignore", to, to] }));
  }

  order(name, rows) {
    const made = join(this.folder, name);
    writeFileSync(made, rows.map((row) => JSON.stringify(row) + "\n").join(""));
    renameSync(made, join(this.folder, "drop", name));
  }

  close() {
    for (const child of this.#children) child.kill("SIGKILL");
    rmSync(this.folder, { recursive: true, force: true });
  }
}
