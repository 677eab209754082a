// What pages do by themselves: times in the reader's zone, keys, dialogs, and new data without losing one's place.
"use strict";
(() => {
  const main = () => document.getElementById("main");
  const live = document.getElementById("live");

  // --- Times: the document holds UTC, which stays in the title.
  const thisYear = new Date().getFullYear();
  const short = new Intl.DateTimeFormat(undefined, { month: "short", day: "numeric", hour: "2-digit", minute: "2-digit" });
  const long = new Intl.DateTimeFormat(undefined, { year: "numeric", month: "short", day: "numeric", hour: "2-digit", minute: "2-digit" });
  function localise(root) {
    for (const time of root.querySelectorAll("time[datetime]")) {
      const at = new Date(time.dateTime);
      if (Number.isNaN(at.getTime())) continue;
      time.textContent = (at.getFullYear() === thisYear ? short : long).format(at);
    }
  }

  // --- Parts that CSS cannot know: a share between 0 and 1 becomes a width.
  function dress(root) {
    localise(root);
    for (const bar of root.querySelectorAll("[data-share]")) bar.style.setProperty("--share", bar.dataset.share);
  }

  // --- Light or dark.
  document.getElementById("theme")?.addEventListener("click", () => {
    const dark = matchMedia("(prefers-color-scheme: dark)").matches;
    const now = document.documentElement.dataset.theme ?? (dark ? "dark" : "light");
    const next = now === "dark" ? "light" : "dark";
    document.documentElement.dataset.theme = next;
    try {
      localStorage.setItem("theme", next);
    } catch {
      // It holds for this page only.
    }
  });

  // --- Dialogs, copying, choosing all.
  document.addEventListener("click", (event) => {
    const opener = event.target.closest("[data-opens]");
    if (opener) {
      const dialog = document.getElementById(opener.dataset.opens);
      if (dialog instanceof HTMLDialogElement) {
        // A link leads to the same form on a page of its own, for whoever has no script.
        event.preventDefault();
        if (!dialog.open) dialog.showModal();
      }
      return;
    }
    const closer = event.target.closest("[data-closes]");
    if (closer) {
      closer.closest("dialog")?.close();
      return;
    }
    const copier = event.target.closest("[data-copy]");
    if (copier) {
      navigator.clipboard?.writeText(copier.dataset.copy).then(() => say("Copied."));
    }
  });
  document.addEventListener("change", (event) => {
    const all = event.target.closest("[data-all]");
    if (!all) return;
    for (const box of document.querySelectorAll(`input[type=checkbox][name="${CSS.escape(all.dataset.all)}"]`)) {
      box.checked = all.checked;
    }
  });
  // A form is sent once, however often its button is pressed.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.method === "post" && form.dataset.sent) event.preventDefault();
    else if (form.method === "post") form.dataset.sent = "1";
  });
  window.addEventListener("pageshow", () => {
    for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
  });

  // --- Keys. Never while somebody types, and never instead of the browser's own.
  let leading = false;
  // A dialog that has just closed keeps the focus until the browser draws again: nobody types there.
  const typing = (target) =>
    target.closest("input, textarea, select, [contenteditable], dialog[open]") && !target.closest("dialog:not([open])");
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
    if (leading) {
      leading = false;
      const link = document.querySelector(`[data-go="${CSS.escape(event.key)}"]`);
      if (link) {
        event.preventDefault();
        link.click();
      }
      return;
    }
    if (event.key === "g") {
      leading = true;
      setTimeout(() => (leading = false), 1500);
      return;
    }
    if (event.key === "j" || event.key === "k") {
      step(event.key === "j" ? 1 : -1);
      event.preventDefault();
      return;
    }
    const wanted = document.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
    if (!wanted) return;
    event.preventDefault();
    if (wanted.matches("input, textarea, select")) wanted.focus();
    else wanted.click();
  });
  // Rows are walked by their first link, so that Enter opens it and a screen reader says it.
  function step(by) {
    const links = [...document.querySelectorAll("[data-row]")].map((row) => row.querySelector("a[href]")).filter(Boolean);
    if (!links.length) return;
    const row = document.activeElement?.closest?.("[data-row]");
    const at = links.findIndex((link) => link.closest("[data-row]") === row);
    const next = links[at < 0 ? (by > 0 ? 0 : links.length - 1) : Math.min(Math.max(at + by, 0), links.length - 1)];
    next.focus();
    next.scrollIntoView({ block: "nearest" });
  }

  // --- New data: the server says that something changed; the page is fetched and morphed, which keeps scroll, focus,
  // open folds and what is being typed. While a dialog or a form is in use the reader decides when.
  const GONE = "The service does not answer: what you see is as it was.";
  function say(text, action, stays = false) {
    live.replaceChildren();
    if (!text) return;
    const note = document.createElement("p");
    note.textContent = text;
    if (action) {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = action.label;
      button.addEventListener("click", action.run);
      note.append(" ", button);
    }
    live.append(note);
    if (!action && !stays) setTimeout(() => note.remove(), 4000);
  }
  const inUse = () =>
    document.querySelector("#main dialog[open]") ||
    document.activeElement?.closest?.("#main input, #main textarea, #main select") ||
    document.querySelector("#main input[type=checkbox]:checked:not([data-kept])") ||
    String(getSelection()).length > 0;
  let fetching = false;
  let outdated = false;
  async function refresh() {
    if (fetching) {
      // What is on its way may have been made before this was recorded.
      outdated = true;
      return;
    }
    fetching = true;
    try {
      const answer = await fetch(location.href, { headers: { accept: "text/html" }, credentials: "same-origin" });
      if (answer.redirected && new URL(answer.url).pathname === "/login") {
        location.reload();
        return;
      }
      if (!answer.ok) throw new Error(String(answer.status));
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("main");
      if (!fresh || !main()) return;
      dress(fresh);
      Idiomorph.morph(main(), fresh, {
        callbacks: {
          // What the reader opened stays open.
          beforeAttributeUpdated: (name, element) => !(name === "open" && element.matches("details, dialog")),
          // What is being typed stays, and what was fetched into the page, unless it is about something else now.
          beforeNodeMorphed: (old, fresh) =>
            !(old instanceof Element && ((old === document.activeElement && old.matches("input, textarea, select")) || (old.matches("[data-loaded]") && old.dataset.of === fresh.dataset?.of))),
        },
      });
      htmx.process(main());
      say("");
    } catch {
      say(GONE, undefined, true);
    } finally {
      fetching = false;
    }
    if (outdated) {
      outdated = false;
      changed();
    }
  }
  function changed() {
    if (inUse()) say("There is something new.", { label: "Show it", run: refresh });
    else refresh();
  }
  let stream = null;
  // What the page was made from: an audit that ended before it listened is news, too.
  let seen = main()?.dataset.live || null;
  function listen() {
    if (stream || !main()?.hasAttribute("data-live")) return;
    stream = new EventSource("/events");
    // It connects again by itself. Closing it is no error, so a page that is left says nothing.
    let gone = false;
    stream.addEventListener("error", () => {
      gone = true;
      say(GONE, undefined, true);
    });
    stream.addEventListener("open", () => {
      if (gone) say("");
      gone = false;
    });
    stream.addEventListener("pulse", (event) => {
      const before = seen;
      seen = event.data;
      // For whoever has to know from when on news are noticed.
      document.documentElement.dataset.told = "";
      if (before !== null && before !== seen) changed();
    });
  }
  // A page in the background holds no connection: browsers allow six to a host.
  function sight() {
    if (document.hidden) {
      stream?.close();
      stream = null;
    } else listen();
  }
  document.addEventListener("visibilitychange", sight);
  window.addEventListener("pagehide", () => {
    stream?.close();
    stream = null;
  });

  document.body.addEventListener("htmx:afterSwap", (event) => dress(event.detail.elt));
  document.body.addEventListener("htmx:responseError", () => say("That did not work: reload the page to see why."));
  document.body.addEventListener("htmx:sendError", () => say(GONE, undefined, true));
  dress(document);
  sight();
})();
