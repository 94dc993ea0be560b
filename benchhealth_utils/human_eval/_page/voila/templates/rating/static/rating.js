// What Voilà and its widgets leave to do: labels, the keyboard's place, a lost connection.
"use strict";
(() => {
  const PATIENCE = 8000; // milliseconds that saving may take
  const sockets = new Set();
  let down = false;
  let timer;

  const warn = () => {
    document.getElementById("lost").hidden = !(down || timer === null);
  };

  // read before any script of Voilà: what it opens is watched here
  window.WebSocket = class extends window.WebSocket {
    constructor(...given) {
      super(...given);
      this.addEventListener("open", () => {
        sockets.add(this);
        down = false;
        warn();
      });
      this.addEventListener("close", () => {
        sockets.delete(this);
        down = sockets.size === 0;
        warn();
      });
    }
  };

  const wait = (event) => {
    const typed = event.target.matches("textarea");
    if (!event.target.closest(".rating-slot") || typed !== (event.type === "input")) return;
    clearTimeout(timer);
    timer = setTimeout(() => {
      timer = null; // nothing was heard
      warn();
    }, PATIENCE);
  };

  const heard = () => {
    clearTimeout(timer);
    timer = undefined;
    warn();
  };

  // one choice in a group, arrow keys within it, and its name read out
  let groups = 0;
  const name = (group) => {
    const label = group.querySelector(".widget-label");
    label.id = `choice-${++groups}`;
    group.setAttribute("role", "radiogroup");
    group.setAttribute("aria-labelledby", label.id);
    for (const input of group.querySelectorAll("input")) input.name = `${label.id}-of`;
  };

  const arrive = (heading) => {
    heading.removeAttribute("data-arrive");
    heading.scrollIntoView();
    heading.focus({ preventScroll: true });
  };

  const tidy = (changes) => {
    document.querySelectorAll(".rating .widget-radio:not([role])").forEach(name);
    document.querySelectorAll(".rating [data-arrive]").forEach(arrive);
    document.querySelector(".rating-status:not([role])")?.setAttribute("role", "status");
    document.querySelector("#main:not([role])")?.setAttribute("role", "main");
    if (changes.some((c) => c.target.closest?.(".rating-status, .rating-mark"))) heard();
  };

  // the same rater may have gone on in another tab or window
  const back = () => {
    if (!document.hidden) document.querySelector(".rating-refresh")?.click();
  };

  document.addEventListener("DOMContentLoaded", () => {
    document.addEventListener("visibilitychange", back);
    window.addEventListener("focus", back);
    document.querySelector("#lost button").addEventListener("click", () => location.reload());
    document.addEventListener("input", wait);
    document.addEventListener("change", wait);
    new MutationObserver(tidy).observe(document.body, { childList: true, subtree: true });
  });
})();
