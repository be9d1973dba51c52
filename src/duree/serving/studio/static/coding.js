// The coding page: keys, the time a text takes, and where the focus goes. Without it, buttons work.
"use strict";

// Nobody reads faster: a key within this time was meant for the text before.
const FASTEST = 200; // milliseconds

let shown = performance.now();

// A key that is typed into a field is text, and one with Ctrl, Alt or Cmd is the browser's.
function isTyping(event) {
  return event.ctrlKey || event.altKey || event.metaKey || event.isComposing ||
    event.target.closest("input:not([type=hidden]), textarea, select") !== null;
}

function openComment() {
  const comment = document.querySelector("#comment");
  if (comment) {
    comment.closest("details").open = true;
    comment.focus();
  }
}

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && event.target.id === "comment") {
    document.querySelector("#text").focus();
    return;
  }
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && event.target.id === "comment") {
    event.preventDefault();
    document.querySelector("#text").focus();
    return;
  }
  if (isTyping(event) || event.repeat) return;
  if (event.key === "c") {
    event.preventDefault();
    openComment();
    return;
  }
  const button = document.querySelector(`#question [data-key="${CSS.escape(event.key)}"]`);
  if (button) {
    event.preventDefault();
    if (performance.now() - shown < FASTEST) return;
    button.click();
  }
});

function setSeconds() {
  const seconds = document.querySelector("#answer [name=seconds]");
  if (seconds) seconds.value = ((performance.now() - shown) / 1000).toFixed(1);
}

// htmx reads a form's values after this event, a browser without it after "submit".
document.addEventListener("submit", setSeconds, true);
document.addEventListener("htmx:configRequest", (event) => {
  setSeconds();
  if ("seconds" in event.detail.parameters) {
    event.detail.parameters.seconds = document.querySelector("#answer [name=seconds]").value;
  }
});

// The next text: read from its beginning, by eye or by a screen reader.
function begin() {
  shown = performance.now();
  const first = document.querySelector("#typed") || document.querySelector("#text");
  if (first) first.focus({ preventScroll: true });
  window.scrollTo({ top: 0 });
}

document.addEventListener("htmx:afterSwap", begin);
document.addEventListener("DOMContentLoaded", begin);

// The studio was stopped, or its computer is asleep: the text stays, and says so.
document.addEventListener("htmx:sendError", () => {
  const status = document.querySelector("#lost");
  if (status) status.hidden = false;
});
document.addEventListener("htmx:beforeRequest", () => {
  const status = document.querySelector("#lost");
  if (status) status.hidden = true;
});
