// Small comforts. Every page works without this script; nothing here stores or sends anything about a reader.
"use strict";

const language = document.documentElement.lang || "en";
// Figures in 0-9 in every language, as the server writes them.
const numerals = `${language === "en" ? "en-GB" : language}-u-nu-latn`;
const calm = matchMedia("(prefers-reduced-motion: reduce)");

// Leaving in a hurry: blank at once, and no way back by the Back button.
for (const link of document.querySelectorAll("[data-exit]")) {
  link.addEventListener("click", (event) => {
    event.preventDefault();
    document.documentElement.hidden = true;
    location.replace(link.href);
  });
}

// Asks again and again, politely: only while the page is seen, slower after each failure.
function poll(ask, every) {
  const slowest = 300000;
  let wait = every;
  let timer = 0;
  const plan = () => {
    clearTimeout(timer);
    if (!document.hidden) timer = setTimeout(run, wait * (0.85 + Math.random() * 0.3));
  };
  const run = async () => {
    try {
      if (await ask()) return document.removeEventListener("visibilitychange", plan);
      wait = every;
    } catch {
      wait = Math.min(wait * 2, slowest);
    }
    plan();
  };
  document.addEventListener("visibilitychange", plan);
  plan();
}

async function fetched(address) {
  const response = await fetch(address, { credentials: "omit", signal: AbortSignal.timeout(8000) });
  if (!response.ok) throw new Error(String(response.status));
  return response;
}

function showNumber(element, value) {
  const format = new Intl.NumberFormat(numerals);
  const from = Number(element.dataset.count ?? value);
  element.dataset.count = value;
  if (calm.matches || from === value) {
    element.textContent = format.format(value);
    return;
  }
  const start = performance.now();
  const step = (now) => {
    const part = Math.min((now - start) / 700, 1);
    element.textContent = format.format(Math.round(from + (value - from) * (1 - (1 - part) ** 3)));
    if (part < 1 && Number(element.dataset.count) === value) requestAnimationFrame(step);
  };
  requestAnimationFrame(step);
}

for (const tally of document.querySelectorAll("[data-counter]")) {
  const format = new Intl.NumberFormat(numerals);
  poll(async () => {
    const figures = await (await fetched(tally.dataset.counter)).json();
    if (!Number.isSafeInteger(figures.count)) throw new Error("no count");
    const bar = tally.querySelector("progress");
    showNumber(tally.querySelector("[data-count]"), figures.count);
    if (bar && figures.goal) {
      bar.max = figures.goal;
      bar.value = Math.min(figures.count, figures.goal);
      tally.querySelector("[data-goal]").textContent = format.format(figures.goal);
    }
    const next = tally.querySelector("[data-next]");
    if (next && figures.next_milestone) next.textContent = format.format(figures.next_milestone);
  }, 10000);
}

// The button says what happens: it names the amount as soon as there is one.
for (const form of document.querySelectorAll("form[data-give]")) {
  const { give: pattern, currency } = form.dataset;
  const digits = Number(form.dataset.digits);
  const button = form.querySelector("button[type=submit]");
  const agreed = form.elements.agreed;
  const own = form.elements.other_amount;
  const radios = [...form.querySelectorAll("input[name=amount]")];
  const undecided = form.dataset.undecided;

  // Only what can be read in one way; anything else is left to the server, which asks again.
  const typed = () => {
    const found = /^\s*(\d{1,9})(?:[.,](\d{1,2}))?\s*$/.exec(own.value);
    if (!found || (found[2] ?? "").length > digits) return 0;
    return Number(found[1] + (found[2] ?? "").padEnd(digits, "0"));
  };
  const shown = (minor) => new Intl.NumberFormat(numerals, {
    style: "currency",
    currency,
    minimumFractionDigits: minor % 10 ** digits ? digits : 0,
    maximumFractionDigits: digits,
  }).formatToParts(minor / 10 ** digits).map(({ type, value }) => type === "currency" ? form.dataset.sign : value).join("");

  const update = () => {
    const radio = radios.find((choice) => choice.checked);
    const minor = own.value.trim() ? typed() : Number(radio?.value ?? 0);
    const label = own.value.trim() || !radio ? shown(minor) : radio.labels[0].textContent.trim();
    button.textContent = minor ? pattern.replace("{amount}", label) : undecided;
    agreed.value = minor ? `${currency} ${minor}` : "";
  };
  own.addEventListener("input", () => {
    for (const choice of radios) choice.checked = false;
    update();
  });
  for (const choice of radios) {
    choice.addEventListener("change", () => {
      own.value = "";
      update();
    });
  }
  // A browser that restores answers after Back does so without an event.
  addEventListener("pageshow", update);
}

for (const field of document.querySelectorAll("[data-copy]")) {
  if (!navigator.clipboard) continue;
  const button = document.createElement("button");
  button.type = "button";
  button.className = "button quiet";
  button.textContent = field.dataset.copy;
  button.setAttribute("aria-live", "polite");
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(field.value);
    button.textContent = field.dataset.copied;
  });
  field.after(button);
}

// A payment that is being checked: load the page again only when there is something new on it.
for (const waiting of document.querySelectorAll("[data-recheck]")) {
  poll(async () => {
    const page = new DOMParser().parseFromString(await (await fetched(location.href)).text(), "text/html");
    const state = page.querySelector("[data-state]")?.dataset.state;
    if (!state || state === waiting.dataset.state) return false;
    location.reload();
    return true;
  }, 1000 * Number(waiting.dataset.recheck));
}

// Where the server asks for it, a little arithmetic goes with the form (ALTCHA's format). Whatever fails or takes too
// long here, and where a page over plain http has no crypto.subtle, the form is sent all the same.
const tries = 500;
const patience = 20000;

async function solve(address) {
  if (!globalThis.crypto?.subtle) throw new Error("no secure context");
  const { algorithm, challenge, maxnumber, salt, signature } = await (await fetched(address)).json();
  if (!/^[0-9a-f]{64}$/.test(challenge)) throw new Error("no challenge");
  const text = new TextEncoder();
  const wanted = new DataView(Uint8Array.from(challenge.match(/../g), (pair) => parseInt(pair, 16)).buffer);
  const same = (sum) => [0, 8, 16, 24].every((at) => sum.getBigUint64(at) === wanted.getBigUint64(at));
  const end = performance.now() + patience;
  for (let first = 0; first <= maxnumber && performance.now() < end; first += tries) {
    const count = Math.min(tries, maxnumber + 1 - first);
    const sums = await Promise.all(Array.from({ length: count }, (_, at) =>
      crypto.subtle.digest(algorithm, text.encode(salt + (first + at)))));
    const found = sums.findIndex((sum) => same(new DataView(sum)));
    if (found >= 0) return btoa(JSON.stringify({ algorithm, challenge, number: first + found, salt, signature }));
  }
  throw new Error("no solution");
}

for (const form of document.querySelectorAll("form[data-work]")) {
  const state = form.querySelector("[data-working]");
  let working = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (working) return;
    working = true;
    state.textContent = state.dataset.working;
    let solution = "";
    try {
      solution = await solve(form.dataset.work);
    } catch { /* sent without */ }
    if (!working) return;
    form.elements.altcha.value = solution;
    form.submit();
  });
  // After Back, the page stands as it was left: a solution is good once.
  addEventListener("pageshow", (event) => {
    if (!event.persisted) return;
    working = false;
    state.textContent = form.elements.altcha.value = "";
  });
}
