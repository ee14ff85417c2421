// Inside an article's frame: tells the article how tall it wants to be. Nothing else leaves the frame.
"use strict";

const frame = document.querySelector("[data-frame]");

function tell() {
  const height = Math.ceil(frame.getBoundingClientRect().height);
  // Any newspaper may frame this page, so there is no one origin to name; a height is no secret.
  parent.postMessage({ haven: frame.dataset.frame, height, title: document.title }, "*");
}

if (parent !== window) {
  new ResizeObserver(tell).observe(frame);
  tell();
}
