"""Makes most of what Schemathesis invents meet something that exists, and one form of a choice: left alone, nearly
every request would end in a 400 or 404.

Every choice follows from the request itself, so that a run with the same seed repeats.
"""

import json
import os
import urllib.request
import zlib

import schemathesis

ENDPOINT = os.environ["SANDBOX"]
KEY = os.environ["SEAM_API_KEY"]
REFRESH_EVERY = 200
SINCE = "2020-01-01T00:00:00Z"
# What refreshing adds, as fuzzing deletes.
SUPPLIES = {"people": 4, "candidates": 2, "unmanaged": 2, "acs_systems": 1, "devices": 1}

# By the end of a parameter's name: which list, and its key in the answer.
LISTS = {
    "user_identity_id": ("/user_identities/list", "user_identities"),
    "user_identity_key": ("/user_identities/list", "user_identities"),
    "acs_user_id": ("/acs/users/list", "acs_users"),
    "acs_system_id": ("/acs/systems/list", "acs_systems"),
    "acs_credential_id": ("/acs/credentials/list", "acs_credentials"),
    "acs_entrance_id": ("/acs/entrances/list", "acs_entrances"),
    "acs_access_group_id": ("/acs/access_groups/list", "acs_access_groups"),
    "client_session_id": ("/client_sessions/list", "client_sessions"),
    "access_grant_id": ("/access_grants/list", "access_grants"),
    "device_id": ("/devices/list", "devices"),
    "instant_key_id": ("/instant_keys/list", "instant_keys"),
    "webhook_id": ("/webhooks/list", "webhooks"),
    "space_id": ("/spaces/list", "spaces"),
    "connected_account_id": ("/connected_accounts/list", "connected_accounts"),
    "event_id": ("/events/list", "events"),
}

known = {}
choices = {}
asked = 0


def ask(path, body=None):
    headers = {"authorization": f"Bearer {KEY}", "content-type": "application/json"}
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(f"{ENDPOINT}{path}", data, headers), timeout=10) as answer:
        return json.load(answer)


def refresh():
    ask("/_sandbox/seed", SUPPLIES)
    ask("/webhooks/create", {"url": "https://example.com/hook"})
    choices.update({one["path"]: one["one_of"] for one in ask("/_sandbox/endpoints")})
    found = {name: ask(path, {"since": SINCE} if name == "event_id" else {})[many] for name, (path, many) in LISTS.items()}
    known.update({name: [one[name] for one in all if one.get(name)] for name, all in found.items()})
    known["access_method_id"] = [id for one in found["access_grant_id"] for id in one["access_method_ids"]]
    known["phone"] = [one["device_id"] for one in ask("/phones/list", {})["phones"]]
    unmanaged = ask("/user_identities/unmanaged/list", {})["user_identities"]
    known["unmanaged"] = [one["user_identity_id"] for one in unmanaged]
    known["pair"] = [one for one in found["acs_user_id"] if one.get("user_identity_id")]
    known["free"] = [one["acs_user_id"] for one in found["acs_user_id"] if not one.get("user_identity_id")]
    known["client_session_id"] = [one["client_session_id"] for one in ask("/client_sessions/list", {})["client_sessions"]][-20:]
    known["group"] = {one["acs_system_id"]: one["acs_access_group_id"] for one in found["acs_access_group_id"]}
    automations = "/user_identities/enrollment_automations/list"
    some = [ask(automations, {"user_identity_id": id})["enrollment_automations"] for id in known["user_identity_id"][-20:]]
    known["enrollment_automation_id"] = [one["enrollment_automation_id"] for all in some for one in all]


def candidates(path, name):
    one = name[:-1] if name.endswith(("ids", "keys")) else name
    if one == "device_id" and path.startswith("/phones/"):
        return known["phone"]
    if one == "user_identity_id" and "/unmanaged/" in path:
        return known["unmanaged"]
    return next((ids for end, ids in known.items() if one.endswith(end) and isinstance(ids, list)), [])


def one_choice(path, value, number):
    """Only one of the groups that exclude each other, and that one whole."""
    groups = choices.get(path) or []
    if path == "/events/list":
        value.pop("between", None)
        return {**value, "since": SINCE}
    if not groups:
        return value
    group = groups[number % len(groups)]
    others = {name for other in groups for name in other} - set(group)
    kept = {name: held for name, held in value.items() if name not in others}
    for name in group:
        kept.setdefault(name, "")
    if group == ["user_identity_id", "acs_system_id"] and known["pair"]:
        pair = known["pair"][number % len(known["pair"])]
        kept.update({name: pair[name] for name in group})
    return kept


def fitting(path, value, number):
    """What two parameters of some endpoints must have in common."""
    pair = known["pair"][number % len(known["pair"])]
    if path == "/user_identities/remove_acs_user":
        return {**value, "user_identity_id": pair["user_identity_id"], "acs_user_id": pair["acs_user_id"]}
    if path == "/user_identities/add_acs_user" and known["free"]:
        return {**value, "acs_user_id": known["free"][number % len(known["free"])]}
    if "acs_access_group_id" in value and pair["acs_system_id"] in known["group"]:
        users = {name: pair[name] for name in value if name in ("acs_user_id", "user_identity_id")}
        return {**value, **users, "acs_access_group_id": known["group"][pair["acs_system_id"]]}
    value.pop("connect_webview_ids", None)  # there are none in a sandbox
    return value


def with_real_ids(context, value):
    global asked
    if not isinstance(value, dict):
        return value
    if asked % REFRESH_EVERY == 0:
        refresh()
    asked += 1
    path = context.operation.path
    number = zlib.crc32(json.dumps(value, sort_keys=True, default=str).encode())
    if number % 8 == 0:
        return value
    changed = {}
    for place, (name, held) in enumerate(sorted(value.items(), key=str)):
        changed[name] = known_value(path, str(name), held, (number >> (place % 8)) + place)
    for name, held in (chosen := one_choice(path, changed, number >> 3)).items():
        if held == "":
            chosen[name] = known_value(path, name, held, number)
    return fitting(path, chosen, number >> 5) if known["pair"] else chosen


def known_value(path, name, held, number):
    ids = candidates(path, name)
    if not ids or number % 16 == 0:
        return held
    found = ids[number % len(ids)]
    if isinstance(held, str):
        return found
    if isinstance(held, list) and held and all(isinstance(one, str) for one in held):
        return [found]
    return held


@schemathesis.hook
def map_body(context, body):
    return with_real_ids(context, body)


@schemathesis.hook
def map_query(context, query):
    return with_real_ids(context, query)
