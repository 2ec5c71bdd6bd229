// Improves pages that already work without it: focus, waiting, codes, double sends, passwords, choosing many, keys,
// files, ends.
(() => {
  "use strict";

  const all = (selector, root = document) => [...root.querySelectorAll(selector)];

  const say = (text) => {
    const live = document.getElementById("live");
    if (live) live.textContent = text;
  };

  document.getElementById("problems")?.focus();

  // Who does nothing for long is signed out. The page says so before, and never throws away what somebody typed.
  const idle = document.getElementById("idle");
  if (idle) {
    const ALLOWED = Number(idle.dataset.idle);
    const EARLY = Math.min(120, ALLOWED / 5);
    const LONGEST_TIMER = 86400;
    const stay = idle.querySelector("button");
    const signIn = idle.querySelector("a");
    const tabs = "BroadcastChannel" in window ? new BroadcastChannel("vestibule-activity") : null;
    let ends, timer, before;
    let over = false;

    const later = (act, seconds) => {
      clearTimeout(timer);
      timer = setTimeout(act, 1000 * Math.min(Math.max(seconds, 0.2), LONGEST_TIMER));
    };
    const inField = (element) => element?.closest("input, textarea, select");
    const typed = () => {
      const refused = document.getElementById("problems");
      return all("input, textarea").some((field) => {
        if (field.readOnly || ["hidden", "password"].includes(field.type)) return false;
        if (["checkbox", "radio"].includes(field.type)) return field.checked !== field.defaultChecked;
        return field.value !== (refused ? "" : field.defaultValue);
      });
    };

    // It comes up without taking the focus from somebody who types; then it is read aloud instead.
    const tell = (focus) => {
      const comes = idle.hidden;
      idle.hidden = false;
      if (comes) before = document.activeElement;
      if (comes && !inField(before)) return focus.focus({ preventScroll: true });
      if (comes) before.scrollIntoView({ block: "nearest" });
      const sentence = all("#idle-text > span", idle).find((part) => !part.hidden).textContent;
      say(over || !inField(document.activeElement) ? sentence : `${sentence} Press Escape to stay signed in.`);
    };
    const hide = () => {
      if (idle.contains(document.activeElement)) before?.focus({ preventScroll: true });
      idle.hidden = true;
      say("");
    };
    const inWords = (seconds) => {
      if (seconds > 90) return `${Math.round(seconds / 60)} minutes`;
      if (seconds > 45) return "1 minute";
      return seconds > 15 ? "less than a minute" : "a few seconds";
    };
    const warn = (seconds) => {
      const left = idle.querySelector("[data-idle-left]");
      const words = inWords(seconds);
      if (!idle.hidden && left.textContent === words) return;
      left.textContent = words;
      tell(stay);
    };
    const end = (why) => {
      over = true;
      clearTimeout(timer);
      const query = new URLSearchParams({ ...(why && { why }), next: location.pathname + location.search });
      signIn.href = `/login?${query}`;
      if (!typed()) return location.replace(signIn.href);
      for (const part of all("[data-idle-over]", idle)) part.hidden = false;
      if (idle.contains(document.activeElement)) signIn.focus();
      for (const part of all("[data-idle-soon]", idle)) part.hidden = true;
      tell(signIn);
    };

    const plan = () => {
      const left = (ends - Date.now()) / 1000;
      if (left > EARLY) {
        if (!idle.hidden) hide();
        later(ask, left - EARLY);
      } else if (left > 0) {
        warn(left);
        later(plan, Math.min(left + 0.1, 1));
      } else later(ask, 1);
    };
    const isAwake = (seconds) => {
      ends = Date.now() + 1000 * seconds;
      plan();
    };
    // The server knows of activity elsewhere. Asked in the background, it does not take the question for activity.
    const ask = async () => {
      if (over) return;
      try {
        await learn({ "X-Background": "1" });
      } catch {
        later(ask, 5);
      }
    };
    const learn = async (headers) => {
      const answer = await fetch("/account/awake", { headers });
      if (answer.redirected) return end(new URL(answer.url).searchParams.get("why"));
      const left = (await answer.json()).seconds_left;
      if (left !== null) isAwake(left);
    };
    const goOn = async () => {
      if (over) return;
      await learn({});
      if (!over) tabs?.postMessage("active");
    };

    stay.addEventListener("click", () => goOn().catch(() => {}));
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && !idle.hidden) goOn().catch(() => {});
    });
    document.addEventListener("visibilitychange", () => document.hidden || ask());
    tabs?.addEventListener("message", () => over || isAwake(ALLOWED));
    tabs?.postMessage("active");
    // The forms of an ended session lead nowhere any more.
    document.addEventListener(
      "submit",
      (event) => {
        if (!over) return;
        event.preventDefault();
        signIn.focus();
      },
      true,
    );
    isAwake(ALLOWED);
  }

  // The menu of the bar opens without this; it closes by Escape, and when one goes on elsewhere.
  for (const menu of all("details[data-menu]")) {
    document.addEventListener("click", (event) => menu.contains(event.target) || (menu.open = false));
    menu.addEventListener("focusout", (event) => {
      if (event.relatedTarget && !menu.contains(event.relatedTarget)) menu.open = false;
    });
    menu.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || !menu.open) return;
      event.stopPropagation();
      menu.open = false;
      menu.querySelector("summary").focus();
    });
  }

  // A form is sent once; coming back to the page makes it usable again.
  const settle = (button) => {
    button.disabled = false;
    button.removeAttribute("aria-busy");
  };
  document.addEventListener("submit", (event) => {
    if (event.defaultPrevented) return;
    for (const input of all("input[data-revealed]", event.target)) input.type = "password";
    for (const button of all("button[type=submit]", event.target)) {
      button.setAttribute("aria-busy", "true");
      // After this turn, so that the button's own value is still sent.
      setTimeout(() => (button.disabled = true));
      setTimeout(settle, 15000, button);
    }
  });
  window.addEventListener("pageshow", () => all("button[aria-busy]").forEach(settle));

  for (const button of all("button[data-reveal]")) {
    const input = document.getElementById(button.dataset.reveal);
    button.hidden = false;
    button.addEventListener("click", () => {
      const show = input.type === "password";
      input.type = show ? "text" : "password";
      input.toggleAttribute("data-revealed", show);
      button.textContent = show ? "Hide" : "Show";
      button.setAttribute("aria-label", `${show ? "Hide" : "Show"} ${button.dataset.what}`);
    });
  }

  // Whoever chooses a password reads how hard it is to guess. The server knows; no form waits for it.
  for (const place of all("[data-strength]")) {
    const PAUSE = 300;
    const input = document.getElementById(place.dataset.strength);
    const meter = place.querySelector("meter");
    const words = place.querySelector("p");
    const known = (name) => input.form.dataset[name] ?? input.form.elements[name]?.value ?? "";
    let timer, asked;

    const show = (strength) => {
      meter.hidden = !strength;
      meter.value = strength?.score ?? 0;
      words.textContent = strength ? (strength.refused ?? strength.sentence) : "";
    };
    const ask = async () => {
      asked = new AbortController();
      const names = ["username", "email", "institution"].map((name) => [name, known(name)]);
      const answer = await fetch("/password-strength", {
        method: "POST",
        headers: { "Content-Type": "application/json", "X-Background": "1" },
        body: JSON.stringify({ password: input.value, ...Object.fromEntries(names) }),
        signal: asked.signal,
      });
      show(answer.ok ? await answer.json() : null);
    };
    input.addEventListener("input", () => {
      clearTimeout(timer);
      asked?.abort();
      if (!input.value) return show(null);
      timer = setTimeout(() => ask().catch((error) => error.name === "AbortError" || show(null)), PAUSE);
    });
  }

  for (const input of all("[data-select]")) {
    input.addEventListener("focus", () => input.select());
  }

  for (const button of all("button[data-copy]")) {
    const source = document.getElementById(button.dataset.copy);
    button.hidden = !navigator.clipboard;
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(source.value ?? source.textContent);
        button.textContent = "Copied";
        say("Copied");
      } catch {
        getSelection().selectAllChildren(source);
        source.focus();
      }
    });
  }

  // A link from a mail carries its code behind the "#", which no server and no log ever sees.
  const codeInput = document.querySelector("input[data-from-fragment]");
  const arrive = (code) => {
    codeInput.value = code;
    codeInput.closest(".field").hidden = true;
    for (const line of all("[data-code-by-hand]")) line.hidden = true;
    for (const line of all("[data-code-arrived]")) line.hidden = false;
  };
  const takeCode = () => {
    const code = new URLSearchParams(location.hash.slice(1)).get("token");
    if (!code || !codeInput) return;
    arrive(code);
    history.replaceState(null, "", location.pathname + location.search);
  };
  takeCode();
  // A second link, opened where the page is open already, changes nothing but the "#".
  window.addEventListener("hashchange", takeCode);

  // An invitation outlasts signing in or up: this window keeps its code until it is answered, or opens nothing.
  const KEPT = "vestibule-invitation";
  const kept = (...change) => {
    try {
      if (change.length === 0) return sessionStorage.getItem(KEPT);
      if (change[0]) sessionStorage.setItem(KEPT, change[0]);
      else sessionStorage.removeItem(KEPT);
      return change[0];
    } catch {
      return null; // Storage is refused: the link has to be opened again.
    }
  };
  const codeForm = document.querySelector("form[data-invitation]");
  const meetAnswers = () => {
    const answers = all("form[data-answers-invitation]");
    if (answers.length === 0) return false;
    const code = kept(answers[0].elements.token.value);
    for (const words of all("[data-keeps-invitation]")) words.hidden = !code;
    for (const form of answers) form.addEventListener("submit", () => kept(null));
    return true;
  };
  // Looking changes nothing, so nobody has to press a button for it; and the way back does not lead through a form.
  const look = async () => {
    kept(codeInput.value);
    const answer = await fetch(codeForm.action, { method: "POST", body: new URLSearchParams(new FormData(codeForm)) });
    if (!answer.ok || answer.redirected) return codeForm.requestSubmit();
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const main = document.getElementById("main");
    main.replaceChildren(...page.getElementById("main").childNodes);
    document.body.dataset.door = page.body.dataset.door ?? "";
    document.title = page.title;
    say(main.querySelector("h1").textContent);
    meetAnswers();
  };
  if (codeForm) {
    const lookIfKnown = () => {
      if (codeInput.value) look().catch(() => {}); // The button is still there.
    };
    if (document.getElementById("problems")) kept(null);
    else if (!codeInput.value && kept()) arrive(kept());
    lookIfKnown();
    window.addEventListener("hashchange", () => {
      if (codeForm.isConnected) return lookIfKnown();
      kept(codeInput.value); // Another link, where the offer of one is shown already.
      location.reload();
    });
  } else if (!meetAnswers()) {
    if (kept()) for (const waits of all("[data-invitation-waits]")) waits.replaceWith(waits.content);
    // Who leaves a shared machine leaves nothing of it behind.
    document.querySelector("form[action='/logout']")?.addEventListener("submit", () => kept(null));
  }

  // The waiting page looks again by itself while somebody looks at it.
  const lookAgain = async () => {
    const old = document.querySelector("main[data-refresh]");
    if (!old || document.hidden) return;
    const answer = await fetch(location.href, { headers: { "X-Background": "1" } });
    if (answer.redirected) return location.assign(answer.url);
    if (!answer.ok) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.querySelector("main");
    if (!fresh || fresh.textContent === old.textContent) return;
    const changed = fresh.dataset.state !== old.dataset.state;
    const focused = old.contains(document.activeElement) && document.activeElement.id;
    old.replaceChildren(...fresh.childNodes);
    old.dataset.state = fresh.dataset.state ?? "";
    if (!fresh.dataset.refresh) old.removeAttribute("data-refresh");
    document.body.dataset.door = page.body.dataset.door ?? "ajar";
    document.title = page.title;
    if (focused) (document.getElementById(focused) ?? old).focus({ preventScroll: true });
    if (changed) say(old.querySelector("h1")?.textContent ?? "");
  };
  const waiting = document.querySelector("main[data-refresh]");
  if (waiting) {
    const look = () => lookAgain().catch(() => {});
    setInterval(look, Number(waiting.dataset.refresh) * 1000);
    document.addEventListener("visibilitychange", look);
  }

  // Many at once: how many are chosen, and all of the page with one click.
  const bulk = document.querySelector("form[data-bulk]");
  if (bulk) {
    const boxes = all(`input[name=chosen][form=${bulk.id}]`);
    const every = bulk.querySelector("[data-bulk-all] input");
    const count = bulk.querySelector("[data-bulk-count]");
    const show = () => {
      const chosen = boxes.filter((box) => box.checked).length;
      every.checked = chosen > 0 && chosen === boxes.length;
      every.indeterminate = chosen > 0 && chosen < boxes.length;
      count.textContent = chosen ? `${chosen} selected` : "Nobody selected";
    };
    every.closest("label").hidden = boxes.length === 0;
    count.hidden = false;
    every.addEventListener("change", () => {
      for (const box of boxes) box.checked = every.checked;
      show();
      say(count.textContent);
    });
    for (const box of boxes) box.addEventListener("change", show);
    bulk.addEventListener(
      "submit",
      (event) => {
        if (boxes.some((box) => box.checked)) return;
        event.preventDefault();
        say("Nobody selected. Select people first.");
        boxes[0]?.focus();
      },
      true,
    );
    window.addEventListener("pageshow", show);
    show();
  }

  // A file is taken in while one looks on: row by row, with a bar. Without this, the page comes when all is done.
  const intake = document.querySelector("form[data-import]");
  if (intake && "TextDecoderStream" in window) {
    const result = document.getElementById("result");
    const head = document.getElementById("result-head");
    const said = result.querySelector("[data-said]");
    const bar = result.querySelector("progress");
    const table = result.querySelector("table");
    const more = result.querySelector("[data-more]");
    const NAMES = { created: "Created", would_create: "Valid", refused: "Skipped" };
    const count = (number, one, many) => `${number.toLocaleString("en")} ${number === 1 ? one : many}`;
    const stay = (event) => event.preventDefault();

    const add = (row) => {
      const line = document.getElementById("result-row").content.cloneNode(true);
      const at = (name) => line.querySelector(`[data-${name}]`);
      at("line").textContent = row.line;
      at("why").textContent = row.detail ?? "–";
      at("outcome").textContent = NAMES[row.outcome];
      at("outcome").className = `chip ${row.outcome === "refused" ? "chip-rejected" : "chip-active"}`;
      at("who").textContent = row.username ?? "–";
      if (row.id) {
        const link = Object.assign(document.createElement("a"), { href: `/users/${row.id}` });
        at("who").replaceWith(link);
        link.append(Object.assign(document.createElement("bdi"), { textContent: row.username }));
      }
      table.tBodies[0].append(line);
      table.hidden = false;
    };
    const readLines = async function* (body) {
      let rest = "";
      for (const reader = body.pipeThrough(new TextDecoderStream()).getReader(); ; ) {
        const { done, value } = await reader.read();
        const lines = (rest + (value ?? "")).split("\n");
        rest = lines.pop();
        for (const line of lines) yield JSON.parse(line);
        if (done) return;
      }
    };
    const take = async (check) => {
      const body = new FormData();
      body.append("file", intake.elements.file.files[0]);
      const headers = { Accept: "application/x-ndjson", "X-CSRF-Token": intake.elements.csrf_token.value };
      const answer = await fetch(`/api/v1/users/import?dry_run=${check}`, { method: "POST", headers, body });
      if (answer.status === 415) throw new Error(intake.dataset.otherKind);
      if (!answer.ok) {
        const { detail } = await answer.json();
        throw new Error(Array.isArray(detail) ? detail[0].msg : detail);
      }
      const total = Number(answer.headers.get("X-Total-Count"));
      const shown = { true: 0, false: 0 };
      let done = 0;
      bar.max = total || 1;
      for await (const row of readLines(answer.body)) {
        if (row.line === undefined) return row;
        const refused = row.outcome === "refused";
        shown[refused] += 1;
        if (shown[refused] <= Number(intake.dataset.shown)) add(row);
        else more.hidden = false;
        done += 1;
        bar.value = done;
        said.textContent = `${done.toLocaleString("en")} of ${count(total, "row", "rows")}`;
      }
      throw new Error("The connection was lost. The rows in the list were imported; check the file again for the rest.");
    };

    intake.addEventListener("submit", async (event) => {
      if (event.defaultPrevented) return;
      event.preventDefault();
      const check = event.submitter?.value !== "import";
      const buttons = all("button[type=submit]", intake);
      document.getElementById("problems")?.remove();
      table.tBodies[0].replaceChildren();
      table.hidden = more.hidden = true;
      bar.removeAttribute("value");
      result.hidden = bar.hidden = false;
      head.textContent = check ? "Checking …" : "Importing …";
      said.textContent = check ? "" : "Stay on this page until the import is finished.";
      said.setAttribute("aria-live", "off");
      for (const button of buttons) button.disabled = true;
      window.addEventListener("beforeunload", stay);
      result.focus({ preventScroll: true });
      result.scrollIntoView({ block: "start" });
      try {
        const { requested, succeeded, failed } = await take(check);
        head.textContent = `${check ? "Checked" : "Imported"}: ${count(requested, "row", "rows")}`;
        const were = (number) => (check ? "would be" : number === 1 ? "was" : "were");
        said.textContent =
          `${count(succeeded, "account", "accounts")} ${were(succeeded)} created, ` +
          `${count(failed, "row", "rows")} ${were(failed)} skipped.` +
          (check ? " Nothing was changed." : "");
      } catch (error) {
        head.textContent = "This did not work";
        said.textContent = error.message;
      }
      say(`${head.textContent}. ${said.textContent}`);
      bar.hidden = true;
      window.removeEventListener("beforeunload", stay);
      for (const button of buttons) settle(button);
    });
  }

  // A decision that asks for a reason opens under its request: the field gets the focus, and Escape closes it.
  const requests = all("[data-request]");
  for (const request of requests) {
    for (const asks of all("details[data-asks]", request)) {
      const asked = request.querySelector(`[data-asked=${asks.dataset.asks}]`);
      asks.addEventListener("toggle", () => asks.open && asked.elements.reason.focus());
      asked.addEventListener("keydown", (event) => {
        if (event.key !== "Escape") return;
        asks.open = false;
        asks.querySelector("summary").focus();
      });
    }
  }

  // Requests by keyboard: single keys can be switched off, and never act, only move.
  const hint = document.querySelector("[data-keys]");
  if (requests.length && hint) {
    const toggle = hint.querySelector("button");
    const read = () => {
      try {
        return localStorage.getItem("vestibule-keys") !== "off";
      } catch {
        return true;
      }
    };
    let on = read();
    const show = () => {
      toggle.textContent = on ? "Turn keys off" : "Turn keys on";
      for (const key of all("[data-key]", hint)) key.hidden = !on;
    };
    toggle.addEventListener("click", () => {
      on = !on;
      try {
        localStorage.setItem("vestibule-keys", on ? "on" : "off");
      } catch {
        // Storage is refused: the choice then lasts as long as the page.
      }
      show();
    });
    hint.hidden = false;
    show();
    const reject = (request) => {
      request.querySelector("[data-asks=reject]").open = true;
      request.querySelector("[data-asked=reject] [name=reason]").focus();
    };
    // A decision leads to the request after it: carry on from there.
    requests.find((request) => location.hash === `#${request.id}`)?.focus();
    document.addEventListener("keydown", (event) => {
      if (!on || event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.target.closest("input, textarea, select, [contenteditable]")) return;
      const here = requests.findIndex((request) => request.contains(document.activeElement));
      const current = requests[Math.max(here, 0)];
      if (event.key === "j") requests[Math.min(here + 1, requests.length - 1)].focus();
      else if (event.key === "k") requests[Math.max(here - 1, 0)].focus();
      else if (event.key === "a") current.querySelector("[data-approve]").focus();
      else if (event.key === "r") reject(current);
      else return;
      event.preventDefault();
    });
  }
})();
