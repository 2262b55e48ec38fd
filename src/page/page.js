// Everything here is a convenience: each page is whole without it. It shows times in the viewer's zone (UTC on hover), and asks for the
// page again when the daemon says that something has changed.
"use strict";
(() => {
  const two = (number) => String(number).padStart(2, "0");
  const shown = (at) => `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
  const REST_MS = 2000;
  let last = 0, timer = 0, missed = false;

  const times = (root) => {
    for (const time of root.querySelectorAll("time[datetime]")) {
      const at = new Date(time.dateTime);
      if (Number.isNaN(at.getTime())) continue;
      time.title = `${time.textContent.replace(/Z$/, "")} UTC`;
      time.textContent = shown(at);
    }
  };

  // Who marks text or fills a field in keeps it.
  const busy = (main) => {
    const own = document.activeElement;
    const fills = own && main.contains(own) && /^(INPUT|SELECT|TEXTAREA)$/.test(own.tagName);
    return fills || !(document.getSelection() || { isCollapsed: true }).isCollapsed;
  };

  const say = (words) => {
    const live = document.getElementById("live");
    if (live && live.textContent !== words) live.textContent = words;
  };

  const renew = async () => {
    timer = 0;
    const main = document.getElementById("main");
    if (document.hidden || busy(main)) { missed = true; return; }
    missed = false;
    last = Date.now();
    try {
      const answer = await fetch(location.href, { headers: { accept: "text/html" }, cache: "no-store" });
      if (!answer.ok) throw new Error(answer.status);
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const next = page.getElementById("main");
      if (!next || busy(main)) { missed = true; return; }
      const focus = main.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
      times(next);
      main.replaceChildren(...next.childNodes);
      const again = focus && [...main.querySelectorAll("a[href]")].find((link) => link.getAttribute("href") === focus);
      if (again) again.focus({ preventScroll: true });
      const [old, fresh] = [document, page].map((one) => one.querySelector("footer time"));
      if (old && fresh) { times(fresh.parentNode); old.replaceWith(fresh); }
      say("and live");
    } catch {
      say("and not live: the daemon does not answer");
    }
  };

  const soon = () => {
    if (!timer) timer = setTimeout(renew, Math.max(0, last + REST_MS - Date.now()));
  };

  // A browser keeps no more than six connections to one place: who is not looked at lets go of theirs.
  let source = null;
  const listen = (feed, again) => {
    if (source || document.hidden) return;
    source = new EventSource(feed);
    source.addEventListener("hello", () => { say("and live"); if (again) soon(); again = true; });
    source.addEventListener("changed", soon);
    source.addEventListener("error", () => {
      // Else the browser asks again by itself.
      if (source && source.readyState === EventSource.CLOSED) {
        source = null;
        say("and not live at the moment");
        setTimeout(() => listen(feed, true), 10000);
      }
    });
  };

  const shownOrHidden = (feed) => {
    if (!document.hidden) { listen(feed, true); if (missed) soon(); return; }
    if (source) source.close();
    source = null;
  };

  times(document);
  const feed = document.body.dataset.live;
  if (feed && "EventSource" in window) {
    listen(feed, false);
    document.addEventListener("visibilitychange", () => shownOrHidden(feed));
    document.addEventListener("selectionchange", () => { if (missed && !busy(document.getElementById("main"))) soon(); });
  }
})();
