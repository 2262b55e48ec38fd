"""Lives the life of life.json with the Python SDK of this environment: `python life.py NAME`, Seam by SEAM_ENDPOINT and SEAM_API_KEY."""

import datetime
import inspect
import json
import os
import pathlib
import sys
import time

import seam as sdk
from seam import exceptions

LIFE = json.loads(pathlib.Path(__file__).with_name("life.json").read_text())
NAME = sys.argv[1]
KINDS = {
    "api": exceptions.SeamHttpApiError,
    "input": exceptions.SeamHttpInvalidInputError,
    "unauthorized": exceptions.SeamHttpUnauthorizedError,
}


def client(key):
    return sdk.Seam(api_key=key, endpoint=os.environ["SEAM_ENDPOINT"])


seam = client(os.environ["SEAM_API_KEY"])
skipped, done = set(), 0


def method(place, dotted):
    """The SDK's method of this name, or None."""
    for name in dotted.split("."):
        place = getattr(place, name, None)
    return place


def filled(value, kept):
    """Puts in what earlier steps kept; KeyError if one of them was skipped."""
    if isinstance(value, str) and value.startswith("$"):
        return kept[value[1:]]
    if isinstance(value, dict):
        return {name: filled(inner, kept) for name, inner in value.items()}
    return [filled(inner, kept) for inner in value] if isinstance(value, list) else value


def field(thing, name):
    return thing.get(name) if isinstance(thing, dict) else getattr(thing, name, None)


def eventually(check):
    for _ in range(300):
        try:
            return check()
        except AssertionError:
            time.sleep(0.1)
    return check()


def raised(act, wanted):
    try:
        act()
    except Exception as error:  # whatever it is, it is judged here
        assert isinstance(error, KINDS[wanted["kind"]]), f"{error!r} is raised"
        assert (error.status_code, error.code) == (wanted["status"], wanted["code"]), (error.status_code, error.code)
        assert error.request_id, "the error has no request id"
        # The oldest generation knows the kind of the mistake only.
        if "field" in wanted and hasattr(error, "get_validation_error_messages"):
            assert error.get_validation_error_messages(wanted["field"]), f"nothing is said about {wanted['field']}"
    else:
        raise AssertionError("nothing was raised")


def plain(act, step, kept):
    sent = filled(step.get("with", {}), kept)

    def once():
        if "raises" in step:
            return raised(lambda: act(**sent), step["raises"])
        answer = act(**sent)
        for name, value in filled(step.get("expect", {}), kept).items():
            assert field(answer, name) == value, f"{name} is {field(answer, name)}"
        if "has" in step:
            wanted = filled(step["has"], kept).items()
            assert sum(all(field(one, name) == value for name, value in wanted) for one in answer) == 1, "not there once"
        if "none" in step:
            assert list(answer) == [], "something is left"
        first = answer[0] if isinstance(answer, list) and "keep" in step else answer
        for to, name in step.get("keep", {}).items():
            kept[to] = field(first, name)
            assert kept[to], f"no {name}"

    return eventually(once) if step.get("eventually") else once()


def each(act, step, kept):
    ids = [field(one, step["id"]) for one in method(seam, step["each"])(**filled(step["with"], kept))]
    assert ids, "nothing is there to go"
    for one in ids:
        act(**{step["id"]: one})

    def told():
        events = seam.events.list(since=kept["since"], event_type=step["event"])
        missing = set(ids) - {field(event, step["id"]) for event in events}
        assert not missing, f"no {step['event']} of {missing}"

    eventually(told)


def pages(act, step, _kept):
    whole = [field(one, step["id"]) for one in act(limit=500)]
    paginator = seam.create_paginator(act, {"limit": step["limit"]})
    found = []
    page, state = paginator.first_page()
    found.append(page)
    while state.has_next_page:
        page, state = paginator.next_page(state.next_page_cursor)
        found.append(page)
    assert len(found) > 1, "there is one page only"
    assert [field(one, step["id"]) for page in found for one in page] == whole
    flat = seam.create_paginator(act, {"limit": step["limit"]}).flatten()
    assert [field(one, step["id"]) for one in flat] == whole


def lacks(act, step, kept):
    """Whether this SDK has no such method or parameter, or what it needs was skipped."""
    if act is None or ("pages" in step and not hasattr(seam, "create_paginator")):
        return True
    try:
        filled(step.get("with", {}), kept)
    except KeyError:
        return True
    return "each" not in step and not set(step.get("with", {})) <= set(inspect.signature(act).parameters)


def run(steps, kept):
    global done
    for step in steps:
        called = step.get("pages") or step["do"]
        act = method(client(step["as"]) if "as" in step else seam, called)
        if lacks(act, step, kept):
            skipped.add(f"{'pages of ' if 'pages' in step else ''}{called}({', '.join(step.get('with', {}))})")
            continue
        try:
            kind = pages if "pages" in step else each if "each" in step else plain
            kind(act, step, kept)
        except Exception as error:
            raise RuntimeError(f"{NAME}: {json.dumps(step)}") from error
        done += 1


def main():
    now = datetime.datetime.now(datetime.timezone.utc)
    at = lambda minutes: (now + datetime.timedelta(minutes=minutes)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    base = {"since": at(-1), "later": at(60)}
    run(LIFE["before"], base)
    for nth, end in enumerate(["ordered", "cascade"]):
        names = {"key": f"{NAME}-{end}", "email": f"{NAME}-{end}@example.com", "phone": f"+1555700000{nth}"}
        run(LIFE["build"] + LIFE[end], {**base, **names})
    run(LIFE["after"], base)
    agreed = LIFE["skips"].get(NAME, [])
    assert sorted(skipped) == agreed, f"other steps than agreed were skipped: {sorted(skipped)}"
    print(f"  {NAME}: {done} steps, {len(skipped)} kinds of step skipped, as agreed for what this generation lacks")


main()
