"""Svix's own library as the judge of webhooks: it believes what the sandbox sends, and the daemon believes what it signs, each
no more than that. Seam sends its webhooks through Svix, and Seam's own SDK verifies them with this library."""

import datetime
import http.client
import http.server
import json
import os
import queue
import re
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request

from svix.webhooks import Webhook, WebhookVerificationError

BINARY = os.environ["BACKSTITCH"]
PATIENCE_S = 60
checks = 0


def check(good, what):
    global checks
    checks += 1
    if not good:
        sys.exit(f"not so: {what}")


def within(what, look):
    """What `look` finds, in time."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        found = look()
        if found:
            return found
        time.sleep(0.05)
    sys.exit(f"waited in vain for {what}")


def refuses(webhook, body, headers):
    try:
        webhook.verify(body, headers)
    except WebhookVerificationError:
        return True
    return False


class Sandbox:
    def __init__(self, running):
        args = [BINARY, "sandbox", "--people", "2", "--speed", "100", "--quiet"]
        self.process = subprocess.Popen(args, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        running.append(self.process)
        self.endpoint, self.key = (self.process.stdout.readline().strip().partition("=")[2] for _ in range(2))

    def ask(self, path, **params):
        head = {"authorization": f"Bearer {self.key}", "content-type": "application/json"}
        request = urllib.request.Request(self.endpoint + path, json.dumps(params).encode(), head)
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)


def what_the_sandbox_sends(sandbox):
    """Each posting is verified; changed, or with another secret, it is not."""
    taken = queue.Queue()

    class Hook(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            taken.put((dict(self.headers.items()), self.rfile.read(int(self.headers["content-length"]))))
            # The first try fails, so that one is repeated.
            self.send_response(500 if taken.qsize() == 1 else 204)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hook)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}/webhooks/seam"
    made = sandbox.ask("/webhooks/create", url=url, event_types=["client_session.deleted"])["webhook"]
    person = sandbox.ask("/user_identities/create", user_identity_key="hooked")["user_identity"]["user_identity_id"]
    for _ in range(3):
        session = sandbox.ask("/client_sessions/create", user_identity_ids=[person])["client_session"]
        sandbox.ask("/client_sessions/delete", client_session_id=session["client_session_id"])
    within("four tries at three events", lambda: taken.qsize() >= 4)
    webhook, other = Webhook(made["secret"]), Webhook("whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD")
    ids = []
    while not taken.empty():
        headers, body = taken.get()
        event = webhook.verify(body, headers)
        check(event["event_type"] == "client_session.deleted", "the bare event is the body")
        check(refuses(webhook, body + b" ", headers) and refuses(other, body, headers), "and nothing else is believed")
        ids.append(headers["svix-id"])
    check(len(set(ids)) == 3 and len(ids) > 3, "a try that failed is made again under the same id")
    sandbox.ask("/webhooks/delete", webhook_id=made["webhook_id"])
    server.shutdown()


def post(address, body, headers):
    connection = http.client.HTTPConnection(address, timeout=10)
    connection.request("POST", "/webhooks/seam", body, headers)
    return connection.getresponse().status


def what_the_daemon_believes(sandbox, folder, running):
    """What the library signs, and nothing else."""
    secret = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
    settings = '[database]\npath = "b.db"\n[listen]\naddress = "127.0.0.1:0"\n[webhook]\nsecret_file = "secret"\n'
    with open(os.open(f"{folder}/secret", os.O_CREAT | os.O_WRONLY, 0o600), "w") as file:
        file.write(secret)
    with open(f"{folder}/b.toml", "w") as file:
        file.write(settings)
    env = {"SEAM_ENDPOINT": sandbox.endpoint, "SEAM_API_KEY": sandbox.key}
    with open(f"{folder}/log", "w") as log:
        running.append(subprocess.Popen([BINARY, "run", "--config", f"{folder}/b.toml"], env=env, stderr=log))
    said = within("the listener", lambda: re.search(r"listening at http://([0-9.:]+)", open(f"{folder}/log").read()))
    address = said.group(1)
    webhook, now = Webhook(secret), datetime.datetime.now(datetime.timezone.utc)
    workspace = sandbox.ask("/workspaces/get")["workspace"]["workspace_id"]
    body = json.dumps({"event_id": "e", "event_type": "acs_user.deleted", "workspace_id": workspace, "é": "ü"})

    def signed(nth, at, by=webhook, brand="svix"):
        names = {"id": f"msg_{nth}", "timestamp": str(int(at.timestamp())), "signature": by.sign(f"msg_{nth}", at, body)}
        return {f"{brand}-{name}": value for name, value in names.items()}

    minutes = datetime.timedelta(minutes=1)
    check(post(address, body.encode(), signed(1, now)) == 200, "what the library signed is taken")
    check(post(address, body.encode(), signed(2, now, brand="webhook")) == 200, "under the headers' other names, too")
    rotated = signed(3, now)
    rotated["svix-signature"] = "v1a,AAAA v1,AAAA " + rotated["svix-signature"]
    webhook.verify(body, rotated)
    check(post(address, body.encode(), rotated) == 200, "one of several signatures is enough")
    for off, status in [(-4 * minutes, 200), (4 * minutes, 200), (-6 * minutes, 401), (6 * minutes, 401)]:
        headers = signed(4, now + off)
        check(refuses(webhook, body, headers) == (status == 401), f"the library's tolerance, {off}")
        check(post(address, body.encode(), headers) == status, f"the daemon's tolerance, {off}")
    forged = signed(5, now, by=Webhook("whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"))
    for changed, headers in [(body, forged), (body + " ", signed(6, now)), (body, {**signed(7, now), "svix-id": "msg_8"})]:
        check(refuses(webhook, changed, headers), "the library refuses it")
        check(post(address, changed.encode(), headers) == 401, "and so does the daemon")
    check(post(address, body.encode(), {}) == 401, "unsigned")


def main():
    running = []
    with tempfile.TemporaryDirectory() as folder:
        try:
            sandbox = Sandbox(running)
            what_the_sandbox_sends(sandbox)
            what_the_daemon_believes(sandbox, folder, running)
        finally:
            for process in reversed(running):
                process.terminate()
                process.wait(PATIENCE_S)
    print(f"{checks} checks by svix {__import__('importlib.metadata').metadata.version('svix')}")


main()
