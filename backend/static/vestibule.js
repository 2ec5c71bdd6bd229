// Improves pages that already work without it: focus, waiting, one-time codes, double sends, keys.
(() => {
  "use strict";

  const all = (selector, root = document) => [...root.querySelectorAll(selector)];

  const say = (text) => {
    const live = document.getElementById("live");
    if (live) live.textContent = text;
  };

  document.getElementById("problems")?.focus();

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

  for (const input of all("input[data-select]")) {
    input.addEventListener("focus", () => input.select());
  }

  // A link from a mail carries its code behind the "#", which no server and no log ever sees.
  const codeInput = document.querySelector("input[data-from-fragment]");
  const takeCode = () => {
    const code = new URLSearchParams(location.hash.slice(1)).get("token");
    if (!code || !codeInput) return;
    codeInput.value = code;
    codeInput.closest(".field").hidden = true;
    for (const line of all("[data-code-by-hand]")) line.hidden = true;
    for (const line of all("[data-code-arrived]")) line.hidden = false;
    history.replaceState(null, "", location.pathname + location.search);
  };
  takeCode();
  // A second link, opened where the page is open already, changes nothing but the "#".
  window.addEventListener("hashchange", takeCode);

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

  // Requests by keyboard: single keys can be switched off, and never act, only move.
  const requests = all("[data-request]");
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
    // A decision leads to the request after it: carry on from there.
    requests.find((request) => location.hash === `#${request.id}`)?.focus();
    document.addEventListener("keydown", (event) => {
      if (!on || event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.target.closest("input, textarea, select, [contenteditable]")) return;
      const here = requests.findIndex((request) => request.contains(document.activeElement));
      if (event.key === "j") requests[Math.min(here + 1, requests.length - 1)].focus();
      else if (event.key === "k") requests[Math.max(here - 1, 0)].focus();
      else if (event.key === "a") requests[Math.max(here, 0)].querySelector("[data-approve]").focus();
      else return;
      event.preventDefault();
    });
  }
})();
